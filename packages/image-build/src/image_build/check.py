"""The test of an image: a real container of it, looked at from inside and asked from outside."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from env_spec import LockedPackage
from env_spec.drift import PROBE, Drift, drift, parse_installed
from image_build.engine import Engine, LocalImage, RunResult
from image_build.errors import NotBuiltError
from image_build.plan import ImagePlan
from image_build.probe import CONTENT, KERNEL, TOOLS
from image_build.sizes import shown_bytes

PYTHON = "/opt/venv/bin/python"
JUPYTER_PORT = 8888
PATIENCE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        problem: None if it is as it should be.
        fact: What was seen.
    """

    what: str
    fact: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageReport:
    """All that a test saw.

    Attributes:
        package_bytes: Installed size by package, by the names that the packages give themselves.
    """

    image: str
    reference: str
    digest: str
    size_bytes: int
    base_bytes: int
    package_bytes: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(f"{finding.what}: {finding.problem}" for finding in self.findings if finding.problem)

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def check_image(engine: Engine, plan: ImagePlan, reference: str) -> ImageReport:
    """Test an image that is here; what is wrong with it is in the report.

    Raises:
        NotBuiltError: It is not here.
    """
    image = engine.image(reference)
    if image is None:
        raise NotBuiltError(plan.name, plan.fingerprint)
    engine.remove_leftovers()
    content = _json(engine.run(reference, [PYTHON, "-c", CONTENT]))
    sizes = {str(name): int(size) for name, size in content.get("sizes", {}).items()}
    base_bytes = _base_bytes(engine, plan, image)
    names = {package.name for package in plan.packages}
    findings = [
        _packages(plan.packages, engine.run(reference, [PYTHON, "-c", PROBE])),
        _files(content),
        _user(content),
        _tools(engine, plan, reference),
    ]
    if "ipykernel" in names:
        findings.append(_kernel(_json(engine.run(reference, [PYTHON, "-c", KERNEL]))))
    if "jupyter-server" in names:
        findings.append(_jupyter(engine, reference))
    findings.append(_size(image.size_bytes, base_bytes, sum(sizes.values()), plan.max_size_bytes))
    return ImageReport(
        image=plan.name,
        reference=plan.reference,
        digest=image.digest,
        size_bytes=image.size_bytes,
        base_bytes=base_bytes or 0,
        package_bytes=sizes,
        findings=tuple(findings),
    )


def shown_report(report: ImageReport) -> str:
    """The report as a person reads it."""
    lines = [f"{report.image}: {'fails' if report.failures else 'as it should be'} ({report.reference})"]
    for finding in report.findings:
        lines.append(f"  {'FAIL' if finding.problem else 'ok':4} {finding.what}: {finding.problem or finding.fact}")
    return "".join(f"{line}\n" for line in lines)


def image_drift(engine: Engine, plan: ImagePlan, reference: str) -> tuple[str, ...]:
    """What in an image that is here is not as the plan's slice says, a phrase per package."""
    return drift_phrases(_drift(plan.packages, engine.run(reference, [PYTHON, "-c", PROBE])))


def drift_phrases(found: Drift) -> tuple[str, ...]:
    """What differs from the lock, by name."""
    words = [f"{one.name} {one.locked} is missing" for one in found.missing]
    words += [f"{one.name} {one.installed} is extra" for one in found.extra]
    words += [f"{one.name} is {one.installed}, not {one.locked}" for one in found.changed]
    return tuple(words)


def _drift(packages: tuple[LockedPackage, ...], answer: RunResult) -> Drift:
    return drift(packages, parse_installed(answer.output, source="the image"))


def _packages(packages: tuple[LockedPackage, ...], answer: RunResult) -> Finding:
    found = _drift(packages, answer)
    problem = ", ".join(drift_phrases(found)) or None
    return Finding(what="packages", fact=f"all {found.checked} as locked, none besides", problem=problem)


def _files(content: Mapping[str, Any]) -> Finding:
    damaged = content.get("damaged", {"the image": content.get("problem")})
    problem = "; ".join(f"{name}: {what}" for name, what in damaged.items()) or None
    return Finding(what="files", fact="every file of every package is there, whole", problem=problem)


def _user(content: Mapping[str, Any]) -> Finding:
    user = content.get("user")
    return Finding(what="user", fact=f"number {user}", problem="it is root" if user == 0 else None)


def _tools(engine: Engine, plan: ImagePlan, reference: str) -> Finding:
    """A base may bring a compiler or curl; the build may not."""
    there = set(engine.run(reference, ["sh", "-c", TOOLS]).output.split())
    if there and plan.base and engine.has(plan.base):
        there -= set(engine.run(plan.base, ["sh", "-c", TOOLS]).output.split())
    elif there:
        there = {path for path in there if path.startswith("/opt/tools") or path.endswith(("poetry", "/uv", "/uvx"))}
    problem = f"left over from the build: {', '.join(sorted(there))}" if there else None
    return Finding(
        what="tools", fact="no Poetry, uv, curl, compiler or secret that the base does not have", problem=problem
    )


def _kernel(answer: Mapping[str, Any]) -> Finding:
    is_right = answer.get("status") == "ok" and answer.get("said") == answer.get("prefix") == "/opt/venv"
    problem = None if is_right else f"python3 does not run a cell in /opt/venv: {answer.get('problem', answer)}"
    return Finding(what="kernel", fact="python3 runs a cell in /opt/venv", problem=problem)


def _jupyter(engine: Engine, reference: str) -> Finding:
    token = secrets.token_hex(16)
    what = "jupyter"
    with engine.serving(reference, port=JUPYTER_PORT, environment={"JUPYTER_TOKEN": token}) as (address, container):
        began_s = time.monotonic()
        while (status := jupyter_status(address, token)) != 200:
            container.reload()
            is_over = container.status == "exited" or time.monotonic() - began_s > PATIENCE_S
            if is_over:
                said = container.logs(tail=5).decode("utf-8", "replace").strip()
                return Finding(what=what, fact="", problem=f"it does not answer (last: {status}). It said: {said}")
            time.sleep(0.2)
        without = jupyter_status(address, None)
        took_s = time.monotonic() - began_s
    problem = None if without == 403 else f"it answers {without} without the token, not 403"
    return Finding(what=what, fact=f"answers after {took_s:.1f} s, and only with its token", problem=problem)


def jupyter_status(address: str, token: str | None) -> int | None:
    """What the server at an address answers to whoever has this token, or none; None for nothing."""
    url = f"{address}/api/status"
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"} if token else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def _size(size: int, known_base: int | None, packages: int, limit: int | None) -> Finding:
    base = known_base or 0
    rest = size - base - packages
    fact = f"{shown_bytes(size)} = base {shown_bytes(base)} + packages {shown_bytes(packages)} + {shown_bytes(rest)}"
    too_large = f"{fact}; max_size is {shown_bytes(limit)}" if limit is not None and size > limit else None
    # Measured: half-used file system blocks and folders take 8 %. Much more means that something else came in.
    is_stray = known_base is not None and rest > 0.15 * (size - base) + 5e6
    stray = f"{fact}: too much of it is in no package" if is_stray else None
    return Finding(what="size", fact=fact, problem=too_large or stray)


def _json(answer: RunResult) -> dict[str, Any]:
    """The document on the last line; a container that died is a document with a problem."""
    last = answer.output.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"problem": f"exit code {answer.exit_code}: {last}"}


def package_sizes(engine: Engine, plan: ImagePlan) -> tuple[dict[str, int], int]:
    """Unpacked bytes of the base, of each package and of the rest, and of the whole image."""
    image = engine.image(plan.reference)
    if image is None:
        raise NotBuiltError(plan.name, plan.fingerprint)
    sizes = _json(engine.run(plan.reference, [PYTHON, "-c", CONTENT])).get("sizes", {})
    base = _base_bytes(engine, plan, image) or 0
    rest = image.size_bytes - base - sum(sizes.values())
    return {"(the base)": base, **sizes, "(blocks and folders)": max(rest, 0)}, image.size_bytes


def _base_bytes(engine: Engine, plan: ImagePlan, image: LocalImage) -> int | None:
    if image.base_bytes is not None or plan.base is None:
        return image.base_bytes
    base = engine.image(plan.base)
    return base.size_bytes if base else None

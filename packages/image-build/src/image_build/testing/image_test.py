"""The test of an image: checks packages, files, user, tools, imports, kernel, Jupyter and size in containers of it."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from env_spec import PROBE
from image_build.engine import Engine, InspectedImage, engine_failures
from image_build.errors import NotBuiltError
from image_build.planning.build_plan import plan_local_image
from image_build.planning.image_plan import ImagePlan
from image_build.testing.findings import (
    Finding,
    ImageSize,
    drift_phrases,
    files_finding,
    imports_finding,
    kernel_finding,
    packages_finding,
    printed_document,
    probe_drift,
    size_finding,
    system_finding,
    user_finding,
)
from image_build.testing.import_probe import IMPORTS
from image_build.testing.probes import CONTENT, KERNEL, TOOLS, dpkg_query

PYTHON = "/opt/venv/bin/python"
JUPYTER_PORT = 8888
# How long Jupyter may take to answer.
TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class ImageReport:
    """The result of a test.

    Attributes:
        package_bytes: Installed size of each package, by the name that it gives itself.
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
        """A line for each check that failed."""
        return tuple(f"{finding.what}: {finding.problem}" for finding in self.findings if finding.problem)


@engine_failures()
def test_image(root: Path, name: str, *, base: str | None = None) -> ImageReport:
    """Test a local image. Failed checks are in the report.

    Raises:
        NotBuiltError: The image is not local.
        EnvSpecError, ImageBuildError: As for `plan_build`.
    """
    plan = plan_local_image(root, name, base=base)
    return check_image(plan.engine, plan.images[-1], plan.images[-1].reference)


@engine_failures()
def image_size(root: Path, name: str, *, base: str | None = None) -> ImageSize:
    """The unpacked size of a local image and of its parts.

    Raises:
        NotBuiltError: The image is not local.
        EnvSpecError, ImageBuildError: As for `plan_build`.
    """
    plan = plan_local_image(root, name, base=base)
    engine, image = plan.engine, plan.images[-1]
    content = printed_document(engine.run(image.reference, [PYTHON, "-c", CONTENT]))
    return _size(engine, image, _inspected(engine, image, image.reference), content)


def check_image(engine: Engine, plan: ImagePlan, reference: str) -> ImageReport:
    """Test an image that exists under this reference. Failed checks are in the report.

    Raises:
        NotBuiltError: The image is not local.
    """
    image = _inspected(engine, plan, reference)
    engine.remove_leftovers()
    content = printed_document(engine.run(reference, [PYTHON, "-c", CONTENT]))
    size = _size(engine, plan, image, content)
    names = {package.name for package in plan.packages}
    found = probe_drift(plan.packages, engine.run(reference, [PYTHON, "-c", PROBE, "files"]))
    findings = [
        packages_finding(found),
        files_finding(found),
        user_finding(content),
        _tools_finding(engine, plan, reference),
        imports_finding(printed_document(engine.run(reference, [PYTHON, "-c", IMPORTS, *plan.declared]))),
    ]
    if plan.system:
        findings.append(system_finding(plan.system, engine.run(reference, dpkg_query(plan.system))))
    if "ipykernel" in names:
        findings.append(kernel_finding(printed_document(engine.run(reference, [PYTHON, "-c", KERNEL]))))
    if "jupyter-server" in names:
        findings.append(_jupyter_finding(engine, reference))
    findings.append(size_finding(size, plan.max_size_bytes))
    return ImageReport(
        image=plan.name,
        reference=plan.reference,
        digest=image.digest,
        size_bytes=size.total_bytes,
        base_bytes=size.base_bytes or 0,
        package_bytes=size.package_bytes,
        findings=tuple(findings),
    )


def image_drift(engine: Engine, plan: ImagePlan, reference: str) -> tuple[str, ...]:
    """A phrase for each package in a local image that differs from the plan's slice of the lock."""
    return drift_phrases(probe_drift(plan.packages, engine.run(reference, [PYTHON, "-c", PROBE])))


def report_text(report: ImageReport) -> str:
    """The report for the user."""
    lines = [f"{report.image}: {'fails its test' if report.failures else 'passes its test'} ({report.reference})"]
    for finding in report.findings:
        lines.append(f"  {'FAIL' if finding.problem else 'ok':4} {finding.what}: {finding.problem or finding.fact}")
    return "\n".join(lines)


def jupyter_status(address: str, token: str | None) -> int | None:
    """The HTTP status of a Jupyter server for a user with this token, or without one; None if it does not answer."""
    url = f"{address}/api/status"
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"} if token else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def _inspected(engine: Engine, plan: ImagePlan, reference: str) -> InspectedImage:
    image = engine.image(reference)
    if image is None:
        raise NotBuiltError(plan.name, plan.fingerprint)
    return image


def _size(engine: Engine, plan: ImagePlan, image: InspectedImage, content: Mapping[str, Any]) -> ImageSize:
    base_bytes = image.base_bytes
    if base_bytes is None and plan.base is not None:
        base = engine.image(plan.base)
        base_bytes = base.size_bytes if base else None
    package_bytes = {str(name): int(size) for name, size in content.get("sizes", {}).items()}
    return ImageSize(
        total_bytes=image.size_bytes,
        base_bytes=base_bytes,
        package_bytes=package_bytes,
        system_bytes=image.system_bytes,
    )


def _tools_finding(engine: Engine, plan: ImagePlan, reference: str) -> Finding:
    """Whether the build left tools in the image; its base may have a compiler or curl."""
    found = set(engine.run(reference, ["sh", "-c", TOOLS]).output.split())
    if found and plan.base and engine.has(plan.base):
        found -= set(engine.run(plan.base, ["sh", "-c", TOOLS]).output.split())
    elif found:
        found = {path for path in found if path.startswith("/opt/tools") or path.endswith(("poetry", "/uv", "/uvx"))}
    problem = f"left over from the build: {', '.join(sorted(found))}" if found else None
    return Finding(
        what="tools", fact="no Poetry, uv, curl, compiler or secret that the base does not have", problem=problem
    )


def _jupyter_finding(engine: Engine, reference: str) -> Finding:
    """Whether Jupyter starts, and requires its token."""
    token = secrets.token_hex(16)
    what = "jupyter"
    with engine.serving(reference, port=JUPYTER_PORT, environment={"JUPYTER_TOKEN": token}) as container:
        start_s = time.monotonic()
        while (status := jupyter_status(container.address, token)) != 200:
            if container.has_exited() or time.monotonic() - start_s > TIMEOUT_S:
                problem = f"it does not answer (last status: {status}). Its output: {container.last_lines(5)}"
                return Finding(what=what, fact="", problem=problem)
            time.sleep(0.2)
        status_without_token = jupyter_status(container.address, None)
        duration_s = time.monotonic() - start_s
    is_protected = status_without_token == 403
    unprotected = None if is_protected else f"without the token it answers {status_without_token}, not 403"
    return Finding(what=what, fact=f"answers after {duration_s:.1f} s, and requires its token", problem=unprotected)

"""The findings of an image's test, from what its containers printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec import Drift, LockedPackage, drift, parse_installed
from image_build.engine import RunResult
from terminal import count_text, size_text

_MISSING_LIBRARY = re.compile(r"(?P<name>lib[\w.+-]+?)\.so\.(?P<version>\d+)[\d.]*: cannot open shared object file")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check.

    Attributes:
        fact: What was found.
        problem: None if the check passed.
    """

    what: str
    fact: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageSize:
    """The unpacked size of an image, in bytes.

    Attributes:
        base_bytes: The part of its base; None if it is unknown.
        system_bytes: The part of its Debian packages.
        package_bytes: By name, as the packages spell it.
    """

    total_bytes: int
    base_bytes: int | None
    package_bytes: Mapping[str, int]
    system_bytes: int = 0

    @property
    def rest_bytes(self) -> int:
        """What belongs neither to the base nor to a package: unused parts of file system blocks, and folders."""
        return self.total_bytes - (self.base_bytes or 0) - self.system_bytes - sum(self.package_bytes.values())

    @property
    def parts(self) -> dict[str, int]:
        """Bytes of the base, of each package and of the rest."""
        return {
            "(base)": self.base_bytes or 0,
            **({"(system packages)": self.system_bytes} if self.system_bytes else {}),
            **self.package_bytes,
            "(blocks and folders)": max(self.rest_bytes, 0),
        }


def packages_finding(found: Drift) -> Finding:
    """Whether exactly the locked packages are installed."""
    problem = ", ".join(drift_phrases(found)) or None
    return Finding(what="packages", fact=f"all {found.checked} as locked, and no others", problem=problem)


def probe_drift(packages: tuple[LockedPackage, ...], result: RunResult) -> Drift:
    """The differences between the lock and an image, from the output of env_spec's PROBE."""
    return drift(packages, parse_installed(result.output, source="the image"))


def drift_phrases(found: Drift) -> tuple[str, ...]:
    """A phrase for each package that differs from the lock."""
    phrases = [f"{one.name} {one.locked} is missing" for one in found.missing]
    phrases += [f"{one.name} {one.installed} is extra" for one in found.extra]
    phrases += [f"{one.name} is {one.installed}, not {one.locked}" for one in found.changed]
    return tuple(phrases)


def files_finding(found: Drift) -> Finding:
    """Whether the files of all packages are as they were installed."""
    by_package: dict[str, list[str]] = {}
    for file in found.damaged:
        by_package.setdefault(file.package, []).append(f"{file.path} {file.problem}")
    phrases = [
        f"{package}: {problems[0]}" + (f", and {len(problems) - 1} more" if problems[1:] else "")
        for package, problems in by_package.items()
    ]
    fact = f"{count_text(found.intact or 0, 'file')} of packages as installed"
    return Finding(what="files", fact=fact, problem="; ".join(phrases) or None)


def imports_finding(document: Mapping[str, Any]) -> Finding:
    """Whether every declared package can be imported, from the output of IMPORTS."""
    modules, failed = document.get("modules", {}), document.get("failed", {})
    problems = [f"{name}: {text}{_library_advice(text)}" for name, text in failed.items()]
    if "problem" in document:
        problems = [str(document["problem"])]
    empty = sum(not names for names in modules.values())
    fact = f"{count_text(len(modules) - empty, 'declared package')} imported"
    fact += f", {empty} without modules" if empty else ""
    return Finding(what="imports", fact=fact, problem="; ".join(problems) or None)


def _library_advice(text: str) -> str:
    """How to install a missing library: Debian names its packages after the library and its version."""
    match = _MISSING_LIBRARY.search(text)
    if not match:
        return ""
    # Debian's rule: libglib-2.0.so.0 is in libglib2.0-0, libgomp.so.1 in libgomp1.
    name = re.sub(r"-(?=\d)", "", match["name"].lower().replace("_", "-"))
    separator = "-" if name[-1].isdigit() else ""
    package = f"{name}{separator}{match['version']}"
    return f' (a library of the system is missing: add the Debian package that has it, probably system = ["{package}"])'


def system_finding(requested: Iterable[str], result: RunResult) -> Finding:
    """Whether the requested Debian packages are installed, from the output of `dpkg-query`: name, version, status."""
    lines = (line.split() for line in result.output.splitlines())
    installed = {words[0]: words[1] for words in lines if len(words) == 3 and words[2] == "installed"}
    problems = []
    for package in requested:
        name, _, version = package.partition("=")
        if name not in installed:
            problems.append(f"{name} is missing")
        elif version and installed[name] != version:
            problems.append(f"{name} is {installed[name]}, not {version}")
    fact = ", ".join(f"{name} {version}" for name, version in installed.items())
    return Finding(what="system", fact=fact, problem=", ".join(problems) or None)


def user_finding(content: Mapping[str, Any]) -> Finding:
    """Whether the image's user is not root."""
    user = content.get("user")
    return Finding(what="user", fact=f"user id {user}", problem="it is root" if user == 0 else None)


def kernel_finding(document: Mapping[str, Any]) -> Finding:
    """Whether the default kernel runs in the image's environment."""
    is_right = document.get("status") == "ok" and document.get("output") == document.get("prefix") == "/opt/venv"
    problem = None if is_right else f"python3 does not run a cell in /opt/venv: {document.get('problem', document)}"
    return Finding(what="kernel", fact="python3 runs a cell in /opt/venv", problem=problem)


def size_finding(size: ImageSize, limit_bytes: int | None) -> Finding:
    """Whether the image respects its limit, and everything in it belongs to its base or to a package."""
    packages = sum(size.package_bytes.values())
    fact = (
        f"{size_text(size.total_bytes)} = base {size_text(size.base_bytes or 0)} + packages {size_text(packages)}"
        + (f" + system packages {size_text(size.system_bytes)}" if size.system_bytes else "")
        + f" + {size_text(size.rest_bytes)}"
    )
    if limit_bytes is not None and size.total_bytes > limit_bytes:
        return Finding(what="size", fact=fact, problem=f"{fact}; max_size is {size_text(limit_bytes)}")
    # Measured: partly used file system blocks and folders take 8 %. Much more means unexpected files.
    own_bytes = size.total_bytes - (size.base_bytes or 0)
    is_unexplained = size.base_bytes is not None and size.rest_bytes > 0.15 * own_bytes + 5e6
    problem = f"{fact}: too much of it belongs to no package" if is_unexplained else None
    return Finding(what="size", fact=fact, problem=problem)


def printed_document(result: RunResult) -> dict[str, Any]:
    """The JSON document on the last line; if there is none, a document with a `problem`."""
    last = result.output.strip().rpartition("\n")[2]
    try:
        document = json.loads(last)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"problem": f"exit code {result.exit_code}: {last}"}

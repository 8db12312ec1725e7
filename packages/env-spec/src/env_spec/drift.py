"""What is installed somewhere against the slice of the lock that should be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec.errors import InstalledError
from env_spec.lock import LockedPackage, applicable
from env_spec.tables import normalized_name

# Runs in any Python 3.8+ without a package: what is installed there, and its PEP 508 marker variables.
PROBE = """\
import importlib.metadata as metadata, json, os, platform, sys
implementation = sys.implementation.version
version = "%d.%d.%d" % implementation[:3]
if implementation.releaselevel != "final":
    version += implementation.releaselevel[0] + str(implementation.serial)
environment = {
    "implementation_name": sys.implementation.name,
    "implementation_version": version,
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}
distributions = [
    {"name": found.metadata["Name"], "version": found.version, "path": str(found.locate_file(""))}
    for found in metadata.distributions()
]
print(json.dumps({"prefix": sys.prefix, "environment": environment, "distributions": distributions}))
"""

_ADDED = re.compile(r"^A (?P<path>/.*/(?P<name>[^/]+)-(?P<version>[^/-]+)\.(?:dist|egg)-info)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What a probe found.

    Attributes:
        environment: PEP 508 marker variables of the interpreter.
        versions: By normalised name.
        paths: Where each is, by normalised name.
        prefix: Of the interpreter.
    """

    environment: Mapping[str, str]
    versions: Mapping[str, str]
    paths: Mapping[str, str]
    prefix: str = ""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A package that is not as locked; `locked` is None if it is extra, `installed` if it is missing."""

    name: str
    locked: str | None
    installed: str | None
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Drift:
    """All that differs, each sorted by name; `checked` packages apply there."""

    missing: tuple[Difference, ...]
    extra: tuple[Difference, ...]
    changed: tuple[Difference, ...]
    checked: int

    def __bool__(self) -> bool:
        """Something differs."""
        return bool(self.missing or self.extra or self.changed)


def parse_installed(text: str, *, source: str = "the probe") -> Installed:
    """What PROBE printed; a package that is found twice is the one Python imports.

    Raises:
        InstalledError: It is something else.
    """
    try:
        # What starts a container may print before Python does.
        found: dict[str, Any] = json.loads(text.strip().rpartition("\n")[2])
        versions: dict[str, str] = {}
        paths: dict[str, str] = {}
        for distribution in found["distributions"]:
            # A half-removed distribution has no name; nothing can be said of it.
            if distribution["name"] and distribution["version"]:
                name = normalized_name(distribution["name"])
                versions.setdefault(name, distribution["version"])
                paths.setdefault(name, distribution["path"])
        environment = {str(key): str(value) for key, value in found["environment"].items()}
        return Installed(environment=environment, versions=versions, paths=paths, prefix=found["prefix"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstalledError(source, text) from error


def drift(packages: Iterable[LockedPackage], installed: Installed, *, added: Iterable[Difference] = ()) -> Drift:
    """Each package that is missing, extra or of another version where the probe ran.

    Args:
        added: What was installed elsewhere than where the probe looked (see `added_distributions`).

    Raises:
        LockError: A marker is malformed.
    """
    locked = {package.name: package.version for package in applicable(packages, installed.environment)}
    there = installed.versions
    extra = {
        name: Difference(name=name, locked=None, installed=there[name], path=installed.paths.get(name))
        for name in there
        if name not in locked
    }
    for difference in added:
        if there.get(difference.name) != difference.installed:
            extra.setdefault(difference.name, difference)
    return Drift(
        missing=tuple(
            Difference(name=name, locked=version, installed=None)
            for name, version in sorted(locked.items())
            if name not in there
        ),
        extra=tuple(extra[name] for name in sorted(extra)),
        changed=tuple(
            Difference(name=name, locked=version, installed=there[name], path=installed.paths.get(name))
            for name, version in sorted(locked.items())
            if name in there and not _is_same(version, there[name])
        ),
        checked=len(locked),
    )


def added_distributions(changes: str) -> tuple[Difference, ...]:
    """What `docker diff` says was installed since the container started, for whichever Python and place.

    A package that pip puts beside the image's environment is seen by no probe of it.
    """
    return tuple(
        Difference(name=normalized_name(match["name"]), locked=None, installed=match["version"], path=match["path"])
        for match in _ADDED.finditer(changes)
    )


def _is_same(first: str, second: str) -> bool:
    if first == second:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(first) == Version(second)
    except InvalidVersion:
        return False

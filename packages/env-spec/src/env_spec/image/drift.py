"""Compares the packages that are installed in an environment with a slice of the lock."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec.declaration.tables import normalized_name
from env_spec.errors import InstalledError
from env_spec.lock.slice import LockedPackage, applicable

# Metadata folders of installed distributions.
_METADATA_FOLDER = re.compile(r"/.*/(?P<name>[^/]+)-(?P<version>[^/-]+)\.(?:dist|egg)-info")


@dataclass(frozen=True, kw_only=True)
class DamagedFile:
    """A file of a package that is not as it was installed.

    Attributes:
        package: Normalised name.
        path: As in the package's RECORD, relative to the folder of the packages.
        problem: What is wrong, like `is missing`.
    """

    package: str
    path: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What the probe reported.

    Attributes:
        environment: PEP 508 marker variables of the interpreter.
        versions: By normalised name of the package.
        paths: Folder of each package, by normalised name.
        prefix: `sys.prefix` of the interpreter.
        damaged: Files that are not as they were installed.
        file_count: The number of files that are; None if the probe did not compare files.
    """

    environment: Mapping[str, str]
    versions: Mapping[str, str]
    paths: Mapping[str, str]
    prefix: str = ""
    damaged: tuple[DamagedFile, ...] = ()
    file_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A package that differs from the lock; `locked` is None if it is extra, `installed` is None if it is missing."""

    name: str
    locked: str | None
    installed: str | None
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Drift:
    """All differences, sorted by name.

    Attributes:
        checked: The number of locked packages that apply in the environment.
        damaged: Files of locked packages that are not as they were installed.
        intact: The number of files that are; None if files were not compared.
    """

    missing: tuple[Difference, ...]
    extra: tuple[Difference, ...]
    changed: tuple[Difference, ...]
    checked: int
    damaged: tuple[DamagedFile, ...] = ()
    intact: int | None = None

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.missing or self.extra or self.changed or self.damaged)


def parse_installed(text: str, *, source: str = "the probe") -> Installed:
    """The output of PROBE; of a package that is installed twice, the copy that Python imports.

    Raises:
        InstalledError: The text is not the output of PROBE.
    """
    try:
        # The entry point of a container can print lines before Python does.
        found: dict[str, Any] = json.loads(text.strip().rpartition("\n")[2])
        versions: dict[str, str] = {}
        paths: dict[str, str] = {}
        for distribution in found["distributions"]:
            # A partly removed distribution has no name; ignore it.
            if distribution["name"] and distribution["version"]:
                name = normalized_name(distribution["name"])
                versions.setdefault(name, distribution["version"])
                paths.setdefault(name, distribution["path"])
        environment = {str(key): str(value) for key, value in found["environment"].items()}
        damaged = tuple(
            DamagedFile(package=normalized_name(name), path=path, problem=problem)
            for name, path, problem in found.get("damaged", ())
        )
        return Installed(
            environment=environment,
            versions=versions,
            paths=paths,
            prefix=found["prefix"],
            damaged=damaged,
            file_count=found.get("file_count"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstalledError(source, text) from error


def drift(
    packages: Iterable[LockedPackage],
    installed: Installed,
    *,
    added: Iterable[Difference] = (),
    damaged: Iterable[DamagedFile] = (),
) -> Drift:
    """The packages that are missing, extra, of another version or damaged in the environment that the probe ran in.

    Args:
        added: Packages installed where the probe does not look (see `added_distributions`).
        damaged: Files that the probe cannot check (see `replaced_records`).

    Raises:
        LockError: A marker is malformed.
    """
    locked = {package.name: package.version for package in applicable(packages, installed.environment)}
    found = installed.versions
    extra = {
        name: Difference(name=name, locked=None, installed=found[name], path=installed.paths.get(name))
        for name in found
        if name not in locked
    }
    for difference in added:
        if found.get(difference.name) != difference.installed:
            extra.setdefault(difference.name, difference)
    return Drift(
        missing=tuple(
            Difference(name=name, locked=version, installed=None)
            for name, version in sorted(locked.items())
            if name not in found
        ),
        extra=tuple(extra[name] for name in sorted(extra)),
        changed=tuple(
            Difference(name=name, locked=version, installed=found[name], path=installed.paths.get(name))
            for name, version in sorted(locked.items())
            if name in found and not _is_same_version(version, found[name])
        ),
        checked=len(locked),
        # An extra package is a difference already. One of another version is complete or not, and both are reported.
        damaged=tuple(
            sorted(
                {file for file in (*installed.damaged, *damaged) if file.package in locked},
                key=lambda file: (file.package, file.path, file.problem),
            )
        ),
        intact=installed.file_count,
    )


def added_distributions(paths: Iterable[str]) -> tuple[Difference, ...]:
    """The packages installed since a container started, in any location, from the paths that were added to it.

    The probe does not find a package that pip installed outside the image's environment.
    """
    matches = ((path, _METADATA_FOLDER.fullmatch(path)) for path in paths)
    return tuple(
        Difference(name=normalized_name(match["name"]), locked=None, installed=match["version"], path=path)
        for path, match in matches
        if match
    )


def replaced_records(paths: Iterable[str]) -> tuple[DamagedFile, ...]:
    """The packages that were installed again since a container started, from the paths that were modified in it.

    The probe compares files with RECORD, so it does not find another build of the same version.
    """
    matches = ((path, _METADATA_FOLDER.fullmatch(path.removesuffix("/RECORD"))) for path in paths)
    return tuple(
        DamagedFile(
            package=normalized_name(match["name"]),
            path="/".join(path.split("/")[-2:]),
            problem="was replaced after the container started",
        )
        for path, match in matches
        if match and path.endswith("/RECORD")
    )


def _is_same_version(first: str, second: str) -> bool:
    if first == second:
        return True
    from packaging.version import InvalidVersion, Version

    try:
        return Version(first) == Version(second)
    except InvalidVersion:
        return False

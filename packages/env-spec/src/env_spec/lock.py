"""The slice of poetry.lock that a set of groups stands for, and what of it applies where."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from env_spec.errors import FileError, LockError
from env_spec.tables import Table, normalized_name, parse_toml

_OLDEST, _TOO_NEW = (2, 1), (3, 0)  # 2.1 is the first lock-version with groups and markers per package
_AFTER_ENTRIES = re.compile(rb"\n\[(?!package\.|\[)")
_FILE_LINE = r'    \{file = "([^"\\\n]+)", hash = "([^"\\\n]+)"\},?\n'
_FILE = re.compile(_FILE_LINE)
_FILES = re.compile(rf"(?m)^files = \[\n(?:{_FILE_LINE})*\]\n")
_HASHED_OF_PROJECT = ("requires-python", "dependencies", "optional-dependencies")
_HASHED_OF_POETRY = ("dependencies", "source", "extras", "dev-dependencies", "group")


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """A wheel or sdist; `hash` is `ALGORITHM:HEX`."""

    name: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class LockedSource:
    """Where a package comes from if not from PyPI.

    Attributes:
        type: `directory`, `file`, `git`, `url`, or `legacy` for another index.
        url: For `directory` and `file` a path relative to the lock's folder.
        resolved_reference: The full commit of a `git` source.
    """

    type: str
    url: str
    reference: str | None = None
    resolved_reference: str | None = None
    subdirectory: str | None = None
    editable: bool = False


@dataclass(frozen=True, kw_only=True)
class LockedPackage:
    """One version of one package; another version of it may stand beside it under another marker.

    Attributes:
        name: Normalised.
        marker: PEP 508 marker under which the asked groups need it; None for always.
    """

    name: str
    version: str
    marker: str | None = None
    files: tuple[LockedFile, ...] = ()
    source: LockedSource | None = None

    @property
    def path(self) -> str | None:
        """Path of a package of this project or of a local archive, relative to the lock's folder."""
        if self.source and self.source.type in ("directory", "file"):
            return self.source.url
        return None


def load_lock(path: Path) -> dict[str, Any]:
    """The parsed poetry.lock.

    Raises:
        LockError: It is missing, not TOML, or of a lock-version that has no groups.
    """
    if not path.exists():
        raise LockError(str(path), "there is no lock here; make one with `poetry lock`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LockError(str(path), f"cannot be read: {error.strerror}") from error
    return parse_lock(content, source=str(path))


def parse_lock(content: bytes, *, source: str = "poetry.lock") -> dict[str, Any]:
    """The parsed content of a poetry.lock.

    A second version of a lock costs little: an entry that was parsed before is not parsed again.

    Raises:
        LockError: It is not TOML, or of a lock-version that has no groups.
    """
    try:
        lock = _parsed_by_entry(content) or parse_toml(content, source=source)
    except FileError as error:
        raise LockError(error.path, error.problem) from error
    _check_version(lock, source)
    return lock


def lock_slice(lock: Table, groups: Iterable[str], *, source: str = "poetry.lock") -> tuple[LockedPackage, ...]:
    """The packages of a parsed poetry.lock that any of the groups needs, sorted by name.

    Which groups exist is not in a lock: take them from `EnvSpec.expanded`, which knows. Packages that
    only an extra of the project needs are left out, as in `poetry install` without `--extras`.

    Raises:
        LockError: The lock-version has no groups, or an entry lacks what a slice needs.
    """
    _check_version(lock, source)
    wanted = {normalized_name(group) for group in groups}
    packages = []
    for index, entry in enumerate(lock.get("package", [])):
        try:
            package = _locked_package(entry, wanted)
        except (KeyError, TypeError, AttributeError) as error:
            raise LockError(source, f"package[{index}] is not as Poetry writes it: {error!r}") from error
        if package:
            packages.append(package)
    return tuple(sorted(packages, key=lambda package: (package.name, package.version, package.marker or "")))


def python_versions(lock: Table) -> str:
    """The versions of Python a parsed poetry.lock is for, like `>=3.11,<4.0`."""
    return str(lock.get("metadata", {}).get("python-versions", "*"))


def is_up_to_date(pyproject: Table, lock: Table) -> bool:
    """The lock was made from this pyproject.toml, as far as Poetry's content-hash tells.

    Source: Poetry 2.3 to 2.5, `Locker._get_content_hash`. A `[tool.poetry]` that stands alone is hashed in
    another way, which is not told apart here: such a lock counts as up to date.
    """
    project, poetry = pyproject.get("project", {}), pyproject.get("tool", {}).get("poetry", {})
    content: dict[str, Any] = {}
    if of_project := {key: project[key] for key in _HASHED_OF_PROJECT if key in project}:
        content["project"] = of_project
    if groups := pyproject.get("dependency-groups"):
        content["dependency-groups"] = groups
    if not content:
        return True
    content["tool"] = {"poetry": {key: poetry[key] for key in _HASHED_OF_POETRY if key in poetry}}
    text = json.dumps(content, sort_keys=True)
    return bool(hashlib.sha256(text.encode()).hexdigest() == lock["metadata"].get("content-hash"))


def applicable(
    packages: Iterable[LockedPackage], environment: Mapping[str, str] | None = None
) -> tuple[LockedPackage, ...]:
    """The packages of a slice whose marker holds.

    Args:
        environment: PEP 508 marker variables; those it lacks are of the interpreter that runs this,
            so give all of them (`packaging.markers.default_environment` run over there) for another machine.

    Raises:
        LockError: A marker is malformed.
    """
    return tuple(package for package in packages if _holds(package, environment))


def _parsed_by_entry(content: bytes) -> dict[str, Any] | None:
    """As tomllib would parse it as a whole; None if it is not as Poetry writes it."""
    # Poetry writes no string over several lines, so this can stand nowhere but before an entry.
    head, *entries = (b"\n" + content.replace(b"\r\n", b"\n")).split(b"\n[[package]]\n")
    after = _AFTER_ENTRIES.search(entries[-1]) if entries else None
    if not after or b'"""' in content or b"'''" in content:
        return None
    rest, entries[-1] = entries[-1][after.start() :], entries[-1][: after.start()]
    try:
        lock = tomllib.loads((head + rest).decode("utf-8"))
        lock["package"] = [_parsed_entry(entry) for entry in entries]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return lock


@lru_cache(maxsize=4096)
def _parsed_entry(entry: bytes) -> dict[str, Any]:
    # Inside its array a subtable is [package.dependencies]; alone, `package` must be a table for that.
    text = "[package]\n" + entry.decode("utf-8")
    # Nearly all of a lock are these lines, and tomllib takes nine tenths of its time for them.
    files = _FILES.search(text)
    if files:
        text = text[: files.start()] + text[files.end() :]
    parsed: dict[str, Any] = tomllib.loads(text)["package"]
    if files:
        parsed["files"] = [{"file": name, "hash": digest} for name, digest in _FILE.findall(files[0])]
    return parsed


def _holds(package: LockedPackage, environment: Mapping[str, str] | None) -> bool:
    if package.marker is None:
        return True
    from packaging.markers import InvalidMarker, Marker  # takes longer to import than this package

    try:
        return Marker(package.marker).evaluate(dict(environment) if environment else None)
    except InvalidMarker as error:
        raise LockError("poetry.lock", f"{package.name} has the malformed marker {package.marker!r}") from error


def _locked_package(entry: Mapping[str, Any], wanted: set[str]) -> LockedPackage | None:
    groups = wanted & {normalized_name(group) for group in entry["groups"]}
    markers = _group_markers(entry.get("markers", ""), groups)
    # Sorted, so that the order of groups changes nothing; `or` binds weakest, so no brackets are needed.
    alternatives = sorted({alternative for marker in markers for alternative in _alternatives(marker)})
    if not alternatives:
        return None
    return LockedPackage(
        name=normalized_name(entry["name"]),
        version=entry["version"],
        marker=None if "" in markers else " or ".join(alternatives),
        files=tuple(LockedFile(name=file["file"], hash=file["hash"]) for file in entry.get("files", [])),
        source=_locked_source(entry),
    )


def _group_markers(markers: str | Mapping[str, str], groups: set[str]) -> set[str]:
    """The marker of each group; empty for a group that needs the package always."""
    if isinstance(markers, str):
        return {markers for _ in groups}
    of_group = {normalized_name(group): marker for group, marker in markers.items()}
    return {of_group.get(group, "") for group in groups}


def _alternatives(marker: str) -> list[str]:
    """The sides of a marker's `or`, without those that hold only for an extra of the project."""
    if "(" in marker:
        return [marker]
    return [side for side in marker.split(" or ") if "extra ==" not in side]


def _locked_source(entry: Mapping[str, Any]) -> LockedSource | None:
    if "source" not in entry:
        return None
    source = entry["source"]
    return LockedSource(
        type=source["type"],
        url=source["url"],
        reference=source.get("reference"),
        resolved_reference=source.get("resolved_reference"),
        subdirectory=source.get("subdirectory"),
        editable=entry.get("develop", False),
    )


def _check_version(lock: Table, source: str) -> None:
    metadata = lock.get("metadata")
    text = metadata.get("lock-version") if isinstance(metadata, Mapping) else None
    if not isinstance(text, str) or not all(part.isdecimal() for part in text.split(".")):
        raise LockError(source, "has no lock-version; make it anew with `poetry lock`")
    version = tuple(int(part) for part in text.split("."))
    if version < _OLDEST:
        raise LockError(
            source,
            f"has lock-version {text}, which has no groups; make it anew with Poetry 2's `poetry lock`",
        )
    if version >= _TOO_NEW:
        raise LockError(source, f"has lock-version {text}; 2.1 up to, not including, 3 can be read")

"""The slice of poetry.lock that a set of groups needs, and the packages of it that apply on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec.declaration.tables import Table, normalized_name
from env_spec.errors import LockError
from env_spec.lock.extras import without_extras
from env_spec.lock.lockfile import check_lock_version


@dataclass(frozen=True, kw_only=True)
class LockedFile:
    """A wheel or an sdist; `hash` is `ALGORITHM:HEX`."""

    name: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class LockedSource:
    """The source of a package that does not come from PyPI.

    Attributes:
        type: `directory`, `file`, `git`, `url`, or `legacy` for another package index.
        url: For `directory` and `file`, a path relative to the lock's folder.
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
    """One version of a package; the lock can have further versions under other markers.

    Attributes:
        name: Normalised.
        marker: PEP 508 marker under which the requested groups need it; None for always.
    """

    name: str
    version: str
    marker: str | None = None
    files: tuple[LockedFile, ...] = ()
    source: LockedSource | None = None

    @property
    def path(self) -> str | None:
        """The path of a package in this project or of a local archive, relative to the lock's folder."""
        if self.source and self.source.type in ("directory", "file"):
            return self.source.url
        return None

    @property
    def path_is_wheel(self) -> bool:
        """Whether its path is that of a wheel, which is installed as it is."""
        return bool(self.path and self.path.endswith(".whl"))


def lock_slice(
    lock: Table, groups: Iterable[str], *, extras: Iterable[str] = (), source: str = "poetry.lock"
) -> tuple[LockedPackage, ...]:
    """The packages of a parsed poetry.lock that any of the groups needs, sorted by name.

    A lock does not list the groups that exist, so pass the result of `EnvSpec.expanded`. The slice omits packages that
    only other extras of the project need, like `poetry install --extras`.

    Raises:
        LockError: The lock-version has no groups, or an entry is malformed.
    """
    check_lock_version(lock, source)
    requested = {normalized_name(group) for group in groups}
    chosen = frozenset(normalized_name(extra) for extra in extras)
    packages = []
    for index, entry in enumerate(lock.get("package", [])):
        try:
            package = _locked_package(entry, requested, chosen)
        except (KeyError, TypeError, AttributeError) as error:
            raise LockError(source, f"package[{index}] is malformed: {error!r}") from error
        if package:
            packages.append(package)
    return tuple(sorted(packages, key=lambda package: (package.name, package.version, package.marker or "")))


def applicable(
    packages: Iterable[LockedPackage], environment: Mapping[str, str] | None = None
) -> tuple[LockedPackage, ...]:
    """The packages of a slice whose marker is true.

    Args:
        environment: PEP 508 marker variables. Missing ones are taken from the running interpreter, so pass all of them
            (from `packaging.markers.default_environment` on that machine) for another machine.

    Raises:
        LockError: A marker is malformed.
    """
    return tuple(package for package in packages if _applies(package, environment))


def _applies(package: LockedPackage, environment: Mapping[str, str] | None) -> bool:
    if package.marker is None:
        return True
    from packaging.markers import InvalidMarker, Marker  # Importing it takes longer than importing this package.

    try:
        return Marker(package.marker).evaluate(dict(environment) if environment else None)
    except InvalidMarker as error:
        raise LockError("poetry.lock", f"{package.name} has the malformed marker {package.marker!r}") from error


def _locked_package(entry: Mapping[str, Any], requested: set[str], extras: frozenset[str]) -> LockedPackage | None:
    groups = requested & {normalized_name(group) for group in entry["groups"]}
    markers = _group_markers(entry.get("markers", ""), groups)
    if extras:
        markers = {reduced for marker in markers if (reduced := without_extras(marker, extras)) is not None}
    # Sorted, so that the order of groups does not matter. `or` binds weakest, so parentheses are not needed.
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
    """The marker of each group; an empty one for a group that always needs the package."""
    if isinstance(markers, str):
        return {markers for _ in groups}
    of_group = {normalized_name(group): marker for group, marker in markers.items()}
    return {of_group.get(group, "") for group in groups}


def _alternatives(marker: str) -> list[str]:
    """The operands of a marker's `or`, without those that apply only to an extra of the project."""
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

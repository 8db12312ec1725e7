"""Why a package is locked: the shortest path to it from a package that a group declares."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec.declaration.groups import DependencyGroup
from env_spec.declaration.tables import Table, normalized_name

_EXTRA = re.compile(r"extra == [\"']([^\"']+)[\"']")


@dataclass(frozen=True, kw_only=True)
class DependencyPath:
    """The packages from a declared one to the one in question, including both."""

    group: str
    packages: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.group}: {' -> '.join(self.packages)}"


def dependency_paths(
    lock: Table, groups: Mapping[str, DependencyGroup], names: Iterable[str]
) -> dict[str, DependencyPath]:
    """The path to each package that the named groups need: from the first group that needs it, and the shortest.

    Versions and markers along the path are ignored.
    """
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for entry in lock.get("package", []):
        entries.setdefault(normalized_name(entry["name"]), []).append(entry)
    paths: dict[str, DependencyPath] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = deque(
        (requirement.name, requirement.extras, DependencyPath(group=name, packages=(requirement.name,)))
        for name in names
        for requirement in groups[name].requirements
    )
    while waiting:
        name, extras, path = waiting.popleft()
        if name not in entries or (name, extras) in seen:
            continue
        seen.add((name, extras))
        paths.setdefault(name, path)
        for needed, needed_extras in _dependencies(entries[name], set(extras)):
            longer = DependencyPath(group=path.group, packages=(*path.packages, needed))
            waiting.append((needed, needed_extras, longer))
    return paths


def needed_by(lock: Table) -> Iterator[tuple[str, str]]:
    """Pairs of a package and its dependency, for all locked packages and all extras."""
    for entry in lock.get("package", []):
        for name in entry.get("dependencies", {}):
            yield normalized_name(entry["name"]), normalized_name(name)


def _dependencies(entries: list[Mapping[str, Any]], extras: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name and extras of each dependency that a package has with these extras."""
    for entry in entries:
        for name, required in entry.get("dependencies", {}).items():
            for alternative in required if isinstance(required, list) else [required]:
                table = alternative if isinstance(alternative, Mapping) else {}
                required_extras = {normalized_name(extra) for extra in _EXTRA.findall(table.get("markers", ""))}
                if not required_extras or required_extras & extras:
                    yield normalized_name(name), tuple(sorted(map(normalized_name, table.get("extras", ()))))

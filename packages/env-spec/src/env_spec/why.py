"""Why a package is locked: the shortest path to it from one that a group declares."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from env_spec.groups import DependencyGroup
from env_spec.tables import Table, normalized_name

_EXTRA = re.compile(r"extra == [\"']([^\"']+)[\"']")


@dataclass(frozen=True, kw_only=True)
class DependencyPath:
    """From a declared package to the one in question, both included."""

    group: str
    packages: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.group}: {' -> '.join(self.packages)}"


def dependency_paths(
    lock: Table, groups: Mapping[str, DependencyGroup], names: Iterable[str]
) -> dict[str, DependencyPath]:
    """The path to each package that the named groups need; the first group and the shortest path win.

    Which of two versions or markers led there makes no difference to the path.
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
    """Pairs of package and dependency, over all that is locked, whichever extras are asked for."""
    for entry in lock.get("package", []):
        for name in entry.get("dependencies", {}):
            yield normalized_name(entry["name"]), normalized_name(name)


def _dependencies(entries: list[Mapping[str, Any]], extras: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and extras of each dependency that these extras of a package lead to."""
    for entry in entries:
        for name, wanted in entry.get("dependencies", {}).items():
            for alternative in wanted if isinstance(wanted, list) else [wanted]:
                table = alternative if isinstance(alternative, Mapping) else {}
                only_for = {normalized_name(extra) for extra in _EXTRA.findall(table.get("markers", ""))}
                if not only_for or only_for & extras:
                    yield normalized_name(name), tuple(sorted(map(normalized_name, table.get("extras", ()))))

"""Version requirements of different groups that no single version meets; all groups share one lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from env_spec.declaration.groups import DependencyGroup, Requirement
from env_spec.declaration.tables import Report
from env_spec.errors import SpecError

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_SOME_VERSION = re.compile(r"[0-9][0-9A-Za-z.!+]*")


def report_conflicts(groups: Mapping[str, DependencyGroup], report: Report) -> None:
    """Report each pair of unconditional requirements for a package that no version meets."""
    by_name: dict[str, list[Requirement]] = {}
    for group in groups.values():
        for requirement in group.requirements:
            if requirement.versions and not requirement.is_conditional:
                by_name.setdefault(requirement.name, []).append(requirement)
    for first, second in (pair for same in by_name.values() for pair in combinations(same, 2)):
        if first.versions != second.versions and not _can_both_be_met(first, second):
            report(
                SpecError(
                    second.key,
                    f"{second.name} {second.versions} contradicts {first.versions} at {first.key}; all groups share "
                    "one lock, so widen one of the two, or add markers that exclude each other",
                )
            )


def _can_both_be_met(first: Requirement, second: Requirement) -> bool:
    """Return True if unsure: Poetry checks the requirements that only it can parse when it locks."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # Slow to import, and rarely needed.
    from packaging.version import InvalidVersion

    try:
        both = SpecifierSet(_pep440(first.versions)) & SpecifierSet(_pep440(second.versions))
        if any(part.operator == "===" for part in both):
            return True
        return any(both.contains(version, prereleases=True) for version in _candidates(both))
    except (InvalidSpecifier, InvalidVersion):
        return True


def _pep440(versions: str) -> str:
    return versions.strip().removeprefix("(").removesuffix(")")


def _candidates(versions: SpecifierSet) -> Iterable[str]:
    """Versions at, just below and just above every bound: if none of them matches, no version does."""
    from packaging.version import Version

    yield "0.dev0"
    for text in (match[0] for part in versions for match in _SOME_VERSION.finditer(part.version)):
        bound = Version(text.rstrip("."))
        yield from (str(bound), f"{bound.public}.0.0.1")
        parts = list(bound.release)
        yield ".".join(map(str, [*parts[:-1], parts[-1] + 1]))
        for place in reversed(range(len(parts))):
            if parts[place]:
                yield ".".join(map(str, [*parts[:place], parts[place] - 1, 9999999]))
                break

"""Which dependency groups a project declares, and which groups those include."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from env_spec.errors import IncludeCycleError, SpecError, UnknownGroupsError, UnknownNameError
from env_spec.tables import (
    Report,
    Table,
    key_path,
    normalized_name,
    report_unknown_keys,
    strings_in,
    table_at,
    tables_in,
    type_name,
)

_PACKAGE = re.compile(r"\s*([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^]]*)\])?")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A package that a group declares.

    Attributes:
        name: Normalised.
        extras: Normalised.
        versions: As declared, like `(>=2.3,<3)` or Poetry's `^2.3`; empty for any version, and for a path or git.
        is_conditional: It has a marker, so it does not hold everywhere.
        key: Where it stands in pyproject.toml.
    """

    name: str
    extras: tuple[str, ...] = ()
    versions: str = ""
    is_conditional: bool = False
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class DependencyGroup:
    """One group, from whichever tables declare it.

    Attributes:
        requirements: What the group itself declares.
        includes: The groups it includes directly.
    """

    name: str
    requirements: tuple[Requirement, ...]
    includes: tuple[str, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """Names of the packages the group itself declares, each once."""
        return tuple(dict.fromkeys(requirement.name for requirement in self.requirements))


@dataclass
class _Draft:
    requirements: list[Requirement] = field(default_factory=list)
    includes: dict[str, str] = field(default_factory=dict)  # included group -> key path of the include


_Drafts = dict[str, _Draft]


def parse_groups(pyproject: Table, report: Report) -> dict[str, DependencyGroup]:
    """The groups of PEP 735's `[dependency-groups]` and of Poetry's own tables, merged by name.

    Poetry merges them too: a path dependency of a PEP 735 group can only stand in its Poetry table.
    """
    drafts: _Drafts = {}
    _read_dependency_groups(pyproject, drafts, report)
    _read_poetry_groups(pyproject, drafts, report)
    _read_main_and_legacy_dev(pyproject, drafts, report)
    _report_unknown_includes(drafts, report)
    _report_cycles(drafts, report)
    return {
        name: DependencyGroup(
            name=name,
            requirements=tuple(draft.requirements),
            includes=tuple(included for included in draft.includes if included in drafts),
        )
        for name, draft in drafts.items()
    }


def expanded_groups(groups: Mapping[str, DependencyGroup], names: Iterable[str]) -> tuple[str, ...]:
    """The named groups and, after each, every group it includes, directly or not.

    Raises:
        UnknownGroupsError: Names all that are not in `groups`.
    """
    by_spelling = {name: normalized_name(name) for name in names}
    unknown = [spelling for spelling, name in by_spelling.items() if name not in groups]
    if unknown:
        raise UnknownGroupsError(unknown, known=groups)
    found: dict[str, None] = {}
    waiting = [*by_spelling.values()][::-1]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(reversed(groups[name].includes))
    return tuple(found)


def _read_dependency_groups(pyproject: Table, drafts: _Drafts, report: Report) -> None:
    groups = table_at(pyproject, ("dependency-groups",), report)
    for name, draft in _drafts_of(groups, ("dependency-groups",), drafts, report):
        items = groups[name]
        if not isinstance(items, list):
            key = key_path("dependency-groups", name)
            report(SpecError(key, f"must be an array of requirements, not {type_name(items)}"))
            continue
        for index, item in enumerate(items):
            _read_item(item, ("dependency-groups", name, index), draft, report)


def _read_item(item: object, path: tuple[str | int, ...], draft: _Draft, report: Report) -> None:
    if isinstance(item, str):
        _read_requirement(item, key_path(*path), draft, report)
    elif not isinstance(item, Mapping):
        report(SpecError(key_path(*path), f"must be a requirement or an include, not {type_name(item)}"))
    elif isinstance(item.get("include-group"), str) and len(item) == 1:
        draft.includes.setdefault(normalized_name(item["include-group"]), key_path(*path))
    else:
        report_unknown_keys(item, path, ("include-group",), report)
        if "include-group" not in item or not isinstance(item["include-group"], str):
            report(SpecError(key_path(*path), 'an include is written { include-group = "NAME" }'))


def _read_requirement(requirement: str, key: str, draft: _Draft, report: Report) -> None:
    # No full parser: Poetry refuses to lock a requirement it cannot parse, and packaging is slow to import.
    match = _PACKAGE.match(requirement)
    if not match:
        report(SpecError(key, f"{requirement!r} is not a requirement: it starts with no package name"))
        return
    versions, _, marker = requirement[match.end() :].partition(";")
    draft.requirements.append(
        Requirement(
            name=normalized_name(match[1]),
            extras=_normalized_names((match[3] or "").split(",")),
            versions="" if versions.lstrip().startswith("@") else versions.strip(),
            is_conditional=bool(marker),
            key=key,
        )
    )


def _read_poetry_groups(pyproject: Table, drafts: _Drafts, report: Report) -> None:
    path = ("tool", "poetry", "group")
    groups = dict(tables_in(pyproject, path, report))
    for name, draft in _drafts_of(groups, path, drafts, report):
        _read_poetry_packages(pyproject, (*path, name, "dependencies"), draft, report)
        includes = groups[name].get("include-groups", [])
        for key, included in strings_in(includes, (*path, name, "include-groups"), report):
            draft.includes.setdefault(normalized_name(included), key)


def _read_main_and_legacy_dev(pyproject: Table, drafts: _Drafts, report: Report) -> None:
    project = table_at(pyproject, ("project",), report)
    if "dependencies" in project:
        draft = drafts.setdefault("main", _Draft())
        for key, requirement in strings_in(project["dependencies"], ("project", "dependencies"), report):
            _read_requirement(requirement, key, draft, report)
    for table, group in {"dependencies": "main", "dev-dependencies": "dev"}.items():
        if table in table_at(pyproject, ("tool", "poetry"), report):
            draft = drafts.setdefault(group, _Draft())
            _read_poetry_packages(pyproject, ("tool", "poetry", table), draft, report)


def _read_poetry_packages(pyproject: Table, path: tuple[str, ...], draft: _Draft, report: Report) -> None:
    for name, entry in table_at(pyproject, path, report).items():
        if name == "python":
            continue
        # Several entries for one package differ by marker; which extras each asks for is all that matters.
        alternatives = entry if isinstance(entry, list) else [entry]
        tables = [item if isinstance(item, Mapping) else {"version": item} for item in alternatives]
        draft.requirements.append(
            Requirement(
                name=normalized_name(name),
                extras=_normalized_names([extra for table in tables for extra in table.get("extras", ())]),
                versions=str(tables[0].get("version", "")) if len(tables) == 1 else "",
                is_conditional=len(tables) != 1 or bool({"markers", "python", "platform"} & set(tables[0])),
                key=key_path(*path, name),
            )
        )


def _normalized_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({normalized_name(name.strip()) for name in names if name.strip()}))


def _drafts_of(
    groups: Iterable[str], path: tuple[str, ...], drafts: _Drafts, report: Report
) -> Iterator[tuple[str, _Draft]]:
    spellings: dict[str, str] = {}
    for name in groups:
        first = spellings.setdefault(normalized_name(name), name)
        if first != name:
            report(SpecError(key_path(*path, name), f"is the same group as '{first}': names are normalised"))
        yield name, drafts.setdefault(normalized_name(name), _Draft())


def _report_unknown_includes(drafts: _Drafts, report: Report) -> None:
    for draft in drafts.values():
        for name, key in draft.includes.items():
            if name not in drafts:
                report(UnknownNameError(key, kind="group", name=name, known=drafts))


def _report_cycles(drafts: _Drafts, report: Report) -> None:
    finished: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            cycle = (*above[above.index(name) :], name)
            report(IncludeCycleError(drafts[above[-1]].includes[name], cycle))
        elif name in drafts and name not in finished:
            for included in drafts[name].includes:
                visit(included, (*above, name))
            finished.add(name)

    for name in drafts:
        visit(name, ())

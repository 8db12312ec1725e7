"""Reads the dependency groups that a project declares, and the groups that these include."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from env_spec.declaration.tables import (
    Report,
    Table,
    key_path,
    normalized_name,
    report_unknown_keys,
    strings_in,
    table_at,
    tables_in,
    type_name,
    unknown_name_error,
)
from env_spec.errors import SpecError, UnknownNameError

# The project's own dependencies, which Poetry calls the group `main`.
_OWN_TABLES: tuple[str, ...] = ("project.dependencies", "tool.poetry.dependencies")
_MAIN_TABLES: tuple[str, ...] = (*_OWN_TABLES, "tool.poetry.group.main.dependencies")
_PACKAGE = re.compile(r"\s*([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^]]*)\])?")


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A package that a group declares.

    Attributes:
        name: Normalised.
        extras: Normalised.
        versions: As declared, like `(>=2.3,<3)` or Poetry's `^2.3`; empty for any version, a path or a git source.
        is_conditional: It has a marker, so it does not apply everywhere.
        key: Its key path in pyproject.toml.
    """

    name: str
    extras: tuple[str, ...] = ()
    versions: str = ""
    is_conditional: bool = False
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class DependencyGroup:
    """One group, merged from all tables that declare it.

    Attributes:
        requirements: Those that the group itself declares.
        includes: The groups it includes directly.
    """

    name: str
    requirements: tuple[Requirement, ...]
    includes: tuple[str, ...]

    @property
    def own_packages(self) -> tuple[str, ...]:
        """Of `main`: the packages that the project itself depends on, in `[project]` or Poetry's table for it."""
        own = (each.name for each in self.requirements if each.key.startswith(_OWN_TABLES))
        return tuple(dict.fromkeys(own))

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of the packages that the group itself declares, without repeats."""
        return tuple(dict.fromkeys(requirement.name for requirement in self.requirements))


@dataclass
class _Draft:
    requirements: list[Requirement] = field(default_factory=list)
    includes: dict[str, str] = field(default_factory=dict)  # included group -> key path of the include


_Drafts = dict[str, _Draft]


def parse_groups(pyproject: Table, report: Report) -> dict[str, DependencyGroup]:
    """The groups of PEP 735's `[dependency-groups]` and of Poetry's own tables, merged by name.

    Poetry merges them too: only a Poetry table can declare a path dependency of a PEP 735 group.
    """
    drafts: _Drafts = {}
    _read_dependency_groups(pyproject, drafts, report)
    _read_poetry_groups(pyproject, drafts, report)
    _read_main_and_legacy_dev(pyproject, drafts, report)
    _report_unlocked_main(pyproject, drafts, report)
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
    """The named groups and, after each, every group that it includes, directly or indirectly.

    Raises:
        UnknownNameError: Some names are not in `groups`; the message lists all of them.
    """
    by_spelling = {name: normalized_name(name) for name in names}
    unknown = [spelling for spelling, name in by_spelling.items() if name not in groups]
    if unknown:
        raise UnknownNameError("group", unknown, known=groups)
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
            report(SpecError(key_path(*path), 'write an include as { include-group = "NAME" }'))


def _read_requirement(requirement: str, key: str, draft: _Draft, report: Report) -> None:
    # A regular expression is enough: Poetry rejects a malformed requirement when it locks, and importing packaging
    # is slow.
    match = _PACKAGE.match(requirement)
    if not match:
        report(SpecError(key, f"{requirement!r} is not a requirement: it does not start with a package name"))
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
        # Several entries for one package differ by marker; only the extras of each are needed here.
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
            report(SpecError(key_path(*path, name), f"is the same group as '{first}': group names are normalised"))
        yield name, drafts.setdefault(normalized_name(name), _Draft())


def _report_unlocked_main(pyproject: Table, drafts: _Drafts, report: Report) -> None:
    """Report dependencies that Poetry does not lock, because it takes the group `main` from another table.

    Source: tried with Poetry 2.5.
    """
    requirements = drafts["main"].requirements if "main" in drafts else []
    by_table = {table: [each.name for each in requirements if each.key.startswith(table)] for table in _MAIN_TABLES}
    if "main" in map(normalized_name, table_at(pyproject, ("dependency-groups",), report)):
        taken, locked = "[dependency-groups]", _MAIN_TABLES[2:]
    elif by_table[_OWN_TABLES[0]]:
        taken, locked = "[project] dependencies", _OWN_TABLES
    else:
        return
    for table, names in by_table.items():
        if names and table not in locked:
            problem = f"Poetry does not lock {', '.join(names)}, because it takes the group 'main' from {taken}"
            report(SpecError(table, f"{problem}; move them there"))


def _report_unknown_includes(drafts: _Drafts, report: Report) -> None:
    for draft in drafts.values():
        for name, key in draft.includes.items():
            if name not in drafts:
                report(unknown_name_error(key, "group", name, drafts))


def _report_cycles(drafts: _Drafts, report: Report) -> None:
    finished: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            cycle = (*above[above.index(name) :], name)
            key = drafts[above[-1]].includes[name]
            report(SpecError(key, f"the group includes itself: {' -> '.join(cycle)}"))
        elif name in drafts and name not in finished:
            for included in drafts[name].includes:
                visit(included, (*above, name))
            finished.add(name)

    for name in drafts:
        visit(name, ())

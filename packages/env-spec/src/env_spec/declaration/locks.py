"""Reads `[tool.env-spec.locks.NAME]`: folders with a pyproject.toml and a lock of their own, for groups that exclude
each other. A group of such a folder is written `NAME:GROUP`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from env_spec.declaration.conflicts import report_conflicts
from env_spec.declaration.groups import DependencyGroup, parse_groups
from env_spec.declaration.tables import Report, Table, key_path, report_unknown_keys, string_at, tables_in
from env_spec.errors import SpecError

LOCKS = ("tool", "env-spec", "locks")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def parse_lock_folders(pyproject: Table, report: Report) -> dict[str, str]:
    """The folder of each further lock, relative to pyproject.toml, by the lock's name."""
    folders = {}
    for name, table in tables_in(pyproject, LOCKS, report):
        path = (*LOCKS, name)
        report_unknown_keys(table, path, ("path",), report)
        folder = string_at(table, (*path, "path"), report)
        if not _NAME.fullmatch(name):
            report(SpecError(key_path(*path), "a lock's name has lower-case letters, digits and '-'"))
        elif folder is None:
            report(SpecError(key_path(*path), f'needs the folder of its pyproject.toml, like path = "locks/{name}"'))
        elif _is_outside(folder):
            report(SpecError(key_path(*path, "path"), f"'{folder}' is not a folder below pyproject.toml"))
        else:
            folders[name] = folder.rstrip("/")
    return folders


def groups_of_locks(pyprojects: Mapping[str, Table], report: Report) -> dict[str, DependencyGroup]:
    """The groups of further locks as `NAME:GROUP`; mistakes are reported with the lock's name.

    Args:
        pyprojects: The parsed pyproject.toml of each lock, by the lock's name.
    """
    found = {}
    for lock, pyproject in pyprojects.items():

        def report_in_lock(mistake: SpecError, lock: str = lock) -> None:
            report(SpecError(f"{lock}:{mistake.key}", mistake.problem))

        groups = parse_groups(pyproject, report_in_lock)
        report_conflicts(groups, report_in_lock)
        for name, group in groups.items():
            includes = tuple(f"{lock}:{included}" for included in group.includes)
            found[f"{lock}:{name}"] = replace(group, name=f"{lock}:{name}", includes=includes)
    return found


def lock_of(group: str) -> str:
    """The name of the lock that a group is in; empty for the project's own."""
    return group.rpartition(":")[0]


def report_several_locks(groups: Iterable[str], key: str, report: Report) -> None:
    """Report groups of an image that are in different locks: their packages need not fit each other."""
    locks = dict.fromkeys(lock_of(group) for group in groups)
    if len(locks) > 1:
        names = " and ".join(f"'{lock}'" if lock else "the project's own" for lock in locks)
        report(SpecError(key, f"its groups are in the locks {names}; an image is made from one lock"))


def _is_outside(folder: str) -> bool:
    parts = folder.rstrip("/").split("/")
    return "\\" in folder or not all(parts) or bool({".", ".."} & set(parts))

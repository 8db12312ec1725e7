"""What is garbage: a pure decision over facts about a remote or a cache and about what commits need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data_share.errors import DataShareError
from data_share.garbage.needed import NeededData
from data_share.records.objects import Entry, is_list
from data_share.repository.repository import WORKING_TREE
from terminal import count_text, size_text


@dataclass(frozen=True, kw_only=True)
class StoredFacts:
    """What is known about the objects of a remote or a cache.

    Attributes:
        where: Bucket and prefix, or folder.
        sizes: Size in bytes of each object.
        young: Objects that were added within the days that are kept.
        lists: The files of each list that could be read, there or in the cache.
    """

    where: str
    sizes: Mapping[str, int]
    young: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """The objects of a remote or a cache that nothing needs.

    Attributes:
        sizes: Size in bytes of each of them.
        kept_files, kept_bytes: Objects that stay.
        commits: How many commits were considered, in addition to the working tree.
        is_known_only: Whether the branches of git's remotes were not asked for.
    """

    where: str
    sizes: Mapping[str, int]
    kept_files: int
    kept_bytes: int
    commits: int
    days: int
    is_known_only: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(self.sizes.values())


def find_garbage(stored: StoredFacts, needed: NeededData, *, days: int, is_known_only: bool = False) -> Garbage:
    """The objects that nothing needs.

    Raises:
        DataShareError: The list of a needed or of a young folder cannot be read, so its files are unknown.
    """
    kept = _kept(stored, needed)
    unneeded = {oid: size for oid, size in stored.sizes.items() if oid not in kept}
    return Garbage(
        where=stored.where,
        sizes=unneeded,
        kept_files=len(stored.sizes) - len(unneeded),
        kept_bytes=sum(stored.sizes.values()) - sum(unneeded.values()),
        commits=needed.commits,
        days=days,
        is_known_only=is_known_only,
    )


def lists_to_read(stored: StoredFacts, needed: NeededData) -> frozenset[str]:
    """The lists whose files must be known before anything is removed."""
    wanted = {output.oid for output in needed.outputs if output.is_folder}
    wanted |= set(filter(is_list, stored.young))
    # The commit of a lost capsule names a list that only its files can show.
    return frozenset(wanted | (set(filter(is_list, stored.sizes)) if needed.lost else set()))


def _kept(stored: StoredFacts, needed: NeededData) -> set[str]:
    kept = {output.oid for output in needed.outputs} | needed.parts | stored.young
    for output in needed.outputs:
        if output.is_folder and output.oid not in stored.lists and stored.sizes:
            # An interrupted push leaves files without their list, which is uploaded last.
            raise DataShareError(
                f"the list of {output.path} ({output.oid}), which a commit needs, is neither in the cache nor on the"
                " remote, so its files cannot be distinguished from garbage; nothing was removed.\n"
                "  Push that commit's data, or remove the commit, first."
            )
    for oid in filter(is_list, stored.young):
        if oid not in stored.lists:
            raise DataShareError(
                f"the list {oid} was added to {stored.where} within the days that are kept and cannot be read, so its"
                " files cannot be distinguished from garbage; nothing was removed.\n"
                "  The colleague who added it can repair it: `invoke data.push --repair`."
            )
    lost_parts = frozenset[str]().union(*(capsule.parts for capsule in needed.lost))
    for oid, entries in stored.lists.items():
        files = {entry.oid for entry in entries}
        if oid in kept or files & lost_parts:
            kept |= {oid, *files}
    return kept


def garbage_json(garbage: Garbage, *, is_removed: bool) -> dict[str, Any]:
    """The garbage for programs.

    Args:
        is_removed: Whether it was removed.
    """
    plan = {
        "where": garbage.where,
        "files": len(garbage.sizes),
        "bytes": garbage.size_bytes,
        "kept_files": garbage.kept_files,
        "kept_bytes": garbage.kept_bytes,
        "objects": sorted(garbage.sizes),
    }
    return {"plan": plan, "removed": len(garbage.sizes) if is_removed and garbage.sizes else None}


def garbage_text(garbage: Garbage) -> str:
    """The garbage for the user, before it is removed."""
    if not garbage.sizes:
        kept = f"{count_text(garbage.kept_files, 'object')} ({size_text(garbage.kept_bytes)})"
        return f"{garbage.where}: nothing to remove; {kept} are needed"
    recent = f" and all commits and objects of the last {garbage.days} days" if garbage.days else ""
    advice = " (branches that only the server has were not asked for)" if garbage.is_known_only else ""
    return (
        f"{garbage.where}: nothing needs {count_text(len(garbage.sizes), 'object')} ({size_text(garbage.size_bytes)});"
        f" {garbage.kept_files:,} ({size_text(garbage.kept_bytes)}) stay.\n"
        f"  Needed are the data of {WORKING_TREE}, of every worktree, of every branch and tag{advice}, and of every"
        f" capsule in them{recent}: {count_text(garbage.commits, 'commit')}."
    )


def removed_text(garbage: Garbage) -> str:
    """What was removed, for the user; empty if there was no garbage."""
    if not garbage.sizes:
        return ""
    return f"removed {count_text(len(garbage.sizes), 'object')}; listing {garbage.where} again confirms it"

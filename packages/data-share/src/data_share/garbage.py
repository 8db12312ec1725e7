"""Removing objects that no branch, tag or recent commit needs, and counting what really went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from data_share.errors import DataShareError, KeptError, RecordError
from data_share.local import LocalObjects
from data_share.objects import FOLDER_SUFFIX, digest_of, folder_entries, md5_of
from data_share.records import Output, recorded_outputs
from data_share.repository import HERE, Repository
from data_share.stores import Store
from data_share.units import size_text


@dataclass(frozen=True, kw_only=True)
class Garbage:
    """What would be removed from one place.

    Attributes:
        sizes: Bytes of each object that nothing needs.
        kept_files: How many objects of the place stay.
        commits: How many commits were asked, the working tree not counted.
    """

    where: str
    sizes: Mapping[str, int]
    kept_files: int
    kept_bytes: int
    commits: int
    days: int

    @property
    def size_bytes(self) -> int:
        return sum(self.sizes.values())


def needed_outputs(repository: Repository, days: int) -> tuple[set[Output], int]:
    """Outputs of the working tree and of `Repository.needed_commits`, and how many commits these are.

    Raises:
        RecordError: A commit's records cannot be read: what it needs is unknown, so nothing may be removed.
    """
    needed = set(recorded_outputs(repository.records()))
    known: dict[tuple[tuple[str, str], ...], set[Output]] = {}
    commits = repository.needed_commits(days)
    for commit in commits:
        blobs = repository.record_blobs(commit)
        state = tuple(sorted(blobs.items()))
        if state not in known:
            try:
                known[state] = set(recorded_outputs(repository.text_of(blobs)))
            except RecordError as error:
                raise RecordError(f"commit {commit[:12]}: {error.source}", f"{error}; nothing was removed") from error
        needed |= known[state]
    return needed, len(commits)


def needed_objects(outputs: Iterable[Output], local: LocalObjects, there: Mapping[str, int], store: Store) -> set[str]:
    """Every object that the outputs are made of.

    Args:
        there: What the place to be cleaned has.

    Raises:
        DataShareError: The list of a folder cannot be had although something of it may be there.
    """
    needed: set[str] = set()
    for output in outputs:
        needed.add(output.oid)
        if not output.is_folder:
            continue
        content = local.folder_list(output.oid)
        if content is None and output.oid in store.sizes([output.oid]):
            content = store.read(output.oid)
            if md5_of(content) != digest_of(output.oid):
                raise DataShareError(
                    f"the list of {output.path} ({store.describe(output.oid)}) is damaged; nothing was removed"
                )
        if content is not None:
            needed |= {entry.oid for entry in folder_entries(content, output.oid)}
        elif there:
            # Its files may be there without it: an interrupted push sends the list last.
            raise DataShareError(
                f"the list of {output.path} ({output.oid}), which a commit needs, is neither here nor on the remote,"
                " so its files cannot be told from garbage; nothing was removed.\n"
                "  Push that commit's data, or remove the commit, first."
            )
    return needed


def garbage_of(where: str, there: Mapping[str, int], needed: set[str], *, commits: int, days: int) -> Garbage:
    """What of a place nothing needs."""
    sizes = {oid: size for oid, size in there.items() if oid not in needed}
    return Garbage(
        where=where,
        sizes=sizes,
        kept_files=len(there) - len(sizes),
        kept_bytes=sum(there.values()) - sum(sizes.values()),
        commits=commits,
        days=days,
    )


def remove_garbage(garbage: Garbage, place: Store) -> int:
    """Remove it, look what is there then, and give the number of objects that went.

    Raises:
        KeptError: Some of it is still there.
    """
    # Lists first: who finds a list counts on its files.
    lists = [oid for oid in garbage.sizes if oid.endswith(FOLDER_SUFFIX)]
    files = [oid for oid in garbage.sizes if not oid.endswith(FOLDER_SUFFIX)]
    reasons = {**place.remove(lists), **place.remove(files)}
    left = set(place.all_sizes()) & set(garbage.sizes)
    if left:
        kept = {oid: reasons.get(oid, "") for oid in sorted(left)}
        raise KeptError(garbage.where, kept, len(garbage.sizes) - len(left))
    return len(garbage.sizes)


def garbage_facts(garbage: Garbage) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "where": garbage.where,
        "files": len(garbage.sizes),
        "bytes": garbage.size_bytes,
        "kept_files": garbage.kept_files,
        "kept_bytes": garbage.kept_bytes,
        "objects": sorted(garbage.sizes),
    }


def garbage_text(garbage: Garbage) -> str:
    """The plan for people."""
    recent = f" and all commits of the last {garbage.days} days" if garbage.days else ""
    return (
        f"{garbage.where}: {len(garbage.sizes):,} objects ({size_text(garbage.size_bytes)}) are needed by nothing;"
        f" {garbage.kept_files:,} ({size_text(garbage.kept_bytes)}) stay.\n"
        f"  Needed is what {HERE}, every branch and tag known here, every worktree{recent} record:"
        f" {garbage.commits:,} commits (`git fetch --all --tags` gets those of others).\n"
    )

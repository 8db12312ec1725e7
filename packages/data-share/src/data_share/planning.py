"""Finding out what is missing there or here, and that it can be moved, before anything is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_share.errors import (
    DamagedHereError,
    DamagedThereError,
    MissingHereError,
    MissingThereError,
    SelectionError,
)
from data_share.local import LocalObjects
from data_share.objects import Entry, digest_of, folder_entries, md5_of, md5_of_file
from data_share.plan import Item, unique_items
from data_share.selection import Chosen
from data_share.stores import Store


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file of the working tree, or a folder's list, that should be there and here.

    Attributes:
        path: Relative to the repository; of a list, the folder's.
    """

    dataset: str
    path: str
    oid: str
    is_list: bool = False


@dataclass(frozen=True, kw_only=True)
class PullPlan:
    """What a pull moves and puts in place.

    Attributes:
        lists: Lists of folders, fetched to make the plan, by object.
        unplaced: Files that are not in the working tree as recorded.
        targets: What DVC is asked to put in place: whole outputs, or single files of them.
    """

    items: tuple[Item, ...]
    lists: Mapping[str, bytes]
    unplaced: tuple[Wanted, ...]
    targets: tuple[str, ...]


@dataclass(kw_only=True)
class _Lists:
    """Lists of folders, from the cache, else from the remote."""

    local: LocalObjects
    store: Store
    fetched: dict[str, bytes] = field(default_factory=dict)

    def entries(self, each: Chosen) -> tuple[Entry, ...] | None:
        """The files of a folder; None if its list is neither here nor there."""
        oid = each.output.oid
        content = self.local.folder_list(oid)
        if content is None:
            content = self.fetched.get(oid) or fetched_list(self.store, each.output.path, oid)
            if content is None:
                return None
            self.fetched[oid] = content
        return folder_entries(content, oid)


def fetched_list(store: Store, path: str, oid: str) -> bytes | None:
    """A folder's list from the remote; None if it has none.

    Raises:
        DamagedThereError: It is not what its name says.
    """
    if oid not in store.sizes([oid]):
        return None
    content = store.read(oid)
    if md5_of(content) != digest_of(oid):
        raise DamagedThereError(path, store.describe(oid), md5_of(content))
    return content


def push_items_of(chosen: Sequence[Chosen], root: Path, local: LocalObjects, store: Store) -> tuple[Item, ...]:
    """What is to be sent; all of it was read and is whole.

    Raises:
        MissingHereError: Something is neither here nor on the remote.
        DamagedHereError: Something in the cache is not what its name says.
    """
    lists = _Lists(local=local, store=store)
    wanted: list[Wanted] = []
    missing: dict[str, list[str]] = {}
    partial: dict[str, set[str]] = {}
    for each in chosen:
        entries = lists.entries(each) if each.output.is_folder else ()
        if entries is None:
            missing.setdefault(each.output.dataset, []).append(each.output.path)
            continue
        meant = wanted_files(each, entries)
        wanted += meant
        if each.output.is_folder:
            partial[each.output.oid] = {entry.oid for entry in entries}
            path = each.output.path
            wanted.append(Wanted(dataset=each.output.dataset, path=path, oid=each.output.oid, is_list=True))
    needed = {oid for oids in partial.values() for oid in oids}
    there = store.sizes({each.oid for each in wanted} | needed)
    items = []
    damaged: dict[str, str] = {}
    coming = {one.oid for one in wanted} | set(there)
    for one in wanted:
        # Who finds a folder's list on the remote counts on its files: no list without all of them.
        if one.is_list and not partial[one.oid] <= coming:
            continue
        cached = local.path(one.oid)
        if one.oid in there and (not cached.is_file() or cached.stat().st_size == there[one.oid]):
            continue
        if one.oid in lists.fetched:
            continue
        if not cached.is_file() and (one.is_list or not _is_copied_in(one, root, local)):
            missing.setdefault(one.dataset, []).append(one.path)
        # Not what is remembered of it: this is the moment in which damage would spread.
        elif md5_of_file(cached) != digest_of(one.oid):
            damaged[one.path] = str(cached)
        else:
            size = cached.stat().st_size
            items.append(
                Item(
                    dataset=one.dataset,
                    path=one.path,
                    oid=one.oid,
                    size_bytes=size,
                    left_bytes=size - store.sent_bytes(one.oid, size),
                )
            )
    if damaged:
        raise DamagedHereError(damaged)
    if missing:
        raise MissingHereError(missing)
    return unique_items(items)


def pull_plan_of(chosen: Sequence[Chosen], root: Path, local: LocalObjects, store: Store) -> PullPlan:
    """What is to be fetched and put in place.

    Raises:
        MissingThereError: The remote lacks something that is not here.
        DamagedThereError: A folder's list on the remote is not what its name says.
    """
    lists = _Lists(local=local, store=store)
    missing: dict[str, list[str]] = {}
    needed: list[Wanted] = []
    unplaced: list[Wanted] = []
    targets: list[str] = []
    for each in chosen:
        entries = lists.entries(each) if each.output.is_folder else ()
        if entries is None:
            missing.setdefault(each.output.dataset, []).append(each.output.path)
            continue
        files = wanted_files(each, entries)
        stale = [file for file in files if local.digest(root / file.path) != digest_of(file.oid)]
        needed += [file for file in files if not _is_here(file, root, local)]
        if each.output.oid in lists.fetched:
            path = each.output.path
            needed.append(Wanted(dataset=each.output.dataset, path=path, oid=each.output.oid, is_list=True))
        unplaced += stale
        if each.patterns is not None:
            targets += [file.path for file in stale]
        elif stale or any(unrecorded_files(root, each.output.path, {file.path for file in files})):
            targets.append(each.output.path)
    there = {oid: len(content) for oid, content in lists.fetched.items()}
    if asked := {one.oid for one in needed} - set(there):
        there |= store.sizes(asked)
    items = []
    for one in needed:
        if one.oid not in there:
            missing.setdefault(one.dataset, []).append(one.path)
            continue
        size = there[one.oid]
        before = 0 if one.is_list else local.partial_bytes(one.oid)
        left = size - before if before <= size else size
        items.append(Item(dataset=one.dataset, path=one.path, oid=one.oid, size_bytes=size, left_bytes=left))
    if missing:
        raise MissingThereError(missing, store.where, is_own=Path(store.where).is_relative_to(root))
    return PullPlan(items=unique_items(items), lists=lists.fetched, unplaced=tuple(unplaced), targets=tuple(targets))


def wanted_files(each: Chosen, entries: Iterable[Entry]) -> list[Wanted]:
    """The files that are meant, of a folder with these entries or of a single file.

    Raises:
        SelectionError: A pattern matches none.
    """
    dataset, path = each.output.dataset, each.output.path
    if each.output.is_folder:
        return [Wanted(dataset=dataset, path=f"{path}/{entry.path}", oid=entry.oid) for entry in each.entries(entries)]
    if each.patterns is not None:
        raise SelectionError(f"{dataset} is one file ({path}), so it has no parts; ask for it as a whole")
    return [Wanted(dataset=dataset, path=path, oid=each.output.oid)]


def _is_here(wanted: Wanted, root: Path, local: LocalObjects) -> bool:
    """Whether the cache has it whole, or can have it from the working tree."""
    return local.is_whole(wanted.oid) or _is_copied_in(wanted, root, local)


def _is_copied_in(wanted: Wanted, root: Path, local: LocalObjects) -> bool:
    source = root / wanted.path
    return local.digest(source) == digest_of(wanted.oid) and local.copy_in(wanted.oid, source)


def unrecorded_files(root: Path, folder: str, recorded: Collection[str]) -> Iterator[str]:
    """Paths of the files in a tracked folder that no record has; those of tools, with a dot, do not count."""
    for path in (root / folder).rglob("*"):
        name = path.relative_to(root).as_posix()
        if name not in recorded and path.is_file() and not path.name.startswith("."):
            yield name

"""Reading the facts that the plan of a transfer needs; nothing is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from data_share.records.objects import digest_of, md5_of_file
from data_share.records.selection import SelectedOutput
from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.hashing import damaged_objects
from data_share.transfer.listing import Listing, TrackedFile, read_listing
from data_share.transfer.pull_plan import LocalState, PullPlan, RemoteState, plan_downloads, pull_candidates
from data_share.transfer.push_plan import LocalCopy, PushPlan, plan_uploads, push_candidates


class FactReader:
    """Reads what a working tree, its cache and a remote have.

    Args:
        root: The repository.
    """

    def __init__(self, root: Path, cache: LocalCache, store: Store) -> None:
        self._root = root
        self._cache = cache
        self._store = store

    def push_plan(self, selections: tuple[SelectedOutput, ...], *, is_repair: bool = False) -> PushPlan:
        """What a push does; every object to upload was read and is intact.

        Args:
            is_repair: Read the selected objects of the remote, and upload those that are damaged again.

        Raises:
            FailedError: An object is damaged, or is neither on this machine nor on the remote.
        """
        listing = read_listing(selections, self._cache, self._store)
        oids = _oids(listing)
        remote_sizes = self._store.sizes(oids)
        damaged = damaged_objects(self._store, remote_sizes) if is_repair else frozenset[str]()
        candidates = push_candidates(listing, remote_sizes, self._local_sizes(listing, remote_sizes), damaged)
        copies = {file.oid: copy for file in candidates if (copy := self._local_copy(file)) is not None}
        return plan_uploads(listing, candidates, copies, damaged, remote_sizes)

    def pull_plan(self, selections: tuple[SelectedOutput, ...]) -> tuple[PullPlan, Listing]:
        """What a pull does, and the selected files.

        Raises:
            FailedError: The remote does not have an object that is needed, or a list on it is damaged.
        """
        listing = read_listing(selections, self._cache, self._store)
        state = self._local_state(listing)
        candidates = pull_candidates(listing, state)
        sizes = {oid: len(content) for oid, content in listing.fetched.items()}
        if unknown := {file.oid for file in candidates} - set(sizes):
            sizes |= self._store.sizes(unknown)
        remote = RemoteState(
            where=self._store.where, is_own=Path(self._store.where).is_relative_to(self._root), sizes_bytes=sizes
        )
        return plan_downloads(listing, candidates, state, remote), listing

    def _local_sizes(self, listing: Listing, remote_sizes: Mapping[str, int]) -> dict[str, int | None]:
        """The size of each object in the cache, else of an intact file in the working tree."""
        sizes: dict[str, int | None] = {}
        for selected in listing.selected:
            for file in (*selected.files, *([selected.list_file] if selected.list_file else ())):
                size = self._cache.size_bytes(file.oid)
                source = self._root / file.path
                if size is None and not file.is_list and source.is_file():
                    size = source.stat().st_size
                    # Only a file that would make a difference is hashed.
                    if size != remote_sizes.get(file.oid) and self._cache.digest(source) != digest_of(file.oid):
                        size = None
                sizes[file.oid] = size
        return sizes

    def _local_copy(self, file: TrackedFile) -> LocalCopy | None:
        cached = self._cache.path(file.oid)
        if (size := self._cache.size_bytes(file.oid)) is not None:
            # Hashed again and not looked up: this is the moment at which damage would spread.
            md5, sent = md5_of_file(cached), self._store.sent_bytes(file.oid, size)
            return LocalCopy(source="cache", path=str(cached), size_bytes=size, md5=md5, sent_bytes=sent)
        source = self._root / file.path
        if file.is_list or self._cache.digest(source) != digest_of(file.oid):
            return None
        size = source.stat().st_size
        sent = self._store.sent_bytes(file.oid, size)
        md5 = digest_of(file.oid)
        return LocalCopy(source="working tree", path=str(source), size_bytes=size, md5=md5, sent_bytes=sent)

    def _local_state(self, listing: Listing) -> LocalState:
        files = [file for selected in listing.selected for file in selected.files]
        return LocalState(
            tree_digests={file.path: self._cache.digest(self._root / file.path) for file in files},
            intact_oids=frozenset(file.oid for file in files if self._cache.has_intact(file.oid)),
            untracked_folders=frozenset(
                selected.output.path
                for selected in listing.selected
                if any(untracked_files(self._root, selected.output.path, {file.path for file in selected.files}))
            ),
            partial_bytes={file.oid: self._cache.partial_bytes(file.oid) for file in files},
        )


def untracked_files(root: Path, folder: str, recorded: Collection[str]) -> Iterator[str]:
    """Files in a tracked folder that are not recorded; hidden files, which belong to tools, do not count."""
    for path in (root / folder).rglob("*"):
        name = path.relative_to(root).as_posix()
        if name not in recorded and path.is_file() and not path.name.startswith("."):
            yield name


def _oids(listing: Listing) -> set[str]:
    def objects() -> Iterable[str]:
        for selected in listing.selected:
            yield from selected.all_oids
            yield from (file.oid for file in selected.files)
            if selected.list_file:
                yield selected.list_file.oid

    return set(objects())

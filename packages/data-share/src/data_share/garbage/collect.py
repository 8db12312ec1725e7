"""Removing objects that no branch, tag, capsule or recent commit needs, and checking that they are gone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_share.errors import DataShareError, FailedError
from data_share.garbage.needed import NeededData, read_needed, united
from data_share.garbage.plan import Garbage, StoredFacts, find_garbage, lists_to_read
from data_share.records.objects import Entry, folder_entries, is_list
from data_share.remotes.remotes import read_remotes
from data_share.repository.branches import ServerBranches, read_server_branches
from data_share.repository.cache import open_cache
from data_share.repository.configuration import cache_folder
from data_share.repository.git import is_shared_folder, require_history
from data_share.repository.repository import Repository
from data_share.stores.folder import FolderStore
from data_share.stores.opening import open_store
from data_share.stores.store import Store
from data_share.transfer.listing import read_list_object
from terminal import count_text, progress_if_slow

_DAY_S = 86400
_MAX_NAMED_BRANCHES = 5


@dataclass(frozen=True, kw_only=True)
class GarbageRequest:
    """Where to look for garbage.

    Attributes:
        is_local: Clean the cache of this machine instead of the remote.
        days: Keep what commits of this many last days need, and objects that are younger.
        remote: Name of the remote; None for the default one.
        is_known_only: Do not ask git's remotes for branches that this clone does not have.
        clones: Other clones that use the same cache, whose data stay.
    """

    is_local: bool = False
    days: int = 30
    remote: str | None = None
    is_known_only: bool = False
    clones: Sequence[Path] = ()


def plan_garbage(root: Path, request: GarbageRequest = GarbageRequest()) -> Garbage:
    """Find the objects that nothing needs; nothing is removed.

    Raises:
        DataShareError: The clone is shallow, git's remote has a branch that it does not have, a record cannot be
            read, or the list of a needed folder is missing.
    """
    return _Collection(root, request).find()


def collect_garbage(
    root: Path,
    request: GarbageRequest = GarbageRequest(),
    *,
    on_plan: Callable[[Garbage], None] | None = None,
    confirm: Callable[[Garbage], bool] = lambda _: True,
) -> Garbage:
    """Remove the objects that nothing needs.

    Args:
        on_plan: Called with the garbage before anything is removed.
        confirm: Asks the user, if there is garbage.

    Returns:
        What was removed.

    Raises:
        DataShareError: As `plan_garbage` raises it, or the user does not confirm.
        FailedError: The remote kept an object.
    """
    collection = _Collection(root, request)
    with collection.cache.lock():
        garbage = collection.find()
        if on_plan:
            on_plan(garbage)
        if garbage.sizes:
            if not confirm(garbage):
                raise DataShareError("nothing was removed")
            # A colleague may have pushed while the user was asked.
            unneeded = collection.find().sizes
            garbage = replace(garbage, sizes={oid: garbage.sizes[oid] for oid in garbage.sizes if oid in unneeded})
            remove_garbage(garbage, collection.place)
    return garbage


class _Collection:
    """A request, with the repository and the place that it concerns."""

    def __init__(self, root: Path, request: GarbageRequest) -> None:
        self.repository = Repository(root)
        self.request = request
        self.cache = open_cache(self.repository)
        self.store = open_store(read_remotes(self.repository).remote(request.remote), self.repository)
        self.place: Store = FolderStore(self.cache.folder) if request.is_local else self.store
        self.clones = [Repository(clone) for clone in request.clones]
        if request.is_local:
            _require_named_clones(self.repository, self.cache.folder, self.clones)
        elif self.clones:
            raise DataShareError("--clone names a clone that shares the cache, so it is only for --local")

    def find(self) -> Garbage:
        days, is_known_only = self.request.days, self.request.is_known_only
        with progress_if_slow(f"listing {self.place.where} and the data that commits need"):
            # Listed first: what is pushed after that is not garbage yet.
            stored = StoredFacts(where=self.place.where, sizes=self.place.all_sizes())
            require_history(self.repository)
            branches = ServerBranches()
            if not self.request.is_local and not is_known_only:
                branches = read_server_branches(self.repository)
                _require_fetched(branches.unfetched)
            needed = united(
                [
                    read_needed(self.repository, days, branches.commits),
                    *(read_needed(clone, days) for clone in self.clones),
                ]
            )
            if days:
                # A colleague may have added data whose commit is not known in this clone yet.
                place = self.cache if self.request.is_local else self.place
                stored = replace(stored, young=frozenset(place.recent(days * _DAY_S)))
            stored = replace(stored, lists=self._read_lists(stored, needed))
        return find_garbage(stored, needed, days=days, is_known_only=is_known_only)

    def _read_lists(self, stored: StoredFacts, needed: NeededData) -> dict[str, tuple[Entry, ...]]:
        """The files of the lists that must be known; a list that cannot be found is left out."""
        names = {output.oid: output.path for output in needed.outputs}
        found = {}
        for oid in sorted(lists_to_read(stored, needed)):
            content = self.cache.folder_list(oid)
            if content is None:
                content = read_list_object(self.store, oid, names.get(oid, oid))
            if content is not None:
                found[oid] = folder_entries(content, oid)
        return found


def _require_named_clones(repository: Repository, cache: Path, clones: Sequence[Repository]) -> None:
    """Check that all clones that use the cache are known, as far as this can be seen."""
    for clone in clones:
        require_history(clone)
        if (other := cache_folder(clone.root)).resolve() != cache.resolve():
            raise DataShareError(f"the clone {clone.root} does not use the cache {cache}, but {other}")
    if is_shared_folder(repository, cache.resolve()) and not clones:
        raise DataShareError(
            f"the cache {cache} is outside of this clone, so other clones may use it, and what they need is unknown;"
            " nothing was removed.\n"
            "  Name every other clone that uses it: `invoke data.gc --local --clone PATH --clone PATH`. If there is"
            f" none: `--clone {shlex.quote(str(repository.root))}`, which is this clone."
        )


def _require_fetched(unfetched: Sequence[str]) -> None:
    if not unfetched:
        return
    more = f" and {len(unfetched) - _MAX_NAMED_BRANCHES:,} more" if len(unfetched) > _MAX_NAMED_BRANCHES else ""
    remotes = dict.fromkeys(name.partition("/")[0] for name in unfetched)
    commands = ", ".join(f"`git fetch --tags {remote} '+refs/heads/*:refs/remotes/{remote}/*'`" for remote in remotes)
    raise DataShareError(
        f"this clone does not have {count_text(len(unfetched), 'branch', 'branches')} or tags of git's remote, so the"
        f" data that they need are unknown; nothing was removed: {', '.join(unfetched[:_MAX_NAMED_BRANCHES])}{more}\n"
        f"  Fetch them: {commands}. With --known-only, the data of these branches are removed."
    )


def remove_garbage(garbage: Garbage, place: Store) -> None:
    """Remove the objects, then list the place again.

    Raises:
        FailedError: Some of the objects are still there.
    """
    # Lists first: a list promises all its files.
    lists = [oid for oid in garbage.sizes if is_list(oid)]
    files = [oid for oid in garbage.sizes if not is_list(oid)]
    reasons = {**place.remove(lists), **place.remove(files)}
    kept = sorted(set(place.all_sizes()) & set(garbage.sizes))
    if kept:
        reason = next((reasons[oid] for oid in kept if reasons.get(oid)), "it reported no reason")
        raise FailedError(
            f"{garbage.where} kept {count_text(len(kept), 'object')} that should be removed"
            f" ({len(garbage.sizes) - len(kept)} were removed): {reason}\n"
            "  To remove objects, s3:DeleteObject is needed, which the role steward has."
        )

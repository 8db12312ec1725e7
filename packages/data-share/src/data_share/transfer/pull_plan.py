"""What a pull downloads and places: a pure decision over facts about the remote and this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data_share.errors import FailedError, files_text
from data_share.records.objects import digest_of
from data_share.transfer.listing import Listing, TrackedFile
from data_share.transfer.plan import TransferItem, unique_items


@dataclass(frozen=True, kw_only=True)
class LocalState:
    """What this machine has of the selected files.

    Attributes:
        tree_digests: MD5 of each file in the working tree, None if it does not exist, by path.
        intact_oids: Objects that the cache has intact.
        untracked_folders: Folders of outputs with files that are not recorded.
        partial_bytes: How much of each object an interrupted pull has downloaded.
    """

    tree_digests: Mapping[str, str | None] = field(default_factory=dict)
    intact_oids: frozenset[str] = frozenset()
    untracked_folders: frozenset[str] = frozenset()
    partial_bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RemoteState:
    """What the remote has.

    Attributes:
        where: Bucket and prefix, or folder, for errors.
        is_own: Whether the remote is a folder of this clone.
        sizes_bytes: Size of each requested object that it has.
    """

    where: str
    is_own: bool = False
    sizes_bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PullPlan:
    """What a pull does.

    Attributes:
        items: Objects to download.
        restored: Files of the working tree to copy into the cache, because the cache lost their objects.
        to_place: Files that the working tree does not have as recorded.
        targets: What DVC is to place: complete outputs, or single files of them.
    """

    items: tuple[TransferItem, ...] = ()
    restored: tuple[TrackedFile, ...] = ()
    to_place: tuple[TrackedFile, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def files_to_place(self) -> int:
        return len(self.to_place)


def pull_candidates(listing: Listing, state: LocalState) -> tuple[TrackedFile, ...]:
    """The files and lists of which this machine has no intact copy."""
    candidates: list[TrackedFile] = []
    for selected in listing.selected:
        candidates += [
            file for file in selected.files if file.oid not in state.intact_oids and not _is_placed(file, state)
        ]
        if selected.list_file and selected.list_file.oid in listing.fetched:
            candidates.append(selected.list_file)
    return tuple(candidates)


def plan_downloads(
    listing: Listing, candidates: tuple[TrackedFile, ...], state: LocalState, remote: RemoteState
) -> PullPlan:
    """What to download and to place.

    Raises:
        FailedError: The remote does not have an object that is needed.
    """
    missing: dict[str, list[str]] = {}
    for output in listing.unlisted:
        missing.setdefault(output.dataset, []).append(output.path)
    for file in candidates:
        if file.oid not in remote.sizes_bytes:
            missing.setdefault(file.dataset, []).append(file.path)
    if missing:
        raise _missing_on_remote(missing, remote)
    files = [file for selected in listing.selected for file in selected.files]
    return PullPlan(
        items=unique_items(_item(file, remote.sizes_bytes[file.oid], state) for file in candidates),
        restored=tuple(file for file in files if file.oid not in state.intact_oids and _is_placed(file, state)),
        to_place=tuple(file for file in files if not _is_placed(file, state)),
        targets=_targets(listing, state),
    )


def _targets(listing: Listing, state: LocalState) -> tuple[str, ...]:
    targets: list[str] = []
    for selected in listing.selected:
        stale = [file.path for file in selected.files if not _is_placed(file, state)]
        if not selected.is_complete:
            targets += stale
        elif stale or selected.output.path in state.untracked_folders:
            targets.append(selected.output.path)
    return tuple(targets)


def _missing_on_remote(missing: Mapping[str, Sequence[str]], remote: RemoteState) -> FailedError:
    own = (
        "\n  This remote is a folder of this clone, so no colleague can push to it;"
        " `invoke data.remote-add NAME s3://BUCKET/PREFIX --default` sets one that all clones share."
    )
    return FailedError(
        f"dvc.lock records data that are not on the remote {remote.where}; nothing was fetched:{files_text(missing)}\n"
        "  A colleague who has them runs `invoke data.push`; `invoke data.compress` creates them from raw files.\n"
        "  Pull other datasets by name: `invoke data.pull --dataset NAME`." + (own if remote.is_own else "")
    )


def _is_placed(file: TrackedFile, state: LocalState) -> bool:
    return state.tree_digests.get(file.path) == digest_of(file.oid)


def _item(file: TrackedFile, size_bytes: int, state: LocalState) -> TransferItem:
    partial_bytes = state.partial_bytes.get(file.oid, 0)
    left_bytes = size_bytes - partial_bytes if partial_bytes <= size_bytes else size_bytes
    return TransferItem(
        dataset=file.dataset, path=file.path, oid=file.oid, size_bytes=size_bytes, left_bytes=left_bytes
    )

"""What a push uploads: a pure decision over facts about the remote and this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from data_share.errors import FailedError, files_text
from data_share.records.objects import digest_of
from data_share.transfer.listing import Listing, TrackedFile
from data_share.transfer.plan import TransferItem, unique_items
from terminal import count_text

Source: TypeAlias = Literal["cache", "working tree"]


@dataclass(frozen=True, kw_only=True)
class LocalCopy:
    """The content of an object on this machine.

    Attributes:
        source: Where it is; the cache is preferred, even if the object is damaged there.
        path: The file.
        md5: What the file contains.
        sent_bytes: How much of it an interrupted push has uploaded.
    """

    source: Source
    path: str
    size_bytes: int
    md5: str
    sent_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class PushPlan:
    """What a push does.

    Attributes:
        items: Objects to upload.
        restored: Files of the working tree to copy into the cache first, because the cache lost their objects.
        unrepaired: Files that are damaged on the remote and of which this machine has no intact copy.
        promised: Objects that the remote must have afterwards: the selected ones, and all that an uploaded list names.
    """

    items: tuple[TransferItem, ...] = ()
    restored: tuple[TrackedFile, ...] = field(default=())
    unrepaired: tuple[TrackedFile, ...] = ()
    promised: frozenset[str] = frozenset()


def push_candidates(
    listing: Listing,
    remote_sizes: Mapping[str, int],
    local_sizes: Mapping[str, int | None],
    damaged: Collection[str] = (),
) -> tuple[TrackedFile, ...]:
    """The files and lists that the remote does not have as recorded.

    Args:
        local_sizes: Size of the object on this machine, None if it is not here; an object of another size is uploaded
            again.
        damaged: Objects whose content on the remote was read and is wrong.
    """
    files = [file for selected in listing.selected for file in selected.files]
    available = {file.oid for file in files} | set(remote_sizes)
    lists = [
        selected.list_file
        for selected in listing.selected
        # A list on the remote promises all its files: it is not uploaded without all of them.
        if selected.list_file and selected.all_oids <= available and selected.list_file.oid not in listing.fetched
    ]

    def is_missing(file: TrackedFile) -> bool:
        if file.oid not in remote_sizes or file.oid in damaged:
            return True
        return local_sizes.get(file.oid) not in (None, remote_sizes[file.oid])

    return tuple(filter(is_missing, [*files, *lists]))


def plan_uploads(
    listing: Listing,
    candidates: tuple[TrackedFile, ...],
    copies: Mapping[str, LocalCopy],
    damaged: Collection[str] = (),
    remote_sizes: Mapping[str, int] | None = None,
) -> PushPlan:
    """What to upload.

    Args:
        copies: The local copy of each candidate's object.
        damaged: Objects whose content on the remote is wrong; without an intact copy they stay.
        remote_sizes: Size of each object of the remote, to be compared with the sum that is recorded.

    Raises:
        FailedError: A cached object is damaged, or an object is neither on this machine nor on the remote.
    """
    missing: dict[str, list[str]] = {}
    for output in listing.unlisted:
        missing.setdefault(output.dataset, []).append(output.path)
    unrepaired = tuple(
        file for file in candidates if file.oid in damaged and (file.oid not in copies or _is_damaged(file, copies))
    )
    candidates = tuple(file for file in candidates if file not in unrepaired)
    for file in candidates:
        if file.oid not in copies:
            missing.setdefault(file.dataset, []).append(file.path)
    if changed := {file.path: copies[file.oid].path for file in candidates if _is_damaged(file, copies)}:
        raise _damaged_locally(changed)
    if missing:
        raise FailedError(
            "dvc.lock records data that are neither on this machine nor on the remote; nothing was sent:"
            f"{files_text(missing)}\n"
            "  Create them from raw files with `invoke data.compress`; the colleague who recorded them can push them."
        )
    sizes = {**(remote_sizes or {}), **{file.oid: copies[file.oid].size_bytes for file in candidates}}
    if not unrepaired:
        unrepaired = tuple(_wrong_sums(listing, sizes))
    return PushPlan(
        items=unique_items(_item(file, copies[file.oid]) for file in candidates),
        restored=tuple(file for file in candidates if copies[file.oid].source == "working tree"),
        unrepaired=unrepaired,
        promised=_promised(listing, {file.oid for file in candidates}),
    )


def _wrong_sums(listing: Listing, sizes: Mapping[str, int]) -> Iterator[TrackedFile]:
    """The outputs of which the remote would have a truncated object: it is not known which one."""
    for selected in listing.selected:
        oids = [file.oid for file in selected.files]
        is_known = selected.is_complete and selected.output.size_bytes is not None and set(oids) <= set(sizes)
        if is_known and sum(sizes[oid] for oid in oids) != selected.output.size_bytes:
            yield selected.list_file or selected.files[0]


def _promised(listing: Listing, uploaded: Collection[str]) -> frozenset[str]:
    promised: set[str] = set()
    for selected in listing.selected:
        promised |= {file.oid for file in selected.files}
        if selected.list_file and selected.list_file.oid in uploaded:
            promised |= {selected.list_file.oid, *selected.all_oids}
    return frozenset(promised)


def _is_damaged(file: TrackedFile, copies: Mapping[str, LocalCopy]) -> bool:
    return file.oid in copies and copies[file.oid].md5 != digest_of(file.oid)


def _item(file: TrackedFile, copy: LocalCopy) -> TransferItem:
    return TransferItem(
        dataset=file.dataset,
        path=file.path,
        oid=file.oid,
        size_bytes=copy.size_bytes,
        left_bytes=copy.size_bytes - copy.sent_bytes,
    )


def _damaged_locally(damaged: Mapping[str, str]) -> FailedError:
    lines = "".join(f"\n  {path}: {cached}" for path, cached in sorted(damaged.items()))
    return FailedError(
        f"{count_text(len(damaged), 'file')} in the cache changed since DVC hashed it; nothing was sent:{lines}\n"
        "  Remove these files from the cache and run it again: intact files of the working tree replace them.\n"
        "  Rebuild the others with `invoke data.compress --force`."
    )

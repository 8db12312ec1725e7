"""The files that selections mean, from the lists of their folders in the cache or on the remote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_share.errors import DataShareError, FailedError
from data_share.records.objects import Entry, digest_of, folder_entries, md5_of
from data_share.records.outputs import RecordedOutput
from data_share.records.selection import SelectedOutput
from data_share.repository.cache import LocalCache
from data_share.stores.store import Store


@dataclass(frozen=True, kw_only=True)
class TrackedFile:
    """A file of the working tree, or the list of a folder, that the remote and the cache should have.

    Attributes:
        path: Relative to the repository; the path of a list is that of its folder.
    """

    dataset: str
    path: str
    oid: str
    is_list: bool = False


@dataclass(frozen=True, kw_only=True)
class SelectedFiles:
    """An output and its selected files.

    Attributes:
        files: The selected files.
        list_file: The list of the folder; None for an output that is a file.
        all_oids: The objects of all files of the folder, selected or not.
        is_complete: Whether all files are selected.
    """

    output: RecordedOutput
    files: tuple[TrackedFile, ...]
    list_file: TrackedFile | None
    all_oids: frozenset[str]
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All selected files.

    Attributes:
        selected: Outputs whose files are known.
        unlisted: Folders whose list is neither in the cache nor on the remote.
        fetched: Lists that only the remote has, by object.
    """

    selected: tuple[SelectedFiles, ...]
    unlisted: tuple[RecordedOutput, ...]
    fetched: Mapping[str, bytes]


def read_listing(selections: Sequence[SelectedOutput], cache: LocalCache, store: Store) -> Listing:
    """Read the lists of all selected folders; a list that is not cached is read from the remote, and not kept.

    Raises:
        DataShareError: A pattern matches no file.
        FailedError: A list on the remote is damaged.
    """
    selected: list[SelectedFiles] = []
    unlisted: list[RecordedOutput] = []
    fetched: dict[str, bytes] = {}
    for selection in selections:
        output = selection.output
        if not output.is_folder:
            selected.append(_single_file(selection))
            continue
        content = cache.folder_list(output.oid) or fetched.get(output.oid)
        if content is None:
            content = read_remote_list(store, output)
            if content is None:
                unlisted.append(output)
                continue
            fetched[output.oid] = content
        selected.append(_folder_files(selection, folder_entries(content, output.oid)))
    return Listing(selected=tuple(selected), unlisted=tuple(unlisted), fetched=fetched)


def read_remote_list(store: Store, output: RecordedOutput) -> bytes | None:
    """The list of a folder from the remote; None if the remote does not have it.

    Raises:
        FailedError: The list is damaged.
    """
    return read_list_object(store, output.oid, output.path)


def read_list_object(store: Store, oid: str, path: str) -> bytes | None:
    """An object that is the list of a folder, from the remote; None if the remote does not have it.

    Args:
        path: The folder, for errors.

    Raises:
        FailedError: The list is damaged.
    """
    if oid not in store.sizes([oid]):
        return None
    content = store.read(oid)
    if (found := md5_of(content)) != digest_of(oid):
        raise damaged_on_remote(path, store.describe(oid), found)
    return content


def damaged_on_remote(path: str, where: str, found: str) -> FailedError:
    """The error for an object of the remote whose content is not what its name promises."""
    return FailedError(
        f"{path}: the object on the remote is damaged: {where} has the MD5 {found}; it was not kept.\n"
        "  A colleague who has the intact data repairs it: `invoke data.push --repair`."
    )


def _single_file(selection: SelectedOutput) -> SelectedFiles:
    output = selection.output
    if selection.patterns is not None:
        raise DataShareError(
            f"{output.dataset} is one file ({output.path}), so it has no parts; select it without a pattern"
        )
    file = TrackedFile(dataset=output.dataset, path=output.path, oid=output.oid)
    return SelectedFiles(output=output, files=(file,), list_file=None, all_oids=frozenset(), is_complete=True)


def _folder_files(selection: SelectedOutput, entries: Sequence[Entry]) -> SelectedFiles:
    output = selection.output
    return SelectedFiles(
        output=output,
        files=tuple(
            TrackedFile(dataset=output.dataset, path=f"{output.path}/{entry.path}", oid=entry.oid)
            for entry in selection.selected_entries(entries)
        ),
        list_file=TrackedFile(dataset=output.dataset, path=output.path, oid=output.oid, is_list=True),
        all_oids=frozenset(entry.oid for entry in entries),
        is_complete=selection.patterns is None,
    )

"""Comparing what commits record with what the remote has: names, sizes and, if requested, contents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data_share.records.objects import digest_of, folder_entries, md5_of
from data_share.records.outputs import RecordedOutput
from data_share.repository.cache import LocalCache
from data_share.stores.store import Store
from data_share.transfer.hashing import damaged_objects, has_impossible_size


@dataclass(frozen=True, kw_only=True)
class RemoteCheck:
    """What the remote has of a commit's data.

    Attributes:
        revision: The commit, as the caller named it.
        objects: Objects that the commit records, lists of folders included; several files may share one.
        missing_objects: How many of them the remote does not have.
        missing_on_remote: Paths by dataset. A folder's own path stands for its list; it is the only one if the list is
            not cached either.
        damaged_on_remote: Paths by dataset of objects with another size than recorded or, if contents were read, with
            another content. A folder's own path also stands for files whose sizes add up to another sum.
    """

    revision: str
    where: str
    objects: int
    missing_objects: int
    missing_on_remote: Mapping[str, Sequence[str]]
    damaged_on_remote: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.missing_objects and not self.damaged_on_remote


@dataclass(frozen=True, kw_only=True)
class _RecordedFile:
    """A file of an output, or the list of a folder.

    Attributes:
        size_bytes: Size of the object, None if it is not known.
    """

    path: str
    oid: str
    size_bytes: int | None = None


class RemoteComparison:
    """Compares outputs with a remote.

    Args:
        root: The repository, whose intact files show how large their objects are.
        is_deep: Read every object.
    """

    def __init__(self, root: Path, cache: LocalCache, store: Store, *, is_deep: bool = False) -> None:
        self._root = root
        self._cache = cache
        self._store = store
        self._is_deep = is_deep
        self._sizes: dict[str, int] = {}

    def compare(self, outputs: Iterable[RecordedOutput], revision: str) -> RemoteCheck:
        """What the remote has of these outputs.

        Raises:
            StoreError: The remote refuses or cannot be reached.
        """
        outputs = tuple(outputs)
        self._sizes = self._store.sizes({output.oid for output in outputs})
        files = [(output, self._files(output)) for output in outputs]
        oids = {file.oid for _, found in files for file in found}
        self._sizes |= self._store.sizes(oids - set(self._sizes))
        present = {oid: size for oid, size in self._sizes.items() if oid in oids}
        unreadable = damaged_objects(self._store, present) if self._is_deep else frozenset[str]()
        missing: dict[str, list[str]] = {}
        damaged: dict[str, list[str]] = {}
        for output, found in files:
            absent = [file.path for file in found if file.oid not in self._sizes]
            wrong = [file.path for file in found if file.oid in unreadable or self._has_wrong_size(file)]
            if not absent and not wrong and self._has_wrong_sum(output, found):
                wrong = [output.path]
            if absent:
                missing.setdefault(output.dataset, []).extend(absent)
            if wrong:
                damaged.setdefault(output.dataset, []).extend(wrong)
        return RemoteCheck(
            revision=revision,
            where=self._store.where,
            objects=len(oids),
            missing_objects=len(oids - set(self._sizes)),
            missing_on_remote=missing,
            damaged_on_remote=damaged,
        )

    def _files(self, output: RecordedOutput) -> list[_RecordedFile]:
        """The output's own object, then the files of a folder; those are unknown if its list cannot be read."""
        if not output.is_folder:
            return [_RecordedFile(path=output.path, oid=output.oid, size_bytes=output.size_bytes)]
        content = self._cache.folder_list(output.oid)
        if content is None and output.oid in self._sizes:
            content = self._store.read(output.oid)
            if md5_of(content) != digest_of(output.oid):
                return [_RecordedFile(path=output.path, oid=output.oid, size_bytes=-1)]
        list_file = _RecordedFile(path=output.path, oid=output.oid, size_bytes=len(content) if content else None)
        entries = folder_entries(content or b"[]", output.oid)
        return [
            list_file,
            *(_RecordedFile(path=f"{output.path}/{entry.path}", oid=entry.oid) for entry in entries),
        ]

    def _has_wrong_size(self, file: _RecordedFile) -> bool:
        if file.oid not in self._sizes:
            return False
        size_bytes = self._sizes[file.oid]
        if file.size_bytes is not None:
            return size_bytes != file.size_bytes
        if has_impossible_size(file.oid, size_bytes):
            return True
        # Only a file of another size is read to see whether it is the one that is right.
        return any(
            path.is_file() and path.stat().st_size != size_bytes and self._cache.digest(path) == digest_of(file.oid)
            for path in (self._cache.path(file.oid), self._root / file.path)
        )

    def _has_wrong_sum(self, output: RecordedOutput, files: Sequence[_RecordedFile]) -> bool:
        if not output.is_folder or output.size_bytes is None or len(files) == 1:
            return False
        return sum(self._sizes[file.oid] for file in files[1:]) != output.size_bytes

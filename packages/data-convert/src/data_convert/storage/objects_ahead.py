"""Small objects that are requested before they are read, so that a reader of many does not wait for each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from data_convert.errors import DataConvertError
from data_convert.storage.bucket_object import FIRST_BYTES, BucketObject, OpenedObject
from data_convert.storage.stored_file import StoredFile
from s3_access import StoreError

# 16 MiB in memory at most.
_REQUESTS: Final = 16


@dataclass(kw_only=True)
class _RequestedObject:
    """An object whose content is under way. It is opened again if it is read a second time."""

    file: BucketObject
    opened: Future[OpenedObject] | None

    @property
    def where(self) -> str:
        return self.file.where

    @property
    def size_bytes(self) -> int:
        return self.file.size_bytes

    @property
    def version(self) -> str:
        return self.file.version

    def open(self) -> OpenedObject:
        opened, self.opened = self.opened, None
        if opened is None:
            return self.file.open()
        try:
            return opened.result()
        except (StoreError, DataConvertError):
            # The reader requests it again, and reports what the server answers.
            return self.file.open()


def files_ahead(files: Sequence[StoredFile]) -> Iterator[StoredFile]:
    """The same files in this order; objects that one request reads are requested up to 16 ahead."""
    with ThreadPoolExecutor(_REQUESTS) as threads:
        ahead: deque[StoredFile] = deque()
        try:
            for file in files:
                ahead.append(_requested(file, threads))
                if len(ahead) == _REQUESTS:
                    yield ahead.popleft()
            yield from ahead
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _requested(file: StoredFile, threads: ThreadPoolExecutor) -> StoredFile:
    if not isinstance(file, BucketObject) or not 0 < file.size_bytes <= FIRST_BYTES:
        return file
    return _RequestedObject(file=file, opened=threads.submit(_opened, file))


def _opened(file: BucketObject) -> OpenedObject:
    """The object with its first bytes in memory."""
    opened = file.open()
    opened.raw.read(1)
    opened.raw.seek(0)
    return opened

"""Objects of a bucket as raw files: one version of each, read ahead in ranges and never stored."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import RawIOBase
from threading import Event
from types import TracebackType
from typing import Final, Self

from data_convert.errors import SourceChangedError
from data_convert.storage.object_range import ObjectRange, range_bytes

# Enough for the guesses of an inspection and for most small files, so that neither costs a second request.
FIRST_BYTES: Final = 1 << 20
_RANGE_BYTES: Final = 8 << 20
_RANGES_AHEAD: Final = 3
"""Ranges that are requested while one is read: 32 MiB of each open object are in memory at most."""


@dataclass(frozen=True, kw_only=True)
class BucketObject:
    """One version of an object.

    Attributes:
        version: Its ETag, without quotes.
    """

    bucket: str
    key: str
    size_bytes: int
    version: str

    @property
    def where(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def open(self) -> OpenedObject:
        return OpenedObject(self)


class OpenedObject:
    """An object that is open. Every request names its version, so that all bytes are of one."""

    def __init__(self, file: BucketObject) -> None:
        self.raw = ObjectReader(file)
        self.size_bytes = file.size_bytes

    def check_unchanged(self) -> None:
        """Nothing to do: a request for a version that was replaced fails."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.raw.close()


class ObjectReader(RawIOBase):
    """The bytes of an object from any place. Who reads in order does not wait for each range.

    Raises:
        SourceChangedError: The object was replaced or removed since it was listed.
        StoreError: The server refuses a request, or could not be reached for more than a minute.
    """

    def __init__(self, file: BucketObject) -> None:
        super().__init__()
        self.name = file.where
        self._file = file
        self._position = 0
        # By the number of the range. The first one is read by the caller's thread, so it needs no pool.
        self._ranges: dict[int, Callable[[], bytes]] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._is_stopped = Event()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.size_bytes}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readall(self) -> bytes:
        pieces = []
        while piece := self.read(_RANGE_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes of one range; none at the end of the object."""
        if size < 0:
            return self.readall()
        if not size or self._position >= self._file.size_bytes:
            return b""
        number = _number_of(self._position)
        data = self._range(number, is_more_needed=self._position + size > _start_of(number + 1))
        place = self._position - _start_of(number)
        found = data[place : place + size]
        self._position += len(found)
        return found

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._is_stopped.set()
        self._ranges.clear()
        if self._threads is not None:
            # Not waiting: a request that is under way ends by itself, and nothing needs its answer.
            self._threads.shutdown(wait=False, cancel_futures=True)
        super().close()

    def _range(self, number: int, *, is_more_needed: bool) -> bytes:
        """The bytes of a range; the next ones are requested if the reader is likely to need them."""
        last = number + _RANGES_AHEAD
        self._ranges = {n: found for n, found in self._ranges.items() if number <= n <= last}
        if number or is_more_needed:
            for ahead in range(number, last + 1):
                if ahead not in self._ranges and _start_of(ahead) < self._file.size_bytes:
                    self._ranges[ahead] = self._requested(ahead).result
        elif number not in self._ranges:
            first = self._bytes(number)
            self._ranges[number] = lambda: first
        return self._ranges[number]()

    def _requested(self, number: int) -> Future[bytes]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_RANGES_AHEAD + 1)
        return self._threads.submit(self._bytes, number)

    def _bytes(self, number: int) -> bytes:
        stop = min(_start_of(number + 1), self._file.size_bytes)
        needed = ObjectRange(
            bucket=self._file.bucket,
            key=self._file.key,
            version=self._file.version,
            start=_start_of(number),
            stop=stop,
        )
        found = range_bytes(needed, self._is_stopped)
        if found is None:
            raise SourceChangedError(self._file.where)
        return found


def _number_of(position: int) -> int:
    return 0 if position < FIRST_BYTES else 1 + (position - FIRST_BYTES) // _RANGE_BYTES


def _start_of(number: int) -> int:
    return 0 if number == 0 else FIRST_BYTES + (number - 1) * _RANGE_BYTES

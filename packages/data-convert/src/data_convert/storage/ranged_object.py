"""An object as a file that can be read at any position, for readers of Parquet."""

from __future__ import annotations

import io
import os
from typing import Final

from data_convert.storage.patience import with_patience
from s3_access import shared_session

TAIL_BYTES: Final = 64 << 10
"""The end of the object that one request gets. The footers of most parts are shorter."""

_AHEAD_BYTES: Final = 1 << 20
"""The least that a request gets, because what follows is read next."""


class RangedObject(io.RawIOBase):
    """Reads one version of an object; a read that is not in what the last request got is a request.

    Args:
        version: Its ETag, without quotes. Another version of the object is an error.
    """

    def __init__(self, bucket: str, key: str, *, size_bytes: int, version: str) -> None:
        super().__init__()
        self.where = f"s3://{bucket}/{key}"
        self._target = {"Bucket": bucket, "Key": key, "IfMatch": f'"{version}"'}
        self._size_bytes = size_bytes
        self._held_start = 0
        self._held = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size_bytes}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._size_bytes - self._position)
        wanted = left if size < 0 else min(size, left)
        data = self._range(self._position, self._position + wanted) if wanted else b""
        self._position += len(data)
        return data

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _range(self, start: int, stop: int) -> bytes:
        held_stop = self._held_start + len(self._held)
        if not self._held_start <= start <= stop <= held_stop:
            # A reader starts with the end of the object, and asks for less than the footer there.
            tail_start = max(0, self._size_bytes - TAIL_BYTES)
            self._held_start = min(start, tail_start) if stop > tail_start else start
            wanted_stop = min(max(stop, start + _AHEAD_BYTES), self._size_bytes)
            self._held = self._get(self._held_start, wanted_stop)
        return self._held[start - self._held_start : stop - self._held_start]

    def _get(self, start: int, stop: int) -> bytes:
        session = shared_session(self.where)

        def get() -> bytes:
            with session.faults("GetObject", where=self.where):
                answer = session.client.get_object(**self._target, Range=f"bytes={start}-{stop - 1}")
                with answer["Body"] as body:
                    return bytes(body.read())

        return with_patience(get)

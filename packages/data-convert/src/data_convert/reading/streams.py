"""The text of a raw file as a stream that records exactly what was read."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeVar, cast

from data_convert.errors import SourceChangedError, SourceError
from data_convert.reading.compression import CORRUPTION_ERRORS, OPENERS
from data_convert.reading.file_content import HEAD_BYTES, name_problem, text_problem
from data_convert.reading.sources import Source
from data_convert.storage.stored_file import OpenedFile
from terminal import OnBytes

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """What was read from a source.

    Attributes:
        size_bytes: Bytes on disk.
        text_bytes: Bytes of text after decompression.
        sha256: Digest of the bytes on disk.
        etag: The version of an object; None for a file of a folder.
        skipped: What is neither a row nor a reject -> how often it was found.
    """

    name: str
    size_bytes: int
    text_bytes: int
    sha256: str
    skipped: dict[str, int] = field(default_factory=dict)
    etag: str | None = None


class SourceStream:
    """The decompressed bytes of one source, and the digest of the bytes read from disk."""

    def __init__(self, source: Source, opened: OpenedFile) -> None:
        self._source = source
        self._opened = opened
        self._raw = cast(IO[bytes], opened.raw)
        self._hashing = _HashingReader(self._raw)
        self._text_bytes = 0
        self._text = self._open()

    def _open(self) -> IO[bytes]:
        head = self._guarded(partial(self._raw.read, HEAD_BYTES))
        self._raw.seek(0)
        if problem := name_problem(self._source.name, head):
            raise SourceError(self._source.file.where, problem)
        suffix = Path(self._source.name).suffix.lower()
        if suffix not in OPENERS:
            return cast(IO[bytes], self._hashing)
        if suffix == ".zip":
            # The directory of a zip is at its end, so the file is not read in order: hash it first.
            hashlib.file_digest(self._hashing, "sha256")
            return self._guarded(lambda: OPENERS[suffix](self._raw))
        return self._guarded(lambda: OPENERS[suffix](cast(IO[bytes], io.BufferedReader(self._hashing, 1 << 20))))

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes of text; fewer only at the end.

        Raises:
            SourceError: The compressed data are corrupt or cut off.
            SourceChangedError: The file is longer than when it was opened.
        """
        pieces = []
        while size > 0 and (piece := self._guarded(partial(self._text.read, size))):
            pieces.append(piece)
            size -= len(piece)
        # Checked on every read, because a file that keeps growing would never end.
        if self._hashing.size_bytes > self._opened.size_bytes:
            raise SourceChangedError(self._source.file.where)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if not self._text_bytes:
            self._check_decompressed(data[:HEAD_BYTES])
        self._text_bytes += len(data)
        return data

    def _check_decompressed(self, head: bytes) -> None:
        is_compressed = Path(self._source.name).suffix.lower() in OPENERS
        if is_compressed and (problem := text_problem(head, subject="the decompressed content")):
            raise SourceError(self._source.file.where, problem)

    def _guarded(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except CORRUPTION_ERRORS as error:
            # gzip and bz2 raise OSError without a number for corrupt data; the system's errors have one.
            if isinstance(error, OSError) and error.errno is not None:
                raise _unreadable(self._source.file.where, error) from error
            ending = Path(self._source.name).suffix
            raise SourceError(
                self._source.file.where,
                f"the {ending} data are truncated or corrupt ({error}). Get the file again.",
            ) from error

    def facts(self) -> SourceFacts:
        """What was read; call it once all text has been read.

        Raises:
            SourceChangedError: The file was replaced or changed since it was opened.
        """
        # Decompressors stop at the end of their data, which may be before the end of the file.
        if self._hashing.size_bytes < self._opened.size_bytes:
            self._hashing.drain()
        self._opened.check_unchanged()
        if self._hashing.size_bytes != self._opened.size_bytes:
            raise SourceChangedError(self._source.file.where)
        return SourceFacts(
            name=self._source.name,
            size_bytes=self._hashing.size_bytes,
            text_bytes=self._text_bytes,
            sha256=self._hashing.digest.hexdigest(),
            etag=self._source.file.version,
        )


class _HashingReader(io.RawIOBase):
    """Reads a file and computes the digest of what was read."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.digest.update(data)
        self.size_bytes += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = self._raw.readinto(buffer)  # type: ignore[attr-defined]
        self.digest.update(memoryview(buffer)[:size])
        self.size_bytes += size
        return int(size)

    def drain(self) -> None:
        """Read to the end of the file."""
        while self.read(1 << 20):
            pass


@contextmanager
def open_source(source: Source) -> Iterator[SourceStream]:
    """Open the source for reading its text.

    Raises:
        SourceError: It cannot be opened, or its content does not match its ending.
    """
    with _opened(source) as opened:
        yield SourceStream(source, opened)


def _opened(source: Source) -> OpenedFile:
    try:
        return source.file.open()
    except OSError as error:
        raise _unreadable(source.file.where, error) from error


def _unreadable(where: str, error: OSError) -> SourceError:
    return SourceError(where, f"cannot be read: {error.strerror or error}")


def digest_of(source: Source) -> SourceFacts:
    """Size and digest of the file on disk, without decompressing it (`text_bytes` is 0)."""
    with _opened(source) as opened:
        hashing = _HashingReader(cast(IO[bytes], opened.raw))
        try:
            hashing.drain()
        except OSError as error:
            raise _unreadable(source.file.where, error) from error
    return SourceFacts(
        name=source.name,
        size_bytes=hashing.size_bytes,
        text_bytes=0,
        sha256=hashing.digest.hexdigest(),
        etag=source.file.version,
    )


def with_progress(read: Callable[[int], bytes], source: Source, on_bytes: OnBytes) -> Callable[[int], bytes]:
    """A reader of the same text that reports progress in bytes on disk.

    A decompressor does not report its position in the file, so the size of the text is used instead; the rest of the
    file's size is reported at the end.
    """
    reported = 0

    def read_and_report(size: int) -> bytes:
        nonlocal reported
        data = read(size)
        remaining = source.size_bytes - reported
        step = min(len(data), remaining) if data else remaining
        reported += step
        on_bytes(step)
        return data

    return read_and_report

"""Opens raw files and hands out their decompressed text as UTF-8 bytes, as far ahead as the caller requests."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Final

import zstandard

from data_convert.storage.stored_file import StoredFile

_BOM: Final = b"\xef\xbb\xbf"
_LINES_BYTES: Final = 1 << 16
_READ_BYTES: Final = 1 << 22


class RawText:
    """The text of a source behind the place up to which it was taken.

    Attributes:
        text_bytes: Decompressed bytes read so far.
        errors: How bytes that are no text were encoded; decoding with it gives one surrogate for each of them.
    """

    def __init__(self, binary: IO[bytes], encoding: str) -> None:
        name = codecs.lookup(encoding).name
        is_utf8 = name in ("ascii", "utf-8", "utf-8-sig")
        self._binary = binary
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(name)("surrogateescape")
        # Escaped bytes of another encoding could form a character of UTF-8 if they were restored.
        self.errors = "surrogateescape" if is_utf8 else "surrogatepass"
        self._ahead = b""
        self._start = 0
        self._is_at_end = False
        self.text_bytes = 0
        if self.peek(len(_BOM)) == _BOM:
            self.take(len(_BOM))

    def peek(self, size: int) -> bytes:
        """The next `size` bytes; fewer only at the end of the text."""
        self._read_ahead(size)
        return self._ahead[self._start : self._start + size]

    def is_last(self, size: int) -> bool:
        """Whether the text has no more than `size` bytes."""
        self._read_ahead(size + 1)
        return len(self._ahead) - self._start <= size

    def take(self, size: int) -> None:
        """Continue behind the next `size` bytes, which were peeked at."""
        self._start += size

    def lines(self) -> Iterator[str]:
        """Physical lines with their ends (LF, CR or CRLF); each is taken when it is handed out."""
        size = _LINES_BYTES
        while text := self.peek(size):
            lines, is_last = text.splitlines(keepends=True), self.is_last(size)
            # A line that ends the text may continue, and a CR may be half of a CRLF.
            complete = lines if is_last or text.endswith(b"\n") else lines[:-1]
            size = _LINES_BYTES if complete else 2 * size
            for line in complete:
                self.take(len(line))
                yield line.decode("utf-8", self.errors)

    def _read_ahead(self, size: int) -> None:
        while not self._is_at_end and len(self._ahead) - self._start < size:
            self._ahead, self._start = self._ahead[self._start :] + self._read(max(size, _READ_BYTES)), 0

    def _read(self, size: int) -> bytes:
        data = self._binary.read(size)
        self.text_bytes += len(data)
        self._is_at_end = not data
        if self._decoder is None:
            return data
        return self._decoder.decode(data, self._is_at_end).encode("utf-8", self.errors)


class DigestReader(io.RawIOBase):
    """The bytes of a file, whose digest is computed from what is read, so that a bucket sends an object once."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__()
        self._raw = raw
        self._position = 0
        self._digest = hashlib.sha256()
        self._digested_bytes = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._position = self._raw.seek(offset, whence)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = int(self._raw.readinto(buffer) or 0)
        start, self._position = self._position, self._position + size
        # The reader of a .zip jumps; what it skips is read at the end.
        if start <= self._digested_bytes < self._position:
            self._digest.update(memoryview(buffer)[self._digested_bytes - start : size])
            self._digested_bytes = self._position
        return size

    def digest(self) -> tuple[int, str]:
        """Size and SHA-256 of the complete file. Reads what was not read yet."""
        self.seek(self._digested_bytes)
        while self.read(_READ_BYTES):
            pass
        return self._digested_bytes, self._digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class OpenedText:
    """A raw file that is open.

    Attributes:
        stored: Its bytes where it is stored, buffered.
        text: Its decompressed bytes.
        reader: What `stored` buffers.
    """

    stored: IO[bytes]
    text: IO[bytes]
    reader: DigestReader


@contextmanager
def opened(file: StoredFile) -> Iterator[OpenedText]:
    """Open a raw file."""
    openers: dict[str, Callable[[IO[bytes]], Any]] = {
        ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
        ".zst": lambda raw: zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True),
        ".zip": lambda raw: stack.enter_context(_one_member(stack.enter_context(zipfile.ZipFile(raw)))),
    }
    with ExitStack() as stack:
        reader = DigestReader(stack.enter_context(file.open()).raw)
        raw = stack.enter_context(io.BufferedReader(reader))
        opener = openers.get(PurePosixPath(file.where).suffix.lower())
        yield OpenedText(stored=raw, text=raw if opener is None else opener(raw), reader=reader)


def _one_member(archive: zipfile.ZipFile) -> IO[bytes]:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise zipfile.BadZipFile(f"{len(names)} members")
    return archive.open(names[0])

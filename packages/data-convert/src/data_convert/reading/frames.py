"""Decompresses concatenated frames, up to the last byte of the file."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import IO, Final, Protocol

_PIECE_BYTES: Final = 1 << 16


class Decompressor(Protocol):
    """The interface that the decompressors of bz2 and lzma share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class FramesReader(io.RawIOBase):
    """The text of all frames of a file.

    `bz2.BZ2File` and `lzma.LZMAFile` silently ignore bytes after a frame that do not start another one, so they return
    only the first frames of a file that is damaged where a later frame starts. Here that is an error.
    """

    def __init__(self, raw: IO[bytes], start: Callable[[], Decompressor]) -> None:
        self._raw = raw
        self._start = start
        self._frame = start()
        self._ahead = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while True:
            if self._frame.eof and not self._next_frame():
                return 0
            piece, self._ahead = self._ahead, b""
            if not piece and self._frame.needs_input:
                piece = self._raw.read(_PIECE_BYTES)
                if not piece:
                    raise EOFError("the last frame is cut off")
            data = self._frame.decompress(piece, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)

    def _next_frame(self) -> bool:
        """Start the next frame; return False at the end of the file."""
        # The .xz format allows zeros as padding between frames.
        rest = self._frame.unused_data.lstrip(b"\0")
        while not rest:
            piece = self._raw.read(_PIECE_BYTES)
            if not piece:
                return False
            rest = piece.lstrip(b"\0")
        self._frame = self._start()
        self._ahead = rest
        return True

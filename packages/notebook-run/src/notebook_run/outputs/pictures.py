"""PNG pictures as pixels: two files with the same pixels are the same picture, whatever metadata they have."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from operator import add
from typing import Final

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# Bytes per pixel by colour type (PNG specification, table 11.1): grey, RGB, palette, grey and alpha, RGBA.
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_CHANGED: Final = bytes((214, 40, 40, 255))


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture; `rows` has four bytes (RGBA) per pixel."""

    width: int
    height: int
    rows: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True)
class PictureDifference:
    """The difference of two pictures of the same size.

    Attributes:
        changed: Number of pixels that differ.
        mask: A PNG file: the second picture, faded, with these pixels in red.
    """

    changed: int
    total: int
    mask: bytes


def decode_png(data: bytes) -> Picture | None:
    """The pixels of a PNG file.

    None for any other file, a damaged one, and forms that no plotting library writes (interlaced, or not 8 bits per
    channel).
    """
    try:
        chunks = dict(_joined_chunks(data))
        width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        if depth != 8 or interlace or colour not in _CHANNELS:
            return None
        raw = zlib.decompress(chunks[b"IDAT"])
        rows = _unfiltered(raw, width * _CHANNELS[colour], height, _CHANNELS[colour])
        return Picture(width=width, height=height, rows=tuple(_rgba(row, colour, chunks) for row in rows))
    except (KeyError, IndexError, ValueError, struct.error, zlib.error):
        return None


def encode_png(picture: Picture) -> bytes:
    """A PNG file of a picture."""
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in picture.rows), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def picture_difference(first: Picture, second: Picture) -> PictureDifference | None:
    """The pixels that differ; None for pictures of different sizes."""
    if (first.width, first.height) != (second.width, second.height):
        return None
    changed, rows = 0, []
    for before, after in zip(first.rows, second.rows, strict=True):
        row = bytearray(_faded(after))
        if before != after:
            for at in range(0, len(after), 4):
                if before[at : at + 4] != after[at : at + 4]:
                    changed += 1
                    row[at : at + 4] = _CHANGED
        rows.append(bytes(row))
    mask = encode_png(Picture(width=second.width, height=second.height, rows=tuple(rows)))
    return PictureDifference(changed=changed, total=first.width * first.height, mask=mask)


def _joined_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The first chunk of each type, and all IDAT chunks in one piece."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("not a PNG file")
    pixels, at, seen = [], len(_SIGNATURE), set()
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            pixels.append(body)
        elif kind not in seen:
            seen.add(kind)
            yield kind, body
        at += 12 + length
    yield b"IDAT", b"".join(pixels)


def _unfiltered(raw: bytes, stride: int, height: int, step: int) -> Iterator[bytes]:
    """The rows before filtering (PNG specification, section 9)."""
    if len(raw) != height * (stride + 1):
        raise ValueError("pixels are missing")
    above = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        above = _unfiltered_row(raw[start], raw[start + 1 : start + 1 + stride], above, step)
        yield above


def _unfiltered_row(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    if kind == 0:
        return row
    if kind == 1:
        done = bytearray(len(row))
        for channel in range(step):
            done[channel::step] = bytes(value & 255 for value in accumulate(row[channel::step]))
        return bytes(done)
    if kind == 2:
        return bytes(value & 255 for value in map(add, row, above))
    if kind not in (3, 4):
        raise ValueError(f"unknown filter {kind}")
    done = bytearray(row)
    for at, value in enumerate(row):
        left, up = (done[at - step] if at >= step else 0), above[at]
        if kind == 3:
            done[at] = (value + (left + up) // 2) & 255
        else:
            done[at] = (value + _paeth(left, up, above[at - step] if at >= step else 0)) & 255
    return bytes(done)


def _paeth(left: int, up: int, corner: int) -> int:
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _rgba(row: bytes, colour: int, chunks: dict[bytes, bytes]) -> bytes:
    if colour == 6:
        return row
    pixels = bytearray(b"\xff" * (4 * len(row) // _CHANNELS[colour]))
    if colour == 3:
        palette, alpha = chunks[b"PLTE"], chunks.get(b"tRNS", b"")
        table = [palette[3 * n : 3 * n + 3] + (alpha[n : n + 1] or b"\xff") for n in range(len(palette) // 3)]
        return b"".join(table[index] for index in row)
    for channel in range(3):
        pixels[channel::4] = row[channel::3] if colour == 2 else row[:: _CHANNELS[colour]]
    if colour == 4:
        pixels[3::4] = row[1::2]
    return bytes(pixels)


_FADED_LEVELS: Final = bytes(170 + level // 3 for level in range(256))


def _faded(row: bytes) -> bytes:
    """The row paler, and opaque."""
    pixels = bytearray(row.translate(_FADED_LEVELS))
    pixels[3::4] = b"\xff" * (len(row) // 4)
    return bytes(pixels)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

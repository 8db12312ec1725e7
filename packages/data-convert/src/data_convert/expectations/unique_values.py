"""Finds values that occur more than once in a part, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MEMORY_BYTES: Final = 64 << 20
"""Of one column: more is kept in a temporary file, and compared in several rounds."""

PRINT: Final = np.dtype([("low", "<u8"), ("high", "<u8"), ("place", "<u8")])
"""The fingerprint of a value, and the place of its row."""

_LINE_BITS: Final = 40
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_PRIMES: Final = (np.uint64(0x100000001B3), np.uint64(0xC6A4A7935BD1E995))
_SEEDS: Final = (np.uint64(0xCBF29CE484222325), np.uint64(0x8445D61A4E774912))

Prints = npt.NDArray[np.void]


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """A value that occurs more than once: the places of its first two rows, as (number of the source, line)."""

    first: RowPlace
    second: RowPlace


@dataclass(frozen=True, kw_only=True)
class RowPlace:
    """The number of a source in its part, and a line; 0 if it is not known."""

    source: int
    line: int


def value_prints(values: pa.Array, source: int, lines: npt.NDArray[np.uint64]) -> Prints:
    """The fingerprints of the values that are not null: equal values have equal ones.

    A fingerprint has 128 bits. It is the value itself for all types but texts, for which it is a hash; among a billion
    texts, two others have the same hash with a probability of one in 10^20.
    """
    present = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    prints = np.zeros(len(present), PRINT)
    known = values.drop_null()
    if pa.types.is_string(known.type):
        for name, prime, seed in zip(("low", "high"), _PRIMES, _SEEDS, strict=True):
            prints[name] = _text_hashes(known, prime, seed)
    elif pa.types.is_decimal(known.type):
        size = known.type.byte_width
        cells = np.frombuffer(known.buffers()[1], np.uint8)[known.offset * size : (known.offset + len(known)) * size]
        words = np.zeros((len(known), 16), np.uint8)
        words[:, :size] = cells.reshape(-1, size)
        prints["low"], prints["high"] = words.view("<u8").reshape(-1, 2).T
    elif pa.types.is_floating(known.type):
        # Zero and minus zero are equal.
        prints["low"] = (known.to_numpy() + 0.0).view(np.uint64)
    elif pa.types.is_unsigned_integer(known.type):
        prints["low"] = known.cast(pa.uint64()).to_numpy()
    else:
        whole = known.cast(pa.int32()) if pa.types.is_date32(known.type) or pa.types.is_boolean(known.type) else known
        prints["low"] = whole.cast(pa.int64()).to_numpy().view(np.uint64)
    prints["place"] = (np.uint64(source) << np.uint64(_LINE_BITS)) | lines[present]
    return prints


def with_lines_shifted(prints: Prints, lines: int) -> Prints:
    """The fingerprints of the same rows, further down in their file."""
    shifted = prints.copy()
    is_known = (shifted["place"] & np.uint64((1 << _LINE_BITS) - 1)) > 0
    shifted["place"][is_known] += np.uint64(lines)
    return shifted


def _text_hashes(texts: pa.StringArray, prime: np.uint64, seed: np.uint64) -> npt.NDArray[np.uint64]:
    """A hash of each text, byte by byte, over all texts that are long enough to have that byte."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets)
    hashes = np.full(len(texts), seed, np.uint64) ^ lengths.astype(np.uint64)
    longest_first = np.argsort(-lengths, kind="stable")
    counts = len(texts) - np.searchsorted(np.sort(lengths), np.arange(int(lengths.max(initial=0))), side="right")
    for place, count in enumerate(counts.tolist()):
        rows = longest_first[:count]
        hashes[rows] = (hashes[rows] ^ data[starts[rows] + place]) * prime
    hashes ^= hashes >> np.uint64(29)
    return hashes * _MIX


@dataclass(kw_only=True)
class UniqueValues:
    """The fingerprints of all values of a column in a part.

    Attributes:
        memory_bytes: See MEMORY_BYTES.
    """

    memory_bytes: int = MEMORY_BYTES
    size_bytes: int = 0
    _file: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self._file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=self.memory_bytes))  # noqa: SIM115

    def add(self, prints: Prints) -> None:
        """Add the fingerprints of a block, in the order of the blocks."""
        self._file.write(prints.tobytes())
        self.size_bytes += prints.nbytes

    def close(self) -> None:
        """Release the memory and the temporary file."""
        self._file.close()

    def repeated(self) -> tuple[int, list[Repeated]]:
        """How many rows have the value of an earlier row, and the first rows of some of these values."""
        count, found = 0, []
        rounds = -(-self.size_bytes // self.memory_bytes) or 1
        for number in range(rounds):
            prints = np.concatenate(list(self._round(number, rounds)))
            prints = prints[np.lexsort((prints["place"], prints["high"], prints["low"]))]
            same = (prints["low"][1:] == prints["low"][:-1]) & (prints["high"][1:] == prints["high"][:-1])
            count += int(same.sum())
            seconds = np.flatnonzero(same & ~np.concatenate([[False], same[:-1]])) + 1
            seconds = seconds[np.argsort(prints["place"][seconds], kind="stable")][:_KEPT]
            found += [(int(prints["place"][at]), int(prints["place"][at - 1])) for at in seconds.tolist()]
        pairs = [Repeated(first=_place(first), second=_place(second)) for second, first in sorted(found)[:_KEPT]]
        return count, pairs

    def _round(self, number: int, rounds: int) -> Iterator[Prints]:
        """The fingerprints of one round. Equal values are in the same round."""
        self._file.seek(0)
        yield np.zeros(0, PRINT)
        while data := self._file.read(max(1, self.memory_bytes // PRINT.itemsize) * PRINT.itemsize):
            prints = np.frombuffer(data, PRINT)
            share = (prints["low"] * _MIX >> np.uint64(32)) % np.uint64(rounds)
            yield prints[share == number] if rounds > 1 else prints


_KEPT: Final = 3


def _place(packed: int) -> RowPlace:
    return RowPlace(source=packed >> _LINE_BITS, line=packed & ((1 << _LINE_BITS) - 1))

"""Fingerprints of rows, and sums of them by which two multisets of rows are compared in fixed memory.

A row's fingerprint is the sum of keyed 128-bit digests of its values. Rows are counted and their scrambled
fingerprints added up in buckets: where all buckets agree, both sides hold the same rows, each as often, in whatever
order (the chance that a difference hides is about 2**-128); where some do not, only their rows need a second look.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.spec import ColumnSpec
from data_convert.verification.second_reading import ROWS_AT_ONCE, Values, values_of

_BUCKET_BITS: Final = 16
_MEMO_ENTRIES: Final = 1 << 19
"""Distinct texts remembered over all columns, about 100 MB."""

Prints = npt.NDArray[np.uint64]
"""Two words a row."""

MISFIT: Final = 0
"""Number of every text that does not fit."""


def value_print(place: int, value: Any) -> bytes:
    """Digest of a value of the stored column at `place`: floats by their bits, None unlike every value."""
    if value is None:
        text = b""
    elif isinstance(value, float):
        text = b"f" + struct.pack("<d", value)
    elif isinstance(value, str):
        text = b"s" + value.encode()
    else:
        text = b"i%d" % value
    return hashlib.blake2b(text, digest_size=16, key=b"%d" % place).digest()


class TextPrints(dict[str, int]):
    """Text -> number under which `table` holds the fingerprint of what it should be in the Parquet."""

    def __init__(self, column: ColumnSpec, place: int, *, columns: int) -> None:
        self._column = column
        self._place = place
        self._limit = max(4 * ROWS_AT_ONCE, _MEMO_ENTRIES // columns)
        self.table = np.zeros((self._limit + ROWS_AT_ONCE + 1, 2), dtype=np.uint64)

    def __missing__(self, text: str) -> int:
        values = values_of(self._column, text)
        if values is None:
            self[text] = MISFIT
            return MISFIT
        number = self[text] = len(self) + 1
        self.table[number] = self._of(values)
        return number

    def of_absent(self) -> Prints:
        """The fingerprint of the nulls of a column that the raw file lacks."""
        return self._of((None, None) if self._column.type == "flagged_number" else (None,))

    def _of(self, values: Values) -> Prints:
        digests = [value_print(self._place + i, value) for i, value in enumerate(values)]
        return total([np.frombuffer(digest, dtype=np.uint64) for digest in digests])

    def numbers(self, texts: Sequence[str]) -> npt.NDArray[np.intp]:
        """The number of each text; 0 for those that do not fit."""
        if len(self) > self._limit:
            self.clear()
        return np.fromiter(map(self.__getitem__, texts), dtype=np.intp, count=len(texts))


def total(prints: Sequence[Prints]) -> Prints:
    """The sums of fingerprints, modulo 2**64 a word."""
    result = np.zeros_like(prints[0])
    for each in prints:
        result += each
    return result


def stored_prints(batch: pa.RecordBatch) -> list[Prints]:
    """For each column the fingerprints of the values that were read back from the Parquet."""
    prints = []
    for place, column in enumerate(batch.columns):
        encoded = pc.dictionary_encode(_as_bits(column), null_encoding="encode")
        digests = b"".join(value_print(place, value) for value in _values(encoded.dictionary, column.type))
        table = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
        prints.append(table[encoded.indices.to_numpy(zero_copy_only=False)])
    return prints


def stored_values(batch: pa.RecordBatch, row: int) -> Values:
    """One row that was read back, as `values_of` would have it."""
    return tuple(_values(_as_bits(column.slice(row, 1)), column.type)[0] for column in batch.columns)


def _as_bits(column: pa.Array) -> pa.Array:
    """Times as the integers they are stored as; floats too, so that Arrow tells 0.0 from -0.0."""
    if pa.types.is_date(column.type):
        return column.view(pa.int32())
    if pa.types.is_timestamp(column.type) or pa.types.is_floating(column.type):
        return column.view(pa.int64())
    return column


def _values(bits: pa.Array, type_: pa.DataType) -> list[Any]:
    values: list[Any] = bits.to_pylist()
    if not pa.types.is_floating(type_):
        return values
    return [None if value is None else struct.unpack("<d", struct.pack("<q", value))[0] for value in values]


def buckets_of(prints: Prints) -> npt.NDArray[np.intp]:
    """The bucket of each row."""
    return (prints[:, 0] >> np.uint64(64 - _BUCKET_BITS)).astype(np.intp)


class BucketSums:
    """Rows and their scrambled fingerprints, added up bucket by bucket."""

    def __init__(self) -> None:
        self.counts = np.zeros(1 << _BUCKET_BITS, dtype=np.int64)
        self._sums = np.zeros((2, 1 << _BUCKET_BITS), dtype=np.uint64)

    def add(self, prints: Prints) -> None:
        """Add rows."""
        buckets, (first, second) = buckets_of(prints), prints.T
        np.add.at(self.counts, buckets, 1)
        np.add.at(self._sums[0], buckets, _scrambled(first ^ _scrambled(second)))
        np.add.at(self._sums[1], buckets, _scrambled(second + _scrambled(first)))

    @property
    def rows(self) -> int:
        """Rows that were added."""
        return int(self.counts.sum())

    def unlike(self, other: BucketSums) -> npt.NDArray[np.intp]:
        """The buckets in which the two do not hold the same rows."""
        return np.flatnonzero((self._sums != other._sums).any(axis=0) | (self.counts != other.counts))


def _scrambled(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))

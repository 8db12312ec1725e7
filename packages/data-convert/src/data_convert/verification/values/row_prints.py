"""Fingerprints of rows, and sums of them by which two multisets of rows are compared in fixed memory.

A row's fingerprint is the sum of keyed 128-bit digests of its values. Rows are counted and their scrambled
fingerprints added up in buckets: where all buckets agree, both sides hold the same rows, each as often, in whatever
order (the chance that a difference hides is about 2**-128); where some do not, only their rows need a second look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.verification.values.value_rules import Values

_BUCKET_BITS: Final = 16

Words = npt.NDArray[np.uint64]
"""One word a value, or two for texts and decimals."""

Prints = npt.NDArray[np.uint64]
"""Two words a row."""

_WORD: Final = 2**64 - 1
_NAN: Final = np.float64(np.nan).view(np.uint64)
_KEYS_PER_PLACE: Final = 4


def empty_prints(rows: int) -> Prints:
    """Fingerprints of rows without values. Each of their two words is contiguous in memory."""
    return np.zeros((2, rows), dtype=np.uint64).T


def value_prints(place: int, values: Sequence[Any], type_: pa.DataType) -> Prints:
    """Digests of values of the stored column at `place`, in the form of `Values`; None equals only None."""
    is_null = np.fromiter((value is None for value in values), dtype=np.bool_, count=len(values))
    if pa.types.is_string(type_):
        words = _text_words(["" if value is None else value for value in values])
    elif pa.types.is_floating(type_):
        words = _float_words(np.array([0.0 if value is None else value for value in values], dtype=np.float64))
    else:
        words = _whole_words([0 if value is None else int(value) for value in values], type_)
    return _digests(place, words, is_null)


def whole_prints(place: int, values: npt.NDArray[np.int64]) -> Prints:
    """The same for numbers of at most 64 bits, none of them null: the units of times and dates."""
    return _digests(place, values.view(np.uint64), None)


def stored_prints(batch: pa.RecordBatch) -> list[Prints]:
    """For each column the fingerprints of the values that were read back from the Parquet."""
    prints = []
    for place, column in enumerate(batch.columns):
        if pa.types.is_string(column.type):
            coded = column.dictionary_encode(null_encoding="encode")
            table = value_prints(place, coded.dictionary.to_pylist(), column.type)
            codes = coded.indices.to_numpy()
            prints.append(np.stack([word.take(codes) for word in table.T]).T)
        else:
            prints.append(_digests(place, _stored_words(column), _nulls_of(column)))
    return prints


def total(prints: Sequence[Prints]) -> Prints:
    """The sums of fingerprints, modulo 2**64 a word."""
    result = empty_prints(len(prints[0]))
    for each in prints:
        result += each
    return result


def stored_values(batch: pa.RecordBatch, row: int) -> Values:
    """One row of the Parquet, in the form of `Values`."""
    return tuple(_value(column.slice(row, 1)) for column in batch.columns)


def _value(one: pa.Array) -> Any:
    if one.null_count or pa.types.is_string(one.type) or pa.types.is_boolean(one.type):
        return one[0].as_py()
    if pa.types.is_floating(one.type):
        return float(one[0].as_py())
    words = _stored_words(one)
    if words.ndim == 1:
        is_unsigned = pa.types.is_unsigned_integer(one.type)
        return int(words[0]) if is_unsigned else int(words.view(np.int64)[0])
    low, high = (int(word) for word in words[0])
    value = high << 64 | low
    return value - (1 << 128) if value >> 127 else value


def _nulls_of(column: pa.Array) -> npt.NDArray[np.bool_] | None:
    return column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None


def _stored_words(column: pa.Array) -> Words:
    """The words of each value: the bits of a float or whole number, two words for a decimal; anything for a null."""
    rows = len(column)
    if pa.types.is_decimal(column.type):
        pairs = np.frombuffer(column.buffers()[1], dtype=np.uint64)[2 * column.offset : 2 * (column.offset + rows)]
        return pairs.reshape(-1, 2)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    size = column.type.bit_width // 8
    data = column.buffers()[1][column.offset * size : (column.offset + rows) * size]
    if pa.types.is_floating(column.type):
        return _float_words(np.frombuffer(data, dtype=np.float64))
    kind = "u" if pa.types.is_unsigned_integer(column.type) else "i"
    return np.frombuffer(data, dtype=f"{kind}{size}").astype(np.int64).view(np.uint64)


def _whole_words(values: Sequence[int], type_: pa.DataType) -> Words:
    """Whole numbers as words: two of them if the type is a decimal."""
    if pa.types.is_decimal(type_):
        return np.array([(value & _WORD, value >> 64 & _WORD) for value in values], dtype=np.uint64).reshape(-1, 2)
    is_unsigned = pa.types.is_unsigned_integer(type_)
    return np.array(values, dtype=np.uint64 if is_unsigned else np.int64).view(np.uint64)


def _float_words(values: npt.NDArray[np.float64]) -> Words:
    """Floats by their bits: 0.0 is not -0.0. All NaN are one value."""
    words, is_nan = values.view(np.uint64), np.isnan(values)
    return np.where(is_nan, _NAN, words) if is_nan.any() else words


def _text_words(texts: Sequence[str]) -> Words:
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts)
    return np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)


def _digests(place: int, words: Words, is_null: npt.NDArray[np.bool_] | None) -> Prints:
    """Scrambled with keys of the column, so that values that change places change the sum of their row."""
    keys, prints = _keys(place), empty_prints(len(words))
    first, second = prints.T
    is_wide = words.ndim == 2
    np.bitwise_xor(words[:, 0] if is_wide else words, keys[0], out=first)
    _scramble(first)
    if is_wide:
        first += words[:, 1] ^ keys[1]
        _scramble(first)
    np.bitwise_xor(first, keys[2], out=second)
    _scramble(second)
    if is_wide:
        second += words[:, 1]
    if is_null is not None:
        prints[is_null] = keys[2:]
    return prints


@lru_cache(maxsize=1 << 12)
def _keys(place: int) -> Words:
    digest = hashlib.blake2b(b"%d" % place, digest_size=8 * _KEYS_PER_PLACE).digest()
    return np.frombuffer(digest, dtype=np.uint64)


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


def _scrambled(words: Words) -> Words:
    words = words.copy()
    _scramble(words)
    return words


def _scramble(words: Words) -> None:
    """The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014)."""
    shifted = words >> np.uint64(30)
    words ^= shifted
    words *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(words, np.uint64(27), out=shifted)
    words ^= shifted
    words *= np.uint64(0x94D049BB133111EB)
    np.right_shift(words, np.uint64(31), out=shifted)
    words ^= shifted

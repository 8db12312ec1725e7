"""Sorts the rows of a table by its key columns; equal keys keep their order, and nulls are first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]

_BITS: Final = 63


def sorted_rows(table: pa.Table, sort: Sequence[str]) -> pa.Table:
    """The rows in the order of the columns `sort`, each column in one chunk.

    The writer ends pages at the ends of chunks, and the bytes must not depend on how the text was cut into blocks.
    """
    order = row_order(table, sort) if sort and table.num_rows else None
    # One column at a time, so that the memory of one joined column is used again for the next one. `Table.take` takes
    # twice as long.
    joined = (_joined(column) for column in table.columns)
    columns = [column if order is None else column.take(order) for column in joined]
    return pa.Table.from_arrays(columns, schema=table.schema)


def row_order(table: pa.Table, sort: Sequence[str]) -> pa.Array | None:
    """The places of the rows in sorted order; None if they are sorted."""
    codes = packed_keys([_joined(table[name]) for name in sort])
    if codes is None:
        # Stable, as the order by codes is.
        order = pc.sort_indices(table, sort_keys=[(name, "ascending", "at_start") for name in sort])
        return None if bool((np.diff(order.to_numpy().astype(np.int64)) == 1).all()) else order
    if bool((codes[1:] >= codes[:-1]).all()):
        return None
    # The place of a row makes its code unique, so that a fast sort that is not stable gives the stable order.
    place_bits = _bits(len(codes) - 1)
    codes <<= place_bits
    codes |= np.arange(len(codes))
    codes.sort()
    codes &= (1 << place_bits) - 1
    return pa.array(codes.astype(np.uint32) if place_bits <= 32 else codes)


def _joined(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def packed_keys(columns: Sequence[pa.Array]) -> Integers | None:
    """One integer per row that orders the rows as the columns do; None if the keys have too many bits for that."""
    keys = [_Key.of(column) for column in columns]
    if None in keys:
        return None
    known = [key for key in keys if key is not None]
    room = _BITS - _bits(len(columns[0]) - 1)
    for place in sorted(range(len(known)), key=lambda place: -known[place].bits):
        if sum(key.bits for key in known) <= room:
            break
        known[place] = _Key.ranked(columns[place])
    if sum(key.bits for key in known) > room:
        return None
    packed = known[0].codes
    for key in known[1:]:
        packed = (packed << key.bits) | key.codes
    # A copy, because the caller changes it.
    return packed if len(known) > 1 else packed.copy()


@dataclass(frozen=True, kw_only=True)
class _Key:
    """Codes from 0 that order the rows as one column does; 0 is null if there are nulls."""

    codes: Integers
    bits: int

    @classmethod
    def of(cls, column: pa.Array) -> _Key | None:
        """The key of the column; None if its type has none."""
        kind = column.type
        if pa.types.is_string(kind):
            return cls.ranked(column)
        if pa.types.is_temporal(kind):
            column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        elif not pa.types.is_signed_integer(kind):
            return None
        extremes = pc.min_max(column)
        low, high = extremes["min"].as_py() or 0, extremes["max"].as_py() or 0
        if high - low >= 1 << 62:
            return cls.ranked(column)
        # The code of nulls must be less than all others.
        first = 1 if column.null_count else 0
        values = column.fill_null(low).to_numpy().astype(np.int64)
        codes = values - (low - first)
        if first:
            codes[np.asarray(column.is_null())] = 0
        return cls(codes=codes, bits=_bits(high - low + first))

    @classmethod
    def ranked(cls, column: pa.Array) -> _Key:
        """The ranks of the column's distinct values."""
        encoded = column.dictionary_encode()
        order = pc.sort_indices(encoded.dictionary).to_numpy()
        ranks = np.empty(len(order) + 1, dtype=np.int64)
        ranks[order] = np.arange(1, len(order) + 1)
        # Nulls have the last place, which -1 finds.
        ranks[-1] = 0
        places = encoded.indices.fill_null(-1).to_numpy()
        return cls(codes=ranks[places], bits=_bits(len(order)))


def _bits(largest: int) -> int:
    return max(1, largest.bit_length())

"""Reads parts for users: columns that are stored as exact decimals become the float64 that their texts stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.writing.provenance import read_provenance


def read_parts(paths: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of parts of one dataset, one part after the other.

    A column that is float64 in datasets.toml is float64 here, with `decimals = "exact"` too. A column of the type
    `decimal(p, s)` stays decimal.

    Args:
        columns: Names of columns, in the order of the result; all columns if None.
    """
    return pa.concat_tables([_read_part(path, columns) for path in paths])


def _read_part(path: Path, columns: Sequence[str] | None) -> pa.Table:
    provenance = read_provenance(path)
    table = pq.read_table(path, columns=None if columns is None else list(columns), partitioning=None)
    table = table.replace_schema_metadata()
    for name in provenance.exact if provenance else ():
        place = table.schema.get_field_index(name)
        if place >= 0:
            table = table.set_column(place, name, nearest_floats(table[name]))
    return table


def nearest_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The float64 nearest to each decimal of at most 15 digits: what parsing its text gives."""
    # Both numbers of the division are float64 without rounding (below 2**53, and powers of ten up to 10**22), so
    # IEEE 754 rounds once, to the nearest float64.
    divisor = float(10**column.type.scale)
    return pa.chunked_array([_divided(chunk, divisor) for chunk in column.chunks], pa.float64())


def _divided(decimals: pa.Decimal128Array, divisor: float) -> pa.DoubleArray:
    if decimals.offset:
        decimals = pa.concat_arrays([decimals])
    validity, data = decimals.buffers()
    if data is None or not len(decimals):
        return pa.nulls(len(decimals), pa.float64())
    # The low half of each 128-bit integer has all of its at most 15 digits.
    values = np.frombuffer(data, np.int64)[: 2 * len(decimals) : 2] / divisor
    return pa.Array.from_buffers(pa.float64(), len(decimals), [validity, pa.py_buffer(values)])

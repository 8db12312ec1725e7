"""Names and types of the Parquet columns that a declared column becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from data_convert.spec.dataset_spec import FLAG_SUFFIX, ColumnSpec, decimal_shape

_ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "float64": pa.float64(),
    "flagged_number": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
}


def arrow_field(column: ColumnSpec) -> pa.Field:
    """Name and type of the Parquet column; only the zone UTC becomes part of the type."""
    if column.type == "timestamp":
        zone = "UTC" if column.zone == "UTC" else None
        return pa.field(column.name, pa.timestamp(column.precision, tz=zone))
    if (shape := decimal_shape(column.type)) is not None:
        return pa.field(column.name, pa.decimal128(shape.precision, shape.scale))
    return pa.field(column.name, _ARROW_TYPES[column.type])


def arrow_fields(column: ColumnSpec) -> tuple[pa.Field, ...]:
    """The fields that the column becomes: two for a flagged number."""
    flag = (pa.field(column.name + FLAG_SUFFIX, pa.string()),) if column.type == "flagged_number" else ()
    return (arrow_field(column), *flag)

"""What a text of a column should be in the Parquet: its type, and the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from data_convert.spec.dataset_spec import (
    FLAG_SUFFIX,
    INTEGER_RANGES,
    ColumnSpec,
    DatasetSpec,
    decimal_shape,
)
from data_convert.verification.values.moment_rules import date_rule, timestamp_rule
from data_convert.verification.values.number_rules import (
    exact_float,
    flagged_number,
    integer,
    non_finite_float,
    rounded_float,
    unscaled_decimal,
)

_TRUE: Final = {"true", "t", "yes", "y", "1"}
_FALSE: Final = {"false", "f", "no", "n", "0"}
_STORED_TYPES: Final = {
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

Values = tuple[Any, ...]
"""What a text should be in the Parquet: int, float, str, bool or None; for times the units since 1970, for decimals the
unscaled integer. Two values for a flagged number."""

ValueRule = Callable[[str], Values | None]
"""Returns None for a text that does not fit."""


def stored_schema(spec: DatasetSpec) -> pa.Schema:
    """Names and types that a part should have by its description."""
    fields = []
    for column in spec.columns:
        fields.append(pa.field(column.name, _stored_type(column)))
        if column.type == "flagged_number":
            fields.append(pa.field(column.name + FLAG_SUFFIX, pa.string()))
    return pa.schema(fields)


def _stored_type(column: ColumnSpec) -> pa.DataType:
    if column.type == "timestamp":
        return pa.timestamp(column.precision, tz="UTC" if column.zone == "UTC" else None)
    shape = decimal_shape(column.type)
    return _STORED_TYPES[column.type] if shape is None else pa.decimal128(shape.precision, shape.scale)


def nulls_of(column: ColumnSpec) -> Values:
    """The values of a null."""
    return (None, None) if column.type == "flagged_number" else (None,)


def value_rule(column: ColumnSpec) -> ValueRule:
    """Reads the values that a text of the column should become."""
    nulls, null_values = frozenset(column.nulls), nulls_of(column)
    is_flagged = column.type == "flagged_number"
    rule = (lambda text: flagged_number(text, column.marks)) if is_flagged else _single_rule(column)

    def values_of(text: str) -> Values | None:
        if text in nulls:
            return null_values
        if not is_encodable(text):
            return None
        value = rule(text)
        return value if value is None or is_flagged else (value,)

    return values_of


def is_encodable(text: str) -> bool:
    """Whether all of the text is valid in the encoding of its file; other bytes are surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _single_rule(column: ColumnSpec) -> Callable[[str], Any]:
    if column.type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[column.type]
        return lambda text: integer(text, low, high, column.marks)
    if column.type == "float64":
        return _float_rule(column)
    if (shape := decimal_shape(column.type)) is not None:
        return lambda text: unscaled_decimal(text, shape, column.marks)
    if column.type == "timestamp":
        return timestamp_rule(column)
    if column.type == "date":
        return date_rule(column)
    return _truth if column.type == "bool" else lambda text: text


def _truth(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _float_rule(column: ColumnSpec) -> Callable[[str], float | None]:
    finite = rounded_float if column.rounded else exact_float

    def value_of(text: str) -> float | None:
        word = non_finite_float(text) if column.non_finite else None
        return finite(text, column.marks) if word is None else word

    return value_of

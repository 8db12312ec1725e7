"""A value of a condition as a constant that is compared with a column without rounding."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.types as kinds

from experiment.errors import ExperimentError


def constant(value: Any, kind: pa.DataType, what: str) -> pa.Scalar:
    """The constant for a value, of a type that pyarrow compares exactly with the column's.

    A float is compared with an integer column as a decimal, so that neither is rounded.

    Args:
        what: The column, as errors name it.

    Raises:
        ExperimentError: Values of the column are of another kind.
    """
    plain = value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value
    try:
        found = _constant(plain, kind)
    except (pa.ArrowException, ValueError, OverflowError, ArithmeticError):
        found = None
    if found is None:
        raise ExperimentError(f"{what} is {_kind_text(kind)}, which cannot be compared with {value!r}")
    return found


def whole_bound(operator: str, value: Any) -> tuple[str, Any]:
    """A comparison of an integer column, such as `< 2.5`, as one with an integer: `<= 2`."""
    if not isinstance(value, float | Decimal | np.floating) or not math.isfinite(value) or value == int(value):
        return operator, value
    rounded = {"<": ("<=", math.floor), "<=": ("<=", math.floor), ">": (">=", math.ceil), ">=": (">=", math.ceil)}
    if operator not in rounded:
        return operator, value
    operator, round_ = rounded[operator]
    return operator, round_(value)


def _constant(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if isinstance(value, bool) or kinds.is_boolean(kind):
        return pa.scalar(value) if isinstance(value, bool) and kinds.is_boolean(kind) else None
    if kinds.is_timestamp(kind):
        return _timestamp(value, kind)
    if kinds.is_date(kind):
        return _date(value)
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        return pa.scalar(value, kind) if isinstance(value, str) else None
    if kinds.is_dictionary(kind):
        return _constant(value, kind.value_type)
    if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind):
        return _number(value, kind)
    return pa.scalar(value, kind)


def _number(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return None
    if kinds.is_floating(kind):
        return pa.scalar(float(value), kind if float(value) == value else pa.float64())
    if isinstance(value, int) or value == int(value):
        return _integer(int(value), kind) if kinds.is_integer(kind) else pa.scalar(Decimal(int(value)))
    return pa.scalar(Decimal(repr(value)) if isinstance(value, float) else value)


def _integer(value: int, kind: pa.DataType) -> pa.Scalar:
    # Row groups are compared with a constant of the column's own type alone.
    low, high = np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max
    return pa.scalar(value, kind if low <= value <= high else pa.int64())


def _timestamp(value: Any, kind: pa.DataType) -> pa.Scalar | None:
    if not isinstance(value, str | date | np.datetime64):
        return None
    moment = pd.Timestamp(value)
    if moment is pd.NaT or (moment.tzinfo is None) != (kind.tz is None):
        return None
    unit = kind.unit if moment.as_unit(kind.unit) == moment else "ns"
    ticks = moment.as_unit(unit).to_datetime64().astype(np.int64)
    return pa.scalar(int(ticks), pa.int64()).cast(pa.timestamp(unit, kind.tz))


def _date(value: Any) -> pa.Scalar | None:
    day = date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(day, datetime):
        day = day.date() if day == datetime(day.year, day.month, day.day) else None
    return pa.scalar(day, pa.date32()) if isinstance(day, date) else None


def _kind_text(kind: pa.DataType) -> str:
    if kinds.is_timestamp(kind):
        zone = "without a zone, so give a time without one" if kind.tz is None else f"in {kind.tz}, so give a zone"
        return f"a time {zone}"
    names = {"string": "text", "large_string": "text", "bool": "a boolean", "date32[day]": "a date"}
    return names.get(str(kind), str(kind))

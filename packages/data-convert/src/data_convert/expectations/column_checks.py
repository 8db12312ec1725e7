"""Checks the values of a column against its expectations, all values of a block at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.conversion import convert
from data_convert.spec.dataset_spec import ColumnSpec

Bound = int | float | str


@dataclass(frozen=True, kw_only=True)
class Misses:
    """The values of a block that do not meet an expectation.

    Attributes:
        expectation: As it is written in datasets.toml.
        problem: What they are, such as "smaller".
        rows: Boolean array: which rows they are in.
    """

    expectation: str
    problem: str
    rows: pa.BooleanArray


def misses(column: ColumnSpec, values: pa.Array) -> Iterator[Misses]:
    """The values that do not meet `min`, `max`, `not_null` or `one_of`. A null meets all of them but `not_null`."""
    expected = column.expectations
    if expected.not_null and values.null_count:
        yield Misses(expectation="not_null", problem="missing", rows=pc.is_null(values))
    if expected.minimum is not None:
        yield from _beyond(column, values, expected.minimum, "min")
    if expected.maximum is not None:
        yield from _beyond(column, values, expected.maximum, "max")
    if expected.one_of is not None:
        known = pc.is_in(values, value_set=allowed_values(column, expected.one_of, values.type))
        wrong = pc.and_(pc.invert(known), pc.is_valid(values))
        if pc.any(wrong).as_py():
            yield Misses(expectation=f"one_of = {_listed(expected.one_of)}", problem="something else", rows=wrong)


def allowed_values(column: ColumnSpec, values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    """The values of `one_of` in the type of the column."""
    if column.type in ("date", "timestamp"):
        return convert(column, pa.array(values, pa.string())).arrays[0]
    if pa.types.is_decimal(type_):
        return pa.array([Decimal(str(value)) for value in values]).cast(type_)
    return pa.array(values, type_)


def _beyond(column: ColumnSpec, values: pa.Array, bound: Bound, key: str) -> Iterator[Misses]:
    limit, text = _limit(column, values.type, bound, key), f'"{bound}"' if isinstance(bound, str) else str(bound)
    is_beyond = pc.less if key == "min" else pc.greater
    extreme = pc.min_max(values)[key]
    if limit is not None and extreme.is_valid and is_beyond(extreme, limit).as_py():
        rows = pc.fill_null(is_beyond(values, limit), False)
        yield Misses(expectation=f"{key} = {text}", problem="smaller" if key == "min" else "larger", rows=rows)


def _limit(column: ColumnSpec, type_: pa.DataType, bound: Bound, key: str) -> pa.Scalar | None:
    """The bound in the type of the column; None if every value of the type meets it."""
    if isinstance(bound, str):
        return convert(column, pa.array([bound])).arrays[0][0]
    if pa.types.is_decimal(type_):
        return pa.scalar(Decimal(str(bound)))
    if not pa.types.is_integer(type_):
        return pa.scalar(float(bound), pa.float64())
    whole = math.ceil(bound) if key == "min" else math.floor(bound)
    low, high = _integer_range(type_)
    if whole < low if key == "min" else whole > high:
        return None
    # A bound beyond the other end is met by no value, and a decimal compares with all integers.
    return pa.scalar(whole, type_) if low <= whole <= high else pa.scalar(Decimal(whole))


def _integer_range(type_: pa.DataType) -> tuple[int, int]:
    bits = type_.bit_width
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(type_) else (0, 2**bits - 1)


def _listed(values: Sequence[Any]) -> str:
    shown = [f'"{value}"' if isinstance(value, str) else str(value).lower() for value in values[:5]]
    return f"[{', '.join(shown)}{', …' if len(values) > 5 else ''}]"

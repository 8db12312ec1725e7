"""Turns the texts of a column into typed Arrow arrays, and says which do not fit exactly.

A text that is kept is represented exactly; nothing is rounded, truncated or turned into a null that the spec
does not spell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.instants import Mask, microseconds
from data_convert.spec import FLAG_SUFFIX, INTEGER_RANGES, ColumnSpec

_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_DECIMAL: Final = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_FLAGGED: Final = re.compile(r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))?(?P<flag>[A-Za-z*#?!$]{1,8})", re.ASCII)
_BOOLEANS: Final = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLEANS.update({"false": False, "f": False, "no": False, "n": False, "0": False})

_ALWAYS_EXACT_CHARACTERS: Final = 15
"""Any decimal of up to 15 digits survives a float64 (DBL_DIG), so one of up to 15 characters does."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The arrays a column becomes (two for a flagged number), and which entries fit (None: all)."""

    arrays: tuple[pa.Array, ...]
    fits: Mask | None


def convert(column: ColumnSpec, texts: pa.Array) -> Converted:
    """The texts (string, or dictionary of strings) as the column's type. What does not fit becomes null."""
    if not pa.types.is_dictionary(texts.type):
        return _convert_texts(column, texts)
    distinct = _convert_texts(column, texts.dictionary)
    fits = None
    if distinct.fits is not None:
        fits = distinct.fits[texts.indices.to_numpy()]
        fits = None if fits.all() else fits
    return Converted(arrays=tuple(array.take(texts.indices) for array in distinct.arrays), fits=fits)


def _convert_texts(column: ColumnSpec, texts: pa.StringArray) -> Converted:
    is_null = pc.is_in(texts, value_set=pa.array(column.nulls, pa.string()))
    has_nulls = pc.any(is_null).as_py() or texts.null_count
    present = texts.filter(pc.invert(is_null)) if has_nulls else texts
    arrays, fits = _CONVERTERS[column.type](column, present)
    if fits is not None and fits.all():
        fits = None
    if fits is not None:
        arrays = tuple(pc.if_else(pa.array(fits), array, pa.scalar(None, array.type)) for array in arrays)
    if not has_nulls:
        return Converted(arrays=arrays, fits=fits)
    return _with_nulls(arrays, fits, pc.invert(is_null).to_numpy(zero_copy_only=False))


def _with_nulls(arrays: tuple[pa.Array, ...], fits: Mask | None, present: Mask) -> Converted:
    """Spreads what was converted over the places of the texts that were present."""
    places = pa.array(np.cumsum(present) - 1, mask=~present)
    spread = None
    if fits is not None:
        spread = np.ones(len(present), dtype=np.bool_)
        spread[present] = fits
    return Converted(arrays=tuple(array.take(places) for array in arrays), fits=spread)


def _strings(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    return (texts,), None


def _integers(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    type_ = _ARROW_TYPES[column.type]
    try:
        if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():  # the cast reads 0x1F
            return (texts.cast(type_),), None
    except pa.ArrowInvalid:
        pass
    low, high = INTEGER_RANGES[column.type]
    values = [int(text) if _INTEGER.fullmatch(text) else None for text in texts.to_pylist()]
    values = [value if value is not None and low <= value <= high else None for value in values]
    return _parsed(values, type_)


def _floats(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    try:
        values = texts.cast(pa.float64())
        if _all_exact(texts, values):
            return (values,), None
    except pa.ArrowInvalid:
        pass
    return _parsed([_exact_float(text) for text in texts.to_pylist()], pa.float64())


def _all_exact(texts: pa.StringArray, values: pa.DoubleArray) -> bool:
    if not len(texts):
        return True
    if not pc.all(pc.is_finite(values)).as_py() or pc.any(pc.match_substring(texts, "e", ignore_case=True)).as_py():
        return False
    if pc.max(pc.binary_length(texts)).as_py() <= _ALWAYS_EXACT_CHARACTERS:
        return True
    long = pc.greater(pc.binary_length(texts), _ALWAYS_EXACT_CHARACTERS)
    return bool(pc.all(pc.equal(values.filter(long).cast(pa.string()), texts.filter(long))).as_py())


def _exact_float(text: str) -> float | None:
    """The float whose shortest decimal form is the number that `text` spells, if there is one."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text.strip()) else None
    except InvalidOperation:
        return None


def _flagged(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    (values,), fits = _floats(column, texts)
    if fits is None:
        return (values, pa.nulls(len(texts), pa.string())), None
    pairs = [_number_and_flag(text) for text in texts.to_pylist()]
    fits = np.array([pair != (None, None) for pair in pairs], dtype=np.bool_)
    numbers, flags = zip(*pairs, strict=True)
    return (pa.array(numbers, pa.float64()), pa.array(flags, pa.string())), fits


def _number_and_flag(text: str) -> tuple[float | None, str | None]:
    """What `text` says, or (None, None) if it is no flagged number or its number would not be exact."""
    if (value := _exact_float(text)) is not None:
        return value, None
    match = _FLAGGED.fullmatch(text)
    if match is None:
        return None, None
    number = _exact_float(match["number"]) if match["number"] else None
    return (None, None) if match["number"] and number is None else (number, match["flag"])


def _booleans(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    return _parsed([_BOOLEANS.get(text.strip().lower()) for text in texts.to_pylist()], pa.bool_())


def _timestamps(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    values, fits = microseconds(texts, column.formats)
    return (pa.array(values).cast(arrow_field(column).type),), fits


def _dates(column: ColumnSpec, texts: pa.StringArray) -> tuple[tuple[pa.Array, ...], Mask | None]:
    values, fits = microseconds(texts, column.formats)
    days, rest = np.divmod(values, 86_400_000_000)
    return (pa.array(days.astype(np.int32)).cast(pa.date32()),), fits & (rest == 0)


def _parsed(values: list[Any], type_: pa.DataType) -> tuple[tuple[pa.Array, ...], Mask | None]:
    array = pa.array(values, type_)
    return (array,), (array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None)


_CONVERTERS: Final[Mapping[str, Callable[[ColumnSpec, pa.StringArray], tuple[tuple[pa.Array, ...], Mask | None]]]] = {
    **dict.fromkeys(INTEGER_RANGES, _integers),
    "float64": _floats,
    "flagged_number": _flagged,
    "string": _strings,
    "bool": _booleans,
    "date": _dates,
    "timestamp": _timestamps,
}
_ARROW_TYPES: Final[Mapping[str, pa.DataType]] = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "flagged_number": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
}


def arrow_field(column: ColumnSpec) -> pa.Field:
    """The Parquet column's name and type; a zone other than UTC stays with the text's wall clock."""
    if column.type != "timestamp":
        return pa.field(column.name, _ARROW_TYPES[column.type])
    if column.zone == "UTC":
        return pa.field(column.name, pa.timestamp("us", tz="UTC"))
    return pa.field(column.name, pa.timestamp("us"))


def arrow_fields(column: ColumnSpec) -> tuple[pa.Field, ...]:
    """The fields that the column becomes: two for a flagged number."""
    flag = (pa.field(column.name + FLAG_SUFFIX, pa.string()),) if column.type == "flagged_number" else ()
    return (arrow_field(column), *flag)


def misfit(column: ColumnSpec, text: str) -> str:
    """Why the text, which `convert` refused, does not fit the column."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        return "is not valid in the declared encoding; is it another one, such as cp1252? (`dialect.encoding`)"
    if column.type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[column.type]
        return f"is not an {column.type} ({low} to {high})"
    if column.type in ("date", "timestamp"):
        return f"is not a {column.type} of the form {' or '.join(column.formats)}"
    if column.type in ("float64", "flagged_number") and _DECIMAL.fullmatch(text):
        return f"needs more digits than a {column.type} holds exactly; declare it string"
    kinds = {"flagged_number": "a number with or without a flag", "bool": "a bool (true, false, 1, 0, yes, no, t, f)"}
    return f"is not {kinds.get(column.type, f'a {column.type}')}"

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

_INTEGER: Final = re.compile(r"\s*(?P<sign>[+-]?)0*(?P<digits>[0-9]{1,19})\s*", re.ASCII)
_DECIMAL: Final = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_FLAGGED: Final = re.compile(r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))?(?P<flag>[A-Za-z*#?!$]{1,8})", re.ASCII)
_BOOLEANS: Final = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLEANS.update({"false": False, "f": False, "no": False, "n": False, "0": False})

_DAY: Final = 86_400_000_000
"""Microseconds of a day."""

_ALWAYS_EXACT_CHARACTERS: Final = 15
"""Any decimal of up to 15 digits survives a float64 (DBL_DIG), so one of up to 15 characters does."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The arrays a column becomes (two for a flagged number), and which entries fit (None: all)."""

    arrays: tuple[pa.Array, ...]
    fits: Mask | None


def convert(column: ColumnSpec, texts: pa.Array, *, nulls_are_marked: bool = False) -> Converted:
    """The texts (string, or dictionary of strings) as the column's type. What does not fit becomes null.

    A text that the column spells as null is null and fits, and so is a null entry; with `nulls_are_marked` all
    of them are null entries already.
    """
    if not pa.types.is_dictionary(texts.type):
        return _convert_texts(column, texts if nulls_are_marked else _marked(column, texts))
    distinct = _convert_texts(column, _marked(column, texts.dictionary))
    arrays = tuple(array.take(texts.indices) for array in distinct.arrays)
    if distinct.fits is None:
        return Converted(arrays=arrays, fits=None)
    fits = pc.fill_null(pa.array(distinct.fits).take(texts.indices), True).to_numpy(zero_copy_only=False)
    return Converted(arrays=arrays, fits=None if fits.all() else fits)


def _marked(column: ColumnSpec, texts: pa.StringArray) -> pa.StringArray:
    """The texts with null entries for those that the column spells as null."""
    is_null = pc.is_in(texts, value_set=pa.array(column.nulls, pa.string()))
    return pc.if_else(is_null, pa.scalar(None, pa.string()), texts) if pc.any(is_null).as_py() else texts


def _convert_texts(column: ColumnSpec, texts: pa.StringArray) -> Converted:
    arrays, misfits = _CONVERTERS[column.type](column, texts)
    if misfits is None or not misfits.any():
        return Converted(arrays=arrays, fits=None)
    keep = pa.array(~misfits)
    arrays = tuple(pc.if_else(keep, array, pa.scalar(None, array.type)) for array in arrays)
    return Converted(arrays=arrays, fits=~misfits)


_Result = tuple[tuple[pa.Array, ...], Mask | None]
"""The arrays, and a mask of the texts that do not fit (None: all do); nulls stay nulls."""


def _strings(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    return (texts,), None


def _integers(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    try:
        if not _any_contains(texts, "x"):  # the cast reads 0x1F
            return (texts.cast(_ARROW_TYPES[column.type]),), None
    except pa.ArrowInvalid:
        pass
    low, high = INTEGER_RANGES[column.type]

    def integer(text: str) -> int | None:
        match = _INTEGER.fullmatch(text)
        value = int(match["sign"] + match["digits"]) if match else high + 1
        return value if low <= value <= high else None

    return _one_by_one(texts, integer, _ARROW_TYPES[column.type])


def _floats(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    try:
        values = texts.cast(pa.float64())
        if _all_exact(texts, values):
            return (values,), None
    except pa.ArrowInvalid:
        pass
    return _one_by_one(texts, _exact_float, pa.float64())


def _all_exact(texts: pa.StringArray, values: pa.DoubleArray) -> bool:
    if not pc.all(pc.is_finite(values), min_count=0).as_py() or _any_contains(texts, "e"):
        return False
    lengths = pc.binary_length(texts)
    if (pc.max(lengths).as_py() or 0) <= _ALWAYS_EXACT_CHARACTERS:
        return True
    long = pc.greater(lengths, _ALWAYS_EXACT_CHARACTERS)
    return bool(pc.all(pc.equal(values.filter(long).cast(pa.string()), texts.filter(long)), min_count=0).as_py())


def _any_contains(texts: pa.StringArray, letter: str) -> bool:
    """Whether the ASCII letter, small or capital, stands in any of the texts."""
    data = texts.buffers()[2]
    if data is None:
        return False
    text = data.to_pybytes()
    return letter.encode() in text or letter.upper().encode() in text


def _exact_float(text: str) -> float | None:
    """The float whose shortest decimal form is the number that `text` spells, if there is one."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text.strip()) else None
    except InvalidOperation:
        return None


def _flagged(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    (values,), misfits = _floats(column, texts)
    if misfits is None:
        return (values, pa.nulls(len(texts), pa.string())), None
    nothing = (None, None)
    pairs = [nothing if text is None else _number_and_flag(text) for text in texts.to_pylist()]
    numbers = pa.array([number for number, _ in pairs], pa.float64())
    flags = pa.array([flag for _, flag in pairs], pa.string())
    misfits = np.array([pair == nothing for pair in pairs], dtype=np.bool_) & _are_present(texts)
    return (numbers, flags), misfits


def _number_and_flag(text: str) -> tuple[float | None, str | None]:
    """What `text` says, or (None, None) if it is no flagged number or its number would not be exact."""
    if (value := _exact_float(text)) is not None:
        return value, None
    match = _FLAGGED.fullmatch(text)
    if match is None:
        return None, None
    number = _exact_float(match["number"]) if match["number"] else None
    return (None, None) if match["number"] and number is None else (number, match["flag"])


def _booleans(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    return _one_by_one(texts, lambda text: _BOOLEANS.get(text.strip().lower()), pa.bool_())


def _one_by_one(texts: pa.StringArray, convert_one: Callable[[str], Any], type_: pa.DataType) -> _Result:
    """Converts with a function that says None for what does not fit."""
    array = pa.array([None if text is None else convert_one(text) for text in texts.to_pylist()], type_)
    return (array,), ~_are_present(array) & _are_present(texts)


def _are_present(array: pa.Array) -> Mask:
    mask: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


def _timestamps(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    moments, misfits = _moments(column, texts)
    return (moments.cast(arrow_field(column).type),), misfits


def _dates(column: ColumnSpec, texts: pa.StringArray) -> _Result:
    moments, misfits = _moments(column, texts)
    days, rest = np.divmod(moments.fill_null(0).to_numpy(), _DAY)
    return (pa.array(days.astype(np.int32), mask=~_are_present(moments)).cast(pa.date32()),), misfits | (rest != 0)


def _moments(column: ColumnSpec, texts: pa.StringArray) -> tuple[pa.Array, Mask]:
    """Microseconds since 1970 as int64, null where the text is or does not fit."""
    present = _are_present(texts)
    values, good = microseconds(texts.drop_null() if texts.null_count else texts, column.formats)
    spread, fits = np.zeros(len(texts), dtype=np.int64), present.copy()
    spread[present], fits[present] = values, good
    return pa.array(spread, mask=~fits), present & ~fits


_CONVERTERS: Final[Mapping[str, Callable[[ColumnSpec, pa.StringArray], _Result]]] = {
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

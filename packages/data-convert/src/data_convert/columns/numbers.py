"""Converts texts of numbers: integers, floats, decimals, and numbers with flags.

Each function returns the arrays, and a mask of the texts that do not fit (None: all do). Nulls stay nulls.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.fields import arrow_field
from data_convert.columns.instants import Mask
from data_convert.columns.number_marks import flagged_pattern, plain_number, plain_numbers, with_hyphen
from data_convert.spec.dataset_spec import DECIMAL_LIMIT, INTEGER_RANGES, ColumnSpec, DecimalShape, decimal_shape

Result = tuple[tuple[pa.Array, ...], Mask | None]

# Each character can match in one way only: otherwise, a cell of a megabyte that is no number would take hours.
NUMBER: Final = re.compile(r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
_INTEGER: Final = re.compile(r"\s*(?P<sign>[+-]?)0*(?P<digits>[0-9]{1,20})\s*", re.ASCII)
_WORD: Final = r"(?i)\A\s*(?:[+-]?inf(?:inity)?|nan)\s*\z"

_ALWAYS_EXACT_CHARACTERS: Final = 15
"""Any decimal of up to 15 digits survives a float64 (DBL_DIG), so one of up to 15 characters does."""


def integers(column: ColumnSpec, texts: pa.StringArray) -> Result:
    """Whole numbers in the range of the type; a plus sign and leading zeros are allowed."""
    type_, texts = arrow_field(column).type, plain_numbers(texts, column.marks)
    try:
        # The cast would accept 0x1F.
        if not _any_contains(texts, "x"):
            return (texts.cast(type_),), None
    except pa.ArrowInvalid:
        pass
    # Some text is no plain integer in range: find out which.
    low, high = INTEGER_RANGES[column.type]

    def integer(text: str) -> int | None:
        match = _INTEGER.fullmatch(text)
        value = int(match["sign"] + match["digits"]) if match else high + 1
        return value if low <= value <= high else None

    return one_by_one(texts, integer, type_)


def floats(column: ColumnSpec, texts: pa.StringArray) -> Result:
    """Numbers that a float64 holds exactly; all that are in its range if the column is `rounded`."""
    if column.non_finite:
        is_word = pc.fill_null(pc.match_substring_regex(texts, _WORD), False)
        if pc.any(is_word).as_py():
            (values,), misfits = _finite(column, pc.if_else(is_word, pa.scalar(None, pa.string()), texts))
            return (pc.if_else(is_word, _words(texts), values),), misfits
    return _finite(column, texts)


def _words(texts: pa.StringArray) -> pa.DoubleArray:
    """The values of `inf` and `nan`; meaningless for other texts."""
    words = pc.ascii_lower(texts)
    infinity = pc.if_else(pc.match_substring(words, "-"), -math.inf, math.inf)
    return pc.if_else(pc.match_substring(words, "nan"), math.nan, infinity)


def _finite(column: ColumnSpec, texts: pa.StringArray) -> Result:
    texts = plain_numbers(texts, column.marks)
    try:
        values = texts.cast(pa.float64())
        if _are_finite(values) and (column.rounded or _are_exact(texts, values)):
            return (values,), None
    except pa.ArrowInvalid:
        pass
    return one_by_one(texts, _nearest_float if column.rounded else _exact_float, pa.float64())


def _are_finite(values: pa.DoubleArray) -> bool:
    # The cast accepts nan and inf, and rounds 1e400 to inf.
    return bool(pc.all(pc.is_finite(values), min_count=0).as_py())


def _are_exact(texts: pa.StringArray, values: pa.DoubleArray) -> bool:
    # Exponents are left to the exact check.
    if _any_contains(texts, "e"):
        return False
    lengths = pc.binary_length(texts)
    if (pc.max(lengths).as_py() or 0) <= _ALWAYS_EXACT_CHARACTERS:
        return True
    # A longer text is exact for certain only if Arrow's shortest form of the float is the same text.
    long = pc.greater(lengths, _ALWAYS_EXACT_CHARACTERS)
    return bool(pc.all(pc.equal(values.filter(long).cast(pa.string()), texts.filter(long)), min_count=0).as_py())


def _any_contains(texts: pa.StringArray, letter: str) -> bool:
    """Whether any of the texts has the ASCII letter, in either case."""
    # Searching the buffer is faster than a kernel. It may hold texts outside a slice, which only costs the fast path.
    data = texts.buffers()[2]
    if data is None:
        return False
    text = data.to_pybytes()
    return letter.encode() in text or letter.upper().encode() in text


def _exact_float(text: str) -> float | None:
    """The float whose shortest decimal form equals the number that `text` spells; None if no float does."""
    if not NUMBER.fullmatch(text):
        return None
    value = float(text)
    try:
        return value if Decimal(repr(value)) == Decimal(text.strip()) else None
    except InvalidOperation:
        return None


def _nearest_float(text: str) -> float | None:
    value = float(text) if NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def decimals(column: ColumnSpec, texts: pa.StringArray) -> Result:
    """Numbers that the decimal type holds exactly; zeros at the end of a fraction are not digits of the number."""
    shape, texts = decimal_shape(column.type), plain_numbers(texts, column.marks)
    type_ = arrow_field(column).type
    try:
        # Longer texts, and exponents, could overflow the 128 bits of the cast.
        if not _any_contains(texts, "e") and (pc.max(pc.binary_length(texts)).as_py() or 0) <= DECIMAL_LIMIT:
            return (texts.cast(type_),), None
    except pa.ArrowInvalid:
        pass
    return one_by_one(texts, lambda text: _exact_decimal(text, shape) if shape else None, type_)


def _exact_decimal(text: str, shape: DecimalShape) -> Decimal | None:
    if not NUMBER.fullmatch(text):
        return None
    context = Context(prec=shape.precision, traps=[InvalidOperation, Inexact])
    try:
        return Decimal(text.strip()).quantize(Decimal((0, (1,), -shape.scale)), context=context)
    except DecimalException:
        return None


def flagged_numbers(column: ColumnSpec, texts: pa.StringArray) -> Result:
    """Numbers as `floats` has them, flags, or a number followed by a flag."""
    (values,), misfits = _finite(column, texts)
    if misfits is None:
        return (values, pa.nulls(len(texts), pa.string())), None
    # Null entries have the same pair as misfits, so the mask excludes them below.
    nothing = (None, None)
    pairs = [nothing if text is None else _number_and_flag(column, text) for text in texts.to_pylist()]
    numbers = pa.array([number for number, _ in pairs], pa.float64())
    flags = pa.array([flag for _, flag in pairs], pa.string())
    misfits = np.array([pair == nothing for pair in pairs], dtype=np.bool_) & are_present(texts)
    return (numbers, flags), misfits


def _number_and_flag(column: ColumnSpec, text: str) -> tuple[float | None, str | None]:
    """Number and flag of the text; (None, None) if it is not a flagged number, or the number would not be exact."""
    if (value := _marked_float(column, text)) is not None:
        return value, None
    text = with_hyphen(text, column.marks)
    match = flagged_pattern(column.marks).fullmatch(text)
    if match is None:
        return None, None
    number = _marked_float(column, match["number"]) if match["number"] else None
    return (None, None) if match["number"] and number is None else (number, match["flag"])


def _marked_float(column: ColumnSpec, text: str) -> float | None:
    plain = plain_number(text, column.marks)
    return None if plain is None else _exact_float(plain)


def one_by_one(texts: pa.StringArray, convert_one: Callable[[str], Any], type_: pa.DataType) -> Result:
    """Convert with a function that returns None for a text that does not fit."""
    array = pa.array([None if text is None else convert_one(text) for text in texts.to_pylist()], type_)
    return (array,), ~are_present(array) & are_present(texts)


def are_present(array: pa.Array) -> Mask:
    """Which entries are no nulls."""
    mask: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return mask

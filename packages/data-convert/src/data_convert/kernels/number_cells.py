"""The loops that read numbers. Numba compiles them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types

from data_convert.kernels.machine import compiled, inlined, load_byte, load_word, lowest_bit, pointer_to
from data_convert.kernels.places import (
    COUNT,
    EMPTY_IS_NULL,
    ENDS,
    HAS_RETURNS,
    HIGH,
    IS_VALID,
    LOW,
    NULLS,
    OTHERS,
    PLACE,
    POWERS,
    QUOTE,
    TEXT,
    VALUES,
    WIDTH,
)
from data_convert.kernels.text_cells import cell_bounds

_PLUS: Final = 43
_MINUS: Final = 45
_POINT: Final = 46
_ZERO: Final = 48

_INTEGER_DIGITS: Final = 18
"""Any integer of so many digits fits 64 bits."""

_DECIMAL_DIGITS: Final = 15
"""Any decimal of so many digits survives a float64."""

_LARGEST_SCALE: Final = 22
"""Powers of ten up to 10^22 are float64 without any error."""

_ZEROS: Final = np.uint64(0x3030303030303030)
_POINTS: Final = np.uint64(0x2E2E2E2E2E2E2E2E)
_LOW_BITS: Final = np.uint64(0x0101010101010101)
_HIGH_BITS: Final = np.uint64(0x8080808080808080)


@inlined
def _last_eight(end: Any, size: Any) -> Any:
    """The last `size` bytes, 1 to 8, before the address, behind zeros."""
    kept = ~np.uint64(0) << np.uint64(8 * (8 - size))
    return (load_word(end - 8) & kept) | (_ZEROS & ~kept)


@inlined
def _are_digits(word: Any) -> Any:
    """Whether all eight bytes are digits."""
    high = np.uint64(0xF0F0F0F0F0F0F0F0)
    above = ((word + np.uint64(0x0606060606060606)) & high) >> np.uint64(4)
    return ((word & high) | above) == np.uint64(0x3333333333333333)


@inlined
def _number_of(word: Any) -> Any:
    """The number of eight digits, of which the lowest byte is the first (Lemire, "Quickly parsing eight digits")."""
    word -= _ZEROS
    word = (word * np.uint64(10)) + (word >> np.uint64(8))
    pairs = np.uint64(0x000000FF000000FF)
    low = (word & pairs) * np.uint64(0x000F424000000064)
    high = ((word >> np.uint64(16)) & pairs) * np.uint64(0x0000271000000001)
    return np.int64(((low + high) >> np.uint64(32)) & np.uint64(0xFFFFFFFF))


@inlined
def _unsigned(text: Any, start: Any, end: Any) -> Any:
    """The integer without sign, and whether it is one of up to 18 digits."""
    size = end - start
    if size < 1 or size > _INTEGER_DIGITS:
        return np.int64(0), False
    if size <= 8 and end >= 8:
        word = _last_eight(text + end, size)
        return _number_of(word), _are_digits(word)
    value, is_good = np.int64(0), True
    for place in range(start, end):
        digit = load_byte(text + place) - _ZERO
        is_good &= digit >= 0 and digit <= 9
        value = value * 10 + digit
    return value, is_good


@inlined
def _short_decimal(word: Any, size: Any) -> Any:
    """Digits, scale and whether it is a decimal, of a text of up to 8 bytes with zeros before it."""
    # The lowest byte that is a point. By a carry, a higher byte may look like one too.
    points = word ^ _POINTS
    points = (points - _LOW_BITS) & ~points & _HIGH_BITS
    scale = np.int64(0)
    if points:
        # The bytes before the point move up by one byte.
        shift = np.uint64(lowest_bit(points) - 7)
        below = (np.uint64(1) << shift) - np.uint64(1)
        above = ~((np.uint64(0x100) << shift) - np.uint64(1))
        scale = np.int64(7) - np.int64(shift >> np.uint64(3))
        word = (word & above) | ((word & below) << np.uint64(8)) | np.uint64(_ZERO)
    # A point alone is no number.
    return _number_of(word), scale, _are_digits(word) and not (points and size == 1)


@inlined
def _long_decimal(text: Any, start: Any, end: Any) -> Any:
    """Digits, scale and whether it is a decimal that a float64 holds for certain."""
    digits, scale, points, significant, count = np.int64(0), np.int64(0), 0, 0, 0
    is_good: Any = True
    for place in range(start, end):
        byte = load_byte(text + place)
        if byte == _POINT:
            points += 1
            continue
        digit = byte - _ZERO
        is_good &= digit >= 0 and digit <= 9
        digits = digits * 10 + digit
        count += 1
        scale += points
        significant += 1 if digits != 0 else 0
    is_good &= count > 0 and points < 2 and significant <= _DECIMAL_DIGITS and scale <= _LARGEST_SCALE
    return digits, scale, is_good


@compiled
def read_integers(block: Any, column: Any, first: Any, rows: Any, values: Any) -> None:
    """Read integers; the rows of cells that are something else are added to the others."""
    text, width, quote, trims = block[TEXT], block[WIDTH], block[QUOTE], block[HAS_RETURNS]
    ends, place, low, high = pointer_to(block[ENDS], types.int32), column[PLACE], column[LOW], column[HIGH]
    is_valid, others = pointer_to(column[IS_VALID], types.uint8), pointer_to(column[OTHERS], types.int32)
    empty_is_null, count, nulls = column[EMPTY_IS_NULL], column[COUNT], column[NULLS]
    for row in range(first, first + rows):
        start, end = cell_bounds(text, ends, row * width + place, quote, trims)
        is_null = start >= end and empty_is_null != 0
        is_valid[row] = 0 if is_null else 1
        nulls += is_null
        values[row] = 0
        if is_null:
            continue
        sign = load_byte(text + start)
        value, is_good = _unsigned(text, start + (sign in (_MINUS, _PLUS)), end)
        value = -value if sign == _MINUS else value
        if is_good and value >= low and value <= high:
            values[row] = value
        else:
            others[count] = row
            count += 1
    column[COUNT], column[NULLS] = count, nulls


@compiled
def read_decimals(block: Any, column: Any, first: Any, rows: Any) -> None:
    """Read decimals; the rows of cells that are something else are added to the others.

    A mantissa of up to 15 digits and a power of ten up to 10^22 are floats without any error, so their quotient is the
    float64 nearest to the number.
    """
    text, width, quote, trims = block[TEXT], block[WIDTH], block[QUOTE], block[HAS_RETURNS]
    ends, powers, place = pointer_to(block[ENDS], types.int32), pointer_to(block[POWERS], types.float64), column[PLACE]
    values, is_valid = pointer_to(column[VALUES], types.float64), pointer_to(column[IS_VALID], types.uint8)
    others, empty_is_null = pointer_to(column[OTHERS], types.int32), column[EMPTY_IS_NULL]
    count, nulls = column[COUNT], column[NULLS]
    for row in range(first, first + rows):
        start, end = cell_bounds(text, ends, row * width + place, quote, trims)
        is_null = start >= end and empty_is_null != 0
        is_valid[row] = 0 if is_null else 1
        nulls += is_null
        values[row] = 0.0
        if is_null:
            continue
        sign = load_byte(text + start)
        start += sign in (_MINUS, _PLUS)
        size = end - start
        if size >= 1 and size <= 8 and end >= 8:
            digits, scale, is_good = _short_decimal(_last_eight(text + end, size), size)
        else:
            digits, scale, is_good = _long_decimal(text, start, end)
        if is_good:
            value = digits / powers[scale]
            values[row] = -value if sign == _MINUS else value
        else:
            others[count] = row
            count += 1
    column[COUNT], column[NULLS] = count, nulls

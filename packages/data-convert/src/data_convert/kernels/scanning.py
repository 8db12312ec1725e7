"""The loop that finds the ends of cells, 64 bytes at a time. Numba compiles it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types

from data_convert.kernels.machine import (
    count_bits,
    equal_bytes,
    high_bytes,
    highest_bit,
    inlined,
    load_byte,
    lowest_bit,
    pointer_to,
)

# The places of what `scan_text` gets and returns.
SIZE, TAIL, DELIMITER, QUOTE, LINE_END, OTHER_END, ENDS, ROOM = range(8)
IS_INSIDE, FIRST_ODD, RECORD_END, HAS_MANY_LINES, HAS_DOUBLED, RETURNS, LINES, ROWS, COMPLETE, HAS_HIGH = range(8, 18)

FACTS: Final = 18

_LAST: Final = np.uint64(63)
_ONE: Final = np.uint64(1)
_NONE: Final = np.uint64(0)
_ALL: Final = ~_NONE


@inlined
def _running_xor(mask: Any) -> Any:
    """Bit `i` is the parity of the bits up to `i`."""
    for shift in (1, 2, 4, 8, 16, 32):
        mask ^= mask << np.uint64(shift)
    return mask


@inlined
def _padded(place: Any, size: Any, tail: Any) -> Any:
    """The address of 64 bytes that may be read and begin with the last bytes of the text."""
    if size >= 64:
        return place
    copy = pointer_to(tail, types.uint8)
    for i in range(size):
        copy[i] = load_byte(place + i)
    return tail


@inlined
def _follows(mask: Any, before: Any) -> Any:
    """The bytes behind those of the mask; `before` is 1 if the last byte before these 64 is one of them."""
    return (mask << _ONE) | before


@inlined
def _write_places(ends: Any, count: Any, base: Any, found: Any) -> Any:
    """Append the places to the ends; return how many there are now."""
    last = count + count_bits(found)
    while count < last:
        # Eight at a time, of which the last ones may be too many: the next call overwrites them.
        for i in range(8):
            ends[count + i] = base + lowest_bit(found)
            found &= found - _ONE
        count += 8
    return last


def scan_text(text: int, facts_at: int) -> int:
    """Find the ends of cells, and follow the quotes, each of which opens and closes a cell in turn.

    The tail has room for 64 bytes. Quote and other line end are 256 if there is none. For what is returned, see
    `structure.TextScan`. Returns the number of ends, or -1 if their array has room for too few.
    """
    facts = pointer_to(facts_at, types.int64)
    size, ends = facts[SIZE], pointer_to(facts[ENDS], types.int32)
    inside_before, border_before, closing_before, return_before, bare_before = _NONE, _ONE, _NONE, _NONE, _NONE
    many_lines, doubled, returned, bare, high = _NONE, _NONE, _NONE, _NONE, _NONE
    count, first_odd, record_end, complete, lines, rows = 0, size, 0, 0, 0, 0
    for base in range(0, size, 64):
        if count + 72 > facts[ROOM]:
            return -1
        place = _padded(text + base, size - base, facts[TAIL])
        valid = _ALL if size - base >= 64 else (_ONE << np.uint64(size - base)) - _ONE
        feeds = equal_bytes(place, facts[LINE_END]) & valid
        quotes = equal_bytes(place, facts[QUOTE]) & valid
        returns = equal_bytes(place, facts[OTHER_END]) & valid
        delimiters = equal_bytes(place, facts[DELIMITER]) & valid
        high |= high_bytes(place) & valid
        borders = delimiters | feeds | returns | quotes
        inside = inside_before
        if quotes | inside_before | closing_before:
            inside ^= _running_xor(quotes)
            closing = quotes & ~inside
            behind = _follows(closing, closing_before) & valid
            odd = (quotes & inside & ~_follows(borders, border_before)) | (behind & ~borders)
            if odd and first_odd == size:
                first_odd = base + lowest_bit(odd)
            doubled |= behind & quotes
            many_lines |= inside & (feeds | returns)
            closing_before = closing >> _LAST
            inside_before = _NONE - (inside >> _LAST)
        border_before = borders >> _LAST
        if returns | return_before:
            outside = returns & ~inside
            lines += count_bits(_follows(returns, return_before) & ~feeds & valid)
            bare |= _follows(outside, bare_before) & ~feeds & valid
            returned |= returns
            return_before, bare_before = returns >> _LAST, outside >> _LAST
        lines += count_bits(feeds)
        found = (delimiters | feeds) & ~inside
        feeds &= ~inside
        if feeds:
            last = highest_bit(feeds)
            record_end = base + last + 1
            complete = count + count_bits(found & (_ALL >> np.uint64(63 - last)))
            rows += count_bits(feeds)
        count = _write_places(ends, count, base, found)
    # Nothing follows the last byte.
    if size > 0 and load_byte(text + size - 1) == facts[OTHER_END]:
        lines += 1
        bare |= ~inside_before & _ONE
    facts[IS_INSIDE], facts[FIRST_ODD], facts[RECORD_END] = np.int64(inside_before & _ONE), first_odd, record_end
    facts[HAS_MANY_LINES], facts[HAS_DOUBLED] = many_lines != _NONE, doubled != _NONE
    facts[RETURNS] = (2 if bare else 1) if returned else 0
    facts[LINES], facts[ROWS], facts[COMPLETE], facts[HAS_HIGH] = lines, rows, complete, high != _NONE
    return count

"""The loops that find and number texts. Numba compiles them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types

from data_convert.kernels.machine import compiled, inlined, load_byte, load_word, pointer_to
from data_convert.kernels.places import (
    COUNT,
    COUNTS,
    ENDS,
    FIRSTS,
    HAS_RETURNS,
    HASHES,
    IS_VALID,
    LIMIT,
    MASK,
    PLACE,
    QUOTE,
    SIZE,
    SIZES,
    SLOTS,
    STARTS,
    TEXT,
    VALUES,
    WIDTH,
    WORDS,
)

_CR: Final = 13
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


@inlined
def cell_bounds(text: Any, ends: Any, cell: Any, quote: Any, trims: Any) -> Any:
    """Where the cell starts and ends, without its quotes."""
    start, end = np.int64(ends[cell - 1]) + 1, np.int64(ends[cell])
    if trims and end > start and load_byte(text + end - 1) == _CR:
        end -= 1
    if start < end and load_byte(text + start) == quote:
        start += 1
        end -= 1
    return start, end


@inlined
def _word_at(text: Any, start: Any, size: Any, limit: Any) -> Any:
    """Up to eight bytes of the text, with zeros behind them. Nothing behind `limit` is read."""
    if start + 8 <= limit:
        word = load_word(text + start)
    else:
        word = np.uint64(0)
        for k in range(min(8, size)):
            word |= np.uint64(load_byte(text + start + k)) << np.uint64(8 * k)
    return word & ((np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)) if size < 8 else word


@inlined
def _are_equal(text: Any, one: Any, other: Any, size: Any, limit: Any) -> Any:
    """Whether two texts are equal whose first eight bytes are."""
    for i in range(8, size, 8):
        if _word_at(text, one + i, size - i, limit) != _word_at(text, other + i, size - i, limit):
            return False
    return True


@inlined
def _hash(text: Any, start: Any, size: Any, word: Any, limit: Any) -> Any:
    hashed = (np.uint64(size) ^ word) * _FACTOR
    hashed ^= hashed >> np.uint64(32)
    for i in range(8, size, 8):
        hashed = (hashed ^ _word_at(text, start + i, size - i, limit)) * _FACTOR
        hashed ^= hashed >> np.uint64(32)
    return np.int64(hashed >> np.uint64(1))


@compiled
def _grow(column: Any) -> None:
    """Give the hash table four times as many slots."""
    slots, hashes = pointer_to(column[SLOTS], types.int32), pointer_to(column[HASHES], types.int64)
    mask = column[MASK] * 4 + 3
    for slot in range(mask + 1):
        # LLVM would make a loop that writes the same value a call of memset, which the loaded code does not have.
        slots[slot] = -1 - (slot & 1)
    for code in range(column[COUNT]):
        slot = hashes[code] & mask
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = code
    column[MASK] = mask


@compiled
def code_texts(block: Any, column: Any, first: Any, rows: Any) -> None:
    """Number the distinct texts in the order of their first rows, and count the rows of each.

    Slots are a hash table of MASK + 1 entries, all negative at first, with room for four times LIMIT. It grows, because
    the tables of many columns share the processor's cache. With more than LIMIT texts, the count becomes -1.
    """
    text, size, width, quote, trims = block[TEXT], block[SIZE], block[WIDTH], block[QUOTE], block[HAS_RETURNS]
    ends, codes = pointer_to(block[ENDS], types.int32), pointer_to(column[VALUES], types.int32)
    slots, starts = pointer_to(column[SLOTS], types.int32), pointer_to(column[STARTS], types.int32)
    sizes, words = pointer_to(column[SIZES], types.int32), pointer_to(column[WORDS], types.uint64)
    hashes, firsts = pointer_to(column[HASHES], types.int64), pointer_to(column[FIRSTS], types.int32)
    counts, mask, limit = pointer_to(column[COUNTS], types.int64), column[MASK], column[LIMIT]
    place, count = column[PLACE], column[COUNT]
    code = np.int64(-1) if first == 0 else np.int64(codes[first - 1])
    for row in range(first, first + rows):
        start, end = cell_bounds(text, ends, row * width + place, quote, trims)
        length = end - start
        word = _word_at(text, start, length, size)
        # Long neighbours are often equal. For short texts this would cost more, as a guess, than it saves.
        if not (
            length > 8
            and code >= 0
            and length == sizes[code]
            and word == words[code]
            and _are_equal(text, start, starts[code], length, size)
        ):
            hashed = _hash(text, start, length, word, size)
            slot = hashed & mask
            code = np.int64(slots[slot])
            while code >= 0 and not (
                word == words[code]
                and length == sizes[code]
                and (length <= 8 or _are_equal(text, start, starts[code], length, size))
            ):
                slot = (slot + 1) & mask
                code = np.int64(slots[slot])
            if code < 0:
                if count >= limit:
                    column[COUNT] = -1
                    return
                code = count
                slots[slot], starts[code], sizes[code] = code, start, length
                words[code], hashes[code], firsts[code], counts[code] = word, hashed, row, 0
                count += 1
                if 2 * count > mask:
                    column[COUNT] = count
                    _grow(column)
                    mask = column[MASK]
        codes[row] = code
        counts[code] += 1
    column[COUNT] = count


@compiled
def find_texts(block: Any, column: Any, first: Any, rows: Any) -> None:
    """Where the texts of the column start, and their sizes."""
    text, width, quote, trims = block[TEXT], block[WIDTH], block[QUOTE], block[HAS_RETURNS]
    ends, place = pointer_to(block[ENDS], types.int32), column[PLACE]
    starts, sizes = pointer_to(column[VALUES], types.int32), pointer_to(column[IS_VALID], types.int32)
    for row in range(first, first + rows):
        start, end = cell_bounds(text, ends, row * width + place, quote, trims)
        starts[row], sizes[row] = start, end - start

"""The loops over the cells of columns. Numba compiles them.

`ends[i]` is the place behind cell `i`, and cell `i + 1` starts one byte behind that. Cell `column` of row `row` is
`i = row * width + column`. The kernels allocate nothing and raise nothing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types

from data_convert.kernels.machine import compiled, inlined, load_byte, pointer_to
from data_convert.kernels.number_cells import read_decimals, read_integers
from data_convert.kernels.places import (
    CODES,
    COLUMN_FACTS,
    COUNT,
    DECIMALS,
    ENDS,
    HAS_RETURNS,
    KIND,
    LINE_END,
    PLACE,
    ROWS,
    SIZE,
    TEXT,
    VALUES,
    WIDTH,
)
from data_convert.kernels.text_cells import code_texts, find_texts

TILE_CELLS: Final = 1 << 14
"""Cells of the rows that are read at a time, column by column: about 50 kB of text and 64 kB of ends. With fewer rows,
a processor would spend its time on changing from column to column."""


@inlined
def _have_width(block: Any, first: Any, rows: Any) -> Any:
    """Whether each of the rows ends behind the same number of cells."""
    text, width, ends = block[TEXT], block[WIDTH], pointer_to(block[ENDS], types.int32)
    others = 0
    for row in range(first, first + rows):
        end = ends[row * width + width - 1]
        others += end != block[SIZE] and load_byte(text + end) != block[LINE_END]
    return others == 0


@compiled
def _read_column(block: Any, column: Any, first: Any, rows: Any) -> None:
    kind = column[KIND]
    if kind == 1:
        read_integers(block, column, first, rows, pointer_to(column[VALUES], types.int8))
    elif kind == 2:
        read_integers(block, column, first, rows, pointer_to(column[VALUES], types.int16))
    elif kind == 4:
        read_integers(block, column, first, rows, pointer_to(column[VALUES], types.int32))
    elif kind == 8:
        read_integers(block, column, first, rows, pointer_to(column[VALUES], types.int64))
    elif kind == DECIMALS:
        read_decimals(block, column, first, rows)
    elif kind != CODES:
        find_texts(block, column, first, rows)
    elif column[COUNT] >= 0:
        code_texts(block, column, first, rows)


def read_columns(block_at: int, columns_at: int, count: int) -> int:
    """Read columns, some rows at a time, so that their text stays in the processor's cache.

    Returns 1, or 0 if some row has another width.
    """
    block = pointer_to(block_at, types.int64)
    has_returns = block[HAS_RETURNS]
    step = max(1, TILE_CELLS // block[WIDTH])
    for first in range(0, block[ROWS], step):
        rows = min(step, block[ROWS] - first)
        if not _have_width(block, first, rows):
            return 0
        for i in range(count):
            column = pointer_to(columns_at + np.int64(8) * i * COLUMN_FACTS, types.int64)
            # The CR of a CRLF is behind the last cell of a row.
            block[HAS_RETURNS] = 1 if has_returns and column[PLACE] == block[WIDTH] - 1 else 0
            _read_column(block, column, first, rows)
    return 1


def gather_texts(text: int, starts_at: int, sizes_at: int, count: int, offsets_at: int, data_at: int) -> int:
    """Copy texts, one behind the other, and write where each begins. Returns their size."""
    starts, sizes = pointer_to(starts_at, types.int32), pointer_to(sizes_at, types.int32)
    offsets, data = pointer_to(offsets_at, types.int32), pointer_to(data_at, types.uint8)
    total = 0
    for k in range(count):
        offsets[k] = total
        start = text + starts[k]
        for i in range(sizes[k]):
            data[total + i] = load_byte(start + i)
        total += sizes[k]
    offsets[count] = total
    return total

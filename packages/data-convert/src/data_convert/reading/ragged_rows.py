"""Gives rows with too few or too many cells the shape of the table, where `dialect.ragged` declares it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from data_convert.reading.skips import LONG_ROWS, SHORT_ROWS
from data_convert.spec.dataset_spec import Dialect

_SMALLEST_SHARE: Final = 10
"""A short row needs a tenth of the cells: a short line of a table with thousands of columns would take a thousand times
the memory of its text."""


def ragged_kind(cells: Sequence[str], width: int) -> str | None:
    """Whether the cells are those of a short or a long row that can be given the width; None for all others."""
    if len(cells) < width:
        # A line without any delimiter is a title, a note or a sum, unless only a second cell is missing.
        is_note = len(cells) == 1 and width > 2
        return SHORT_ROWS if _SMALLEST_SHARE * len(cells) >= width and not is_note else None
    return LONG_ROWS if len(cells) > width and not any(cells[width:]) else None


def accepted_kind(cells: Sequence[str], width: int, dialect: Dialect) -> str | None:
    """The same, where the dialect makes a row of the cells."""
    kind = None if dialect.ragged == "reject" else ragged_kind(cells, width)
    return kind if kind == LONG_ROWS or dialect.ragged == "pad" else None


def padded_cells(cells: Sequence[str], width: int) -> Sequence[str]:
    """The cells with empty ones behind them, or without the empty ones at their end."""
    return [*cells[:width], *[""] * (width - len(cells))]

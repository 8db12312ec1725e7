"""Counts of what is read from a source in another way than as a row with the cells of the table.

What is skipped is no row: rows in = rows out + rejects + skipped. Padded rows are rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

LINES: Final = "lines"
COMMENTS: Final = "comments"
ROWS_AFTER_HEADER: Final = "rows_after_header"
REPEATED_HEADERS: Final = "repeated_headers"
SHORT_ROWS: Final = "short_rows"
LONG_ROWS: Final = "long_rows"

_SKIPPED: Final = {
    LINES: ("line before the table", "lines before the table"),
    COMMENTS: ("comment", "comments"),
    ROWS_AFTER_HEADER: ("row after the header", "rows after the header"),
    REPEATED_HEADERS: ("repeated header", "repeated headers"),
}
_PADDED: Final = {
    SHORT_ROWS: ("short row filled with empty cells", "short rows filled with empty cells"),
    LONG_ROWS: ("row without the empty cells at its end", "rows without the empty cells at their ends"),
}
_NOUNS: Final = {**_SKIPPED, **_PADDED}

Skips = Mapping[str, int]
"""What was found -> how often; what was never found is absent."""


def total_skips(counts: Iterable[Skips]) -> dict[str, int]:
    """The sum of all counts."""
    total = dict.fromkeys(_NOUNS, 0)
    for count in counts:
        for name, number in count.items():
            total[name] += number
    return {name: number for name, number in total.items() if number}


def skipped_of(counts: Skips) -> dict[str, int]:
    """The counts of what is no row."""
    return {name: number for name, number in counts.items() if name in _SKIPPED}


def padded_of(counts: Skips) -> dict[str, int]:
    """The counts of rows that have another number of cells (`dialect.ragged`)."""
    return {name: number for name, number in counts.items() if name in _PADDED}


def skips_text(counts: Skips) -> str:
    """The counts for the user: "3 lines before the table, 1 comment"; empty if there are none."""
    return ", ".join(f"{number:,} {_NOUNS[name][number != 1]}" for name, number in counts.items())

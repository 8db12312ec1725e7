"""Reads a block row by row with the standard library, where the fast parser cannot say what is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data_convert.records import Block
from data_convert.spec import Dialect

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One record.

    Attributes:
        line: Physical line on which it starts, from 1.
        cells: Its cells; bytes that were not valid in the file's encoding are surrogates.
        raw: Its text without the line end.
        fault: Why its quoting cannot be trusted, or None.
    """

    line: int
    cells: Sequence[str]
    raw: str
    fault: str | None


def read_rows(block: Block, dialect: Dialect, *, columns: int) -> Iterator[Row]:
    """The block's records. Blank lines are none, except where there is a single column."""
    lines = _Tape(block.text)
    whole = _row_pattern(dialect)
    line = block.first_line
    for cells in csv.reader(lines, **csv_format(dialect)):
        raw, count = lines.taken()
        if cells or columns == 1:
            yield Row(line=line, cells=cells or [""], raw=_bare(raw), fault=_fault(raw, whole, dialect))
        line += count


def split_header(block: Block, dialect: Dialect) -> tuple[Row | None, Block]:
    """The block's first record (None if it has none), and the block without it."""
    lines = _Tape(block.text)
    for cells in csv.reader(lines, **csv_format(dialect)):
        if cells:
            raw, count = lines.taken()
            size = len(raw.encode("utf-8", errors="surrogateescape"))
            rest = Block(text=block.text[size:], first_line=block.first_line + count, quoting=block.quoting)
            fault = _fault(raw, _row_pattern(dialect), dialect)
            return Row(line=rest.first_line - 1, cells=cells, raw=_bare(raw), fault=fault), rest
    return None, block


def _bare(raw: str) -> str:
    """A row's text without its line end; a quote that is never closed may leave more of them inside."""
    if raw.endswith("\r\n"):
        return raw[:-2]
    return raw[:-1] if raw.endswith(("\n", "\r")) else raw


def csv_format(dialect: Dialect) -> dict[str, Any]:
    """The dialect as keyword arguments of the csv module."""
    if dialect.quote is None:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, "doublequote": True}


class _Tape:
    """Physical lines, remembered until a row made of them has been taken."""

    def __init__(self, text: bytes) -> None:
        self._lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", errors="surrogateescape", newline="")
        self._since: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._since.append(line)
            yield line

    def taken(self) -> tuple[str, int]:
        """The text read since the last call, and how many lines it was."""
        raw, count = "".join(self._since), len(self._since)
        self._since.clear()
        return raw, count


def _row_pattern(dialect: Dialect) -> re.Pattern[str] | None:
    if dialect.quote is None:
        return None
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    cell = f"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|(?!{quote})[^{delimiter}\r\n]*)"
    return re.compile(f"{cell}(?:{delimiter}{cell})*(?:\r\n|\r|\n)?")


def _fault(raw: str, whole: re.Pattern[str] | None, dialect: Dialect) -> str | None:
    if whole is None or dialect.quote is None or dialect.quote not in raw or whole.fullmatch(raw):
        return None
    if raw.count(dialect.quote) % 2:
        return "a quote is opened that is never closed"
    return "text stands behind a closing quote"

"""Reads records one by one: with the csv module of the standard library, or character by character in other dialects.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from data_convert.spec.dataset_spec import Dialect

_LINE_ENDS = "\r\n"


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """A record of a source.

    Attributes:
        cells: Its cells; empty for a blank line and a comment.
        lines: The physical lines from which it was read.
        is_well_formed: Whether its quotes are as RFC 4180 has them, and each escape character has something to escape.
    """

    cells: Sequence[str]
    lines: Sequence[str]
    is_well_formed: bool = True
    is_comment: bool = False

    @property
    def text(self) -> str:
        """Its text with the line end."""
        return "".join(self.lines)


def is_rfc_4180(dialect: Dialect) -> bool:
    """Whether the csv module can read the dialect."""
    return (
        len(dialect.delimiter) == 1 and dialect.escape is None and dialect.comment is None and not dialect.skip_blanks
    )


def read_records(lines: Iterable[str], dialect: Dialect) -> Iterator[RawRecord]:
    """The records of the physical lines; not more lines are taken than the records have."""
    feed = iter(lines)
    read = _csv_record if is_rfc_4180(dialect) else _scanned_record
    while (record := read(feed, dialect)) is not None:
        yield record


def records_without_quotes(lines: Sequence[str], dialect: Dialect) -> list[RawRecord]:
    """The same for lines of RFC 4180 without any quote, which is faster."""
    rows = csv.reader(lines, **_csv_format(dialect))
    return [RawRecord(cells=cells, lines=[line]) for cells, line in zip(rows, lines, strict=True)]


def without_line_end(raw: str) -> str:
    """The text of a row without its one line end."""
    return raw[:-2] if raw.endswith("\r\n") else raw[:-1] if raw.endswith(("\n", "\r")) else raw


def _csv_format(dialect: Dialect) -> dict[str, Any]:
    csv.field_size_limit(2**31 - 1)
    if dialect.quote is None:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote}


def _csv_record(feed: Iterator[str], dialect: Dialect) -> RawRecord | None:
    taken: list[str] = []

    def tape() -> Iterator[str]:
        for line in feed:
            taken.append(line)
            yield line

    options, is_well_formed = _csv_format(dialect), True
    try:
        cells = next(csv.reader(tape(), strict=True, **options), None)
    except csv.Error:  # read again from the row's start, as leniently as the module does by default
        cells, is_well_formed = next(csv.reader(chain(taken.copy(), tape()), **options)), False
    return None if cells is None else RawRecord(cells=cells, lines=taken, is_well_formed=is_well_formed)


def _scanned_record(feed: Iterator[str], dialect: Dialect) -> RawRecord | None:
    line = next(feed, None)
    if line is None:
        return None
    start = line.lstrip(" ") if dialect.skip_blanks else line
    if dialect.comment is not None and start.startswith(dialect.comment):
        return RawRecord(cells=[], lines=[line], is_comment=True)
    if not start.strip(_LINE_ENDS):
        return RawRecord(cells=[], lines=[line])
    if not any(mark in line for mark in (dialect.quote, dialect.escape) if mark is not None):
        cells = without_line_end(line).split(dialect.delimiter)
        return RawRecord(cells=[cell.lstrip(" ") for cell in cells] if dialect.skip_blanks else cells, lines=[line])
    scanner = _Scanner(feed=feed, dialect=dialect, lines=[line], text=line)
    cells = scanner.cells()
    return RawRecord(cells=cells, lines=scanner.lines, is_well_formed=scanner.is_well_formed)


@dataclass(kw_only=True)
class _Scanner:
    """Walks through one record that has quotes or escape characters."""

    feed: Iterator[str]
    dialect: Dialect
    lines: list[str]
    text: str
    place: int = 0
    is_well_formed: bool = True
    _cell: list[str] = field(default_factory=list)

    def cells(self) -> list[str]:
        cells = [self._next_cell()]
        while self._has(self.dialect.delimiter):
            self.place += len(self.dialect.delimiter)
            cells.append(self._next_cell())
        return cells

    def _has(self, mark: str | None) -> bool:
        return mark is not None and self.text.startswith(mark, self.place)

    def _is_complete(self) -> bool:
        """Whether the file ends here; the next physical line is taken if necessary."""
        if self.place == len(self.text) and (line := next(self.feed, None)) is not None:
            self.lines.append(line)
            self.text += line
        return self.place == len(self.text)

    def _next_cell(self) -> str:
        self._cell = []
        while self.dialect.skip_blanks and self._has(" "):
            self.place += 1
        if self._has(self.dialect.quote):
            self._take_quoted()
            inside = len(self._cell)
            self._take_plain()
            self.is_well_formed &= len(self._cell) == inside
        else:
            self._take_plain()
        return "".join(self._cell)

    def _take_quoted(self) -> None:
        quote = self.dialect.quote or ""
        self.place += 1
        while not self._is_complete():
            if self._has(2 * quote):
                self._cell.append(quote)
                self.place += 2
            elif self._has(quote):
                self.place += 1
                return
            else:
                self._take_character()
        self.is_well_formed = False

    def _take_plain(self) -> None:
        while self.place < len(self.text) and not self._has(self.dialect.delimiter):
            if self.text[self.place] in _LINE_ENDS:
                return
            self._take_character()

    def _take_character(self) -> None:
        is_escaped = self._has(self.dialect.escape)
        self.place += is_escaped
        if is_escaped and self._is_complete():
            self.is_well_formed = False
            return
        # A CRLF is one line end, so one escape character is enough for both.
        size = 2 if self._has("\r\n") else 1
        self._cell.append(self.text[self.place : self.place + size])
        self.place += size
        if is_escaped:
            self._is_complete()  # behind an escaped line end, the cell continues on the next line

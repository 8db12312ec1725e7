"""Finds the table in the rows of a sample: what precedes it, its header, its width."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from data_convert.inspection.sniffing.cell_kinds import Kind, is_value, kind, usual_kind
from data_convert.inspection.sniffing.headers import has_header, header_without_width, looks_like_names, rising_names
from data_convert.inspection.sniffing.sample_rows import SampleRow
from data_convert.inspection.sniffing.units import describes_columns

_LEAD_LIMIT: Final = 60
"""More rows than this before a table are no preamble."""

_ROWS_AFTER_LIMIT: Final = 3


@dataclass(frozen=True, kw_only=True)
class TableLayout:
    """Where the table is.

    Attributes:
        width: Cells of most rows.
        header: The row with the names, or None.
        names: Names of the columns if the header has another number of cells than the rows; empty otherwise.
        skip_lines: Physical lines before the header, or before the first row.
        after_header: Rows behind the header that describe the columns.
        fitting: Rows of the table's width, without the header.
        others: Rows of another width, those before the table included.
        repeated_headers: Rows below that equal the header.
        is_sure: Whether the values below prove where the table begins.
    """

    width: int
    header: SampleRow | None
    names: tuple[str, ...] = ()
    skip_lines: int = 0
    after_header: tuple[SampleRow, ...] = ()
    fitting: tuple[SampleRow, ...]
    others: int
    repeated_headers: int = 0
    is_sure: bool


def table_layout(rows: Sequence[SampleRow]) -> TableLayout | None:
    """The table in these rows; None if there is no row. Blank lines belong to no table."""
    rows = [row for row in rows if row.cells]
    if not rows:
        return None
    search = _Search.of(rows)
    header, after = search.header()
    begin = rows.index(header) if header else search.first_row
    body = rows[begin + 1 + len(after) :] if header else rows[begin:]
    names = search.names(header)
    repeated = [row for row in body if header and row.cells == header.cells]
    fitting = [row for row in body if len(row.cells) == search.width and row not in repeated]
    return TableLayout(
        width=search.width,
        header=header,
        names=names,
        skip_lines=rows[begin].first_line - 1 if begin else 0,
        after_header=tuple(after),
        fitting=tuple(fitting),
        others=begin + len(body) - len(fitting) - len(repeated),
        repeated_headers=len(repeated),
        is_sure=search.is_sure,
    )


@dataclass(kw_only=True)
class _Search:
    """The search for the header.

    Attributes:
        kinds: Usual kind of each column of values, by its place.
        filled: Cells that rows usually have filled.
        first_row: Index of the first row that is certainly data, or after which nothing else can be found.
        is_sure: Whether the kinds of values prove it.
    """

    rows: Sequence[SampleRow]
    width: int
    kinds: dict[int, Kind]
    filled: float
    first_row: int = 0
    is_sure: bool = False

    @classmethod
    def of(cls, rows: Sequence[SampleRow]) -> _Search:
        width = _usual_width(rows)
        body = _certain_body([row for row in rows if len(row.cells) == width])
        kinds = {place: usual_kind(row.cells[place] for row in body) for place in range(width)}
        search = cls(
            rows=rows,
            width=width,
            kinds={place: found for place, found in kinds.items() if found in (Kind.NUMBER, Kind.MOMENT)},
            filled=statistics.median(row.filled for row in body),
        )
        first = next((index for index in range(min(len(rows), _LEAD_LIMIT)) if search._is_data(index)), None)
        search.first_row = 0 if first is None else first
        search.is_sure = first is not None
        return search

    def header(self) -> tuple[SampleRow | None, list[SampleRow]]:
        """The header and the rows behind it that describe the columns."""
        if not self.is_sure:
            return self._header_of_texts()
        # A row with values belongs to the table, although some of its cells are empty, missing or too many.
        while self.first_row and self._is_odd_row(self.first_row - 1):
            self.first_row -= 1
        lead = list(self.rows[: self.first_row])
        first_row = self.first_row
        # A row without any value behind the header belongs to the table.
        while self.first_row and not self.rows[self.first_row - 1].filled:
            self.first_row -= 1
        run = self._full_rows_above()
        while run:
            after = run[1:]
            if len(after) <= _ROWS_AFTER_LIMIT and all(map(self._describes, after)):
                return run[0], after
            run = self._without_first(run)
        last = self.rows[self.first_row - 1] if self.first_row else None
        if last is not None and self._is_header(last):
            return last, []
        # Titles stand above a header: what stands below a full row of names are rows.
        for index in range(self.first_row - 1, 0, -1):
            above = self.rows[index - 1]
            if len(above.cells) == self.width == above.filled and looks_like_names(above, self.width):
                self.first_row = index
                return above, []
        self.first_row = first_row
        self.first_row = self._after_titles(lead)
        return None, []

    def _without_first(self, run: list[SampleRow]) -> list[SampleRow]:
        """A row that does not describe the columns is the first row of data: what follows is, too."""
        odd = next(index for index, row in enumerate(run) if index and not self._describes(row))
        if len(run) - 1 > _ROWS_AFTER_LIMIT:
            return run[1:]
        place = self.rows.index(run[odd])
        self.first_row = place
        return run[:odd]

    def _full_rows_above(self) -> list[SampleRow]:
        """The rows directly above the first row of data that name most of the columns."""
        run: list[SampleRow] = []
        for row in reversed(self.rows[: self.first_row]):
            is_named = looks_like_names(row, self.width)
            if len(row.cells) != self.width or not (is_named or self._describes(row)):
                break
            run.insert(0, row)
        while run and not looks_like_names(run[0], self.width):
            run.pop(0)
        # A group of columns has one name for several of them; so has a line of prose no names at all.
        while len(run) > 1 and not _are_distinct(run[0]) and _are_distinct(run[1]):
            run.pop(0)
        while len(run) > 1 and _is_prose(run[0]) and not _is_prose(run[1]):
            run.pop(0)
        return run

    def _describes(self, row: SampleRow) -> bool:
        index = self.rows.index(row)
        if index and row.cells == self.rows[index - 1].cells:
            return True
        below = [other.cells for other in self.rows[index + 1 :] if other.cells != row.cells]
        return describes_columns(row.cells, below, list(self.kinds))

    def _is_header(self, row: SampleRow) -> bool:
        """Whether the last row above the data names its columns, with some cells empty, too many or too few."""
        if len(row.cells) == self.width:
            return not self._values(row) and row.filled > 0 and (self.width == 1 or row.filled > 1 or self.width == 2)
        if len(row.cells) == 1 and (" " in row.cells[0] or not self._has_row_names(self.width - 1)):
            return False
        return header_without_width(row, self.width)

    def _header_of_texts(self) -> tuple[SampleRow | None, list[SampleRow]]:
        """The header of a table without any column of numbers or moments."""
        titles = 0
        while titles < min(len(self.rows) - 2, _LEAD_LIMIT) and self._is_title(titles):
            titles += 1
        self.first_row = titles
        rest = self.rows[titles:]
        widths = {len(row.cells) for row in rest[1:]}
        first = rest[0]
        if widths == {self.width} and len(first.cells) != self.width:
            is_named = header_without_width(first, self.width)
            self.first_row += 0 if is_named else 1
            return (first, []) if is_named else (None, [])
        if not has_header([row.cells for row in rest]):
            return None, []
        after = rest[1:2] if len(rest) > 2 and self._describes(rest[1]) else []
        return first, list(after)

    def _is_title(self, index: int) -> bool:
        row, following = self.rows[index], self.rows[index + 1 :]
        if self.width < 2 or not following:
            return False
        if row.filled <= 1 and len(row.cells) == self.width:
            # A row of a two-column table may well lack a cell: only a blank row behind it shows that it is a title.
            names = next((place for place, other in enumerate(following) if other.filled > 1), 0)
            is_parted = following[0].filled == 0 or row.filled == 0 or self.width > 2
            is_full = following[names].filled == self.width
            return is_parted and is_full and has_header([other.cells for other in following[names:]])
        return len(row.cells) <= max(1, self.width - 2) or (
            len(row.cells) == 1 and following[0].first_line > row.last_line + 1
        )

    def _after_titles(self, lead: Sequence[SampleRow]) -> int:
        """Index behind the last row that is certainly no row of the table, although no row is a header."""
        titles = [
            index
            for index, row in enumerate(lead)
            if len(row.cells) != self.width or (row.filled * 2 <= self.filled and not self._values(row))
        ]
        return titles[-1] + 1 if titles else 0

    def _is_data(self, index: int) -> bool:
        """Whether a row has values where its columns have values."""
        row = self.rows[index]
        if len(row.cells) != self.width or row.filled * 2 < self.filled:
            return False
        if self._has_rising_names(index):
            return False
        values, words = self._values(row), self._words(row)
        return bool(values) and len(values) >= len(words)

    def _is_odd_row(self, index: int) -> bool:
        row = self.rows[index]
        if len(row.cells) == self.width:
            return bool(self._values(row)) and not self._words(row) and not self._has_rising_names(index)
        is_filled = row.filled * 2 > self.filled and len(row.cells) > 1
        return is_filled and any(map(is_value, row.cells))

    def _has_rising_names(self, index: int) -> bool:
        return rising_names(self.rows[index].cells, [other.cells for other in self.rows[index + 1 :]])

    def _values(self, row: SampleRow) -> list[int]:
        return [place for place, found in self.kinds.items() if kind(row.cells[place]) is found]

    def _words(self, row: SampleRow) -> list[int]:
        return [place for place, found in self.kinds.items() if kind(row.cells[place]) not in (found, Kind.MISSING)]

    def names(self, header: SampleRow | None) -> tuple[str, ...]:
        """Names for all columns, if the header has another number of cells."""
        if header is None or len(header.cells) == self.width:
            return ()
        cells = list(header.cells)
        if len(cells) > self.width:
            # A name that is missing is likelier to be the one without values.
            named = [cell for cell in cells if cell.strip()]
            return tuple(named if len(named) == self.width else cells[: self.width])
        missing = self.width - len(cells)
        unnamed = [""] * missing
        return tuple(unnamed + cells if self._has_row_names(missing) else cells + unnamed)

    def _has_row_names(self, missing: int) -> bool:
        """Whether the first column counts or names the rows, as R writes them, and the last one is not empty."""
        body = [row.cells for row in self.rows if len(row.cells) == self.width]
        firsts = [cells[0] for cells in body]
        is_counted = firsts == [str(n + int(firsts[0])) for n in range(len(firsts))] if firsts[0].isdigit() else False
        is_named = all(kind(cell) is Kind.WORD for cell in firsts) and len(set(firsts)) == len(firsts)
        return missing == 1 and len(body) > 1 and (is_counted or is_named) and any(cells[-1].strip() for cells in body)


def _certain_body(full: Sequence[SampleRow]) -> Sequence[SampleRow]:
    """Rows that are hardly titles, names or units: not the first ones, and no row of words that comes twice."""
    last = full[min(10, len(full) - max(1, round(len(full) * 0.4))) :]
    counts = Counter(tuple(row.cells) for row in full)
    once = [row for row in last if counts[tuple(row.cells)] == 1 or any(map(is_value, row.cells))]
    return once or last


def _usual_width(rows: Sequence[SampleRow]) -> int:
    """The most common number of cells; of equally common ones the one that comes last."""
    counts = Counter(len(row.cells) for row in rows)
    last = {len(row.cells): index for index, row in enumerate(rows)}
    return max(counts, key=lambda width: (counts[width], last[width]))


def _are_distinct(row: SampleRow) -> bool:
    filled = [cell for cell in row.cells if cell.strip()]
    return len(set(filled)) == len(filled)


def _is_prose(row: SampleRow) -> bool:
    """Whether blanks follow the delimiters, as in a sentence."""
    return len(row.cells) > 1 and sum(cell[:1] == " " for cell in row.cells[1:]) * 2 > len(row.cells) - 1

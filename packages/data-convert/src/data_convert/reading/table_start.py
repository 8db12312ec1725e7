"""Searches the start of a table whose files have different numbers of lines before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from data_convert.errors import HeaderError, SourceError
from data_convert.reading.grammar import record_pattern
from data_convert.reading.header import header_layout, headers_of, numbered
from data_convert.reading.layout import RawLayout
from data_convert.reading.preamble import LINE_END, PREAMBLE_LIMIT_BYTES, Preamble, empty_text
from data_convert.reading.records import BLOCK_BYTES, CELL_LIMIT, Block, Quoting
from data_convert.reading.rows import Row, read_rows
from data_convert.reading.skipped_rows import SkippedRowCheck
from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import DatasetSpec, Drift
from terminal import count_text

LINE_LIMIT: Final = 10_000
"""A table that starts further down is not found."""

# A line with a stray quote starts a record that spans many others; these two bound the time of the search.
_RECORD_LIMIT_BYTES: Final = 8 << 20
_SCAN_LIMIT_BYTES: Final = 64 * _RECORD_LIMIT_BYTES


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A record that may be the first one of the table.

    Attributes:
        row: Its cells.
        text: Its text.
        place: Where it starts in the text that was read.
    """

    row: Row
    text: bytes
    place: int


@dataclass(kw_only=True)
class TableStart:
    """The search in one source.

    Attributes:
        utf8: Returns the text of the source in pieces of the given size, b"" at the end.
        searched_lines: How many lines were searched so far.
    """

    spec: DatasetSpec
    source: Source
    utf8: Callable[[int], bytes]
    searched_lines: int = 0
    _text: bytes = b""

    def header(self) -> Preamble:
        """The lines before the first record that has the declared columns, or that is the most like it.

        Raises:
            HeaderError: No record has at least half of the declared columns.
        """
        strict = replace(self.spec, drift=Drift())
        declared = {name for column in self.spec.columns for name in headers_of(column)} | {*self.spec.raw_headers}
        nearest, most = None, 0
        for candidate in self._candidates():
            common = len(declared.intersection(numbered(candidate.row.cells)))
            if common > most:
                nearest, most = candidate, common
            if common and _is_header(strict, candidate):
                return self._before(candidate)
        if nearest is None or 2 * most < len(self.spec.raw_headers):
            raise HeaderError(self.source.file.where, self._no_header_text(nearest, most))
        return self._before(nearest)

    def row(self, layout: RawLayout) -> Preamble:
        """The lines before the first record that is a row of the table.

        Raises:
            SourceError: No record is a row, or one before it may be a row.
        """
        check = SkippedRowCheck(source=self.source, spec=self.spec, layout=layout)
        unclear = None
        for candidate in self._candidates():
            if len(candidate.row.cells) != layout.width:
                continue
            if check.is_row(candidate.text):
                if unclear is not None:
                    raise SourceError(self.source.file.where, _unclear_text(unclear, candidate))
                return self._before(candidate)
            if unclear is None and check.may_be_row(candidate.text):
                unclear = candidate
        if unclear is not None:
            return self._before(unclear)
        raise SourceError(
            self.source.file.where,
            f'no row (`dialect.skip_lines = "to-row"`): {self._none_of_the_lines}'
            f" {count_text(layout.width, 'cell')} that fit the declared columns.",
        )

    def _no_header_text(self, nearest: _Candidate | None, common: int) -> str:
        text = f'no header (`dialect.skip_lines = "to-header"`): {self._none_of_the_lines} the declared columns.'
        if nearest is None:
            return text
        wanted, shown = count_text(len(self.spec.raw_headers), "column"), nearest.row.raw[:80]
        return f"{text} Line {nearest.row.line} has the most, {common} of {wanted}: {shown!r}"

    @property
    def _none_of_the_lines(self) -> str:
        count = self.searched_lines
        return "the only line does not have" if count == 1 else f"none of the first {count:,} lines has"

    def _before(self, candidate: _Candidate) -> Preamble:
        place = candidate.place
        return Preamble(text=self._text[:place], lines=candidate.row.line - 1, rest=self._text[place:])

    def _candidates(self) -> Iterator[_Candidate]:
        """The records that the first lines start."""
        place = scanned = 0
        while self.searched_lines < LINE_LIMIT and scanned < _SCAN_LIMIT_BYTES and place < PREAMBLE_LIMIT_BYTES:
            record_end, line_end = self._read_record(place)
            if not self._text.strip():
                raise SourceError(self.source.file.where, empty_text(self._text))
            if place == len(self._text):
                break
            self.searched_lines += 1
            scanned += record_end - place
            if record_end - place < _RECORD_LIMIT_BYTES:
                text = self._text[place:record_end]
                block = Block(text=text, first_line=self.searched_lines, quoting=Quoting.IRREGULAR)
                for row in read_rows(block, self.spec.dialect, columns=2):
                    if row.fault is None and len(row.cells) <= CELL_LIMIT:
                        yield _Candidate(row=row, text=text, place=place)
            place = line_end

    def _read_record(self, place: int) -> tuple[int, int]:
        """Read until the record at `place` is complete; return where it and its first line end."""
        while True:
            record = record_pattern(self.spec.dialect).match(self._text, place, place + _RECORD_LIMIT_BYTES)
            line = LINE_END.search(self._text, place)
            ends = record.end() if record else len(self._text), line.end() if line else len(self._text)
            # At the end of the text, the record or its CRLF may continue in text that was not read yet.
            is_long = len(self._text) - place > PREAMBLE_LIMIT_BYTES
            if len(self._text) not in ends or is_long or not (more := self.utf8(BLOCK_BYTES)):
                return ends
            self._text += more


def _is_header(spec: DatasetSpec, candidate: _Candidate) -> bool:
    try:
        header_layout(spec, candidate.row.cells, source="")
    except HeaderError:
        return False
    return True


def _unclear_text(unclear: _Candidate, found: _Candidate) -> str:
    return (
        f'line {unclear.row.line} may be the first row or not (`dialect.skip_lines = "to-row"`): it fits the columns,'
        f" but has few values: {unclear.row.raw[:80]!r}. Write `dialect.skip_lines = {unclear.row.line - 1}` if it is a"
        f" row, or {found.row.line - 1} if the table starts in line {found.row.line}."
    )

"""Reads a raw file a second time, to check the conversion: header, rows, and what is skipped.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import IO, Final

import zstandard

from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.verification.raw.raw_text import RawText
from data_convert.verification.raw.row_blocks import CutRows, RawRow, ReadRows, RowBlock
from data_convert.verification.raw.row_reader import (
    RawRecord,
    is_rfc_4180,
    read_records,
    records_without_quotes,
    without_line_end,
)
from data_convert.verification.raw.table_cuts import TableCut, cut_table, key_of
from data_convert.verification.raw.table_search import (
    RowCheck,
    lines_before_header,
    lines_before_row,
    numbered_names,
)

_BLOCK_BYTES: Final = 1 << 20
_SMALLEST_BLOCK_BYTES: Final = 1 << 15
_LONGEST_ROW_BYTES: Final = 1 << 26
"""A longer row is read by the csv module."""


class UnlikeHeaderError(Exception):
    """The header does not hold the declared columns; a finding, so it never leaves this package."""


UNREADABLE: Final = (
    UnlikeHeaderError,
    OSError,
    EOFError,
    UnicodeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zstandard.ZstdError,
)
"""What reading a file that is not what it claims to be may raise."""


class SecondReading:
    """The rows of one source, in order.

    Attributes:
        width: Cells that a row should have.
        places: The place of each kept column in a row; None for an optional column that the header does not have.
        header: The cells of its header; empty if it has none.
        skipped: What is neither a row nor a reject, and which rows were padded -> how often that was found so far.
    """

    def __init__(self, spec: DatasetSpec, binary: IO[bytes]) -> None:
        self._dialect = spec.dialect
        self._text = RawText(binary, spec.dialect.encoding)
        self._line = 1
        self.header: list[str] = []
        self.skipped: Counter[str] = Counter()
        skipped = list(islice(self._text.lines(), self._lines_before_table(spec)))
        self._line += len(skipped)
        self.skipped["lines"] += len(skipped)
        names = self._names(spec) if spec.dialect.header else list(spec.raw_headers)
        self.width = len(names)
        self.places = _places(spec, names)
        self._check = RowCheck.of(spec, self.width, self.places)
        for number, line in enumerate(skipped if self._dialect.skip_to != "row" else (), 1):
            self._check_skipped(next(read_records([line], self._dialect)), number)
        self._skip_rows_after_header()
        self._is_cut = is_rfc_4180(self._dialect) and (self._dialect.delimiter + (self._dialect.quote or "")).isascii()

    def _lines_before_table(self, spec: DatasetSpec) -> int:
        if self._dialect.skip_to == "header":
            return lines_before_header(self._text, spec)
        if self._dialect.skip_to == "row":
            names = list(spec.raw_headers)
            return lines_before_row(self._text, spec, RowCheck.of(spec, len(names), _places(spec, names)))
        return self._dialect.skip_lines

    def _check_skipped(self, record: RawRecord, line: int) -> None:
        if self._check.is_lost(record):
            raise UnlikeHeaderError(f"line {line} is skipped, but it is a row of the table: {record.text[:80]!r}")

    @property
    def text_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._text.text_bytes

    def __iter__(self) -> Iterator[RowBlock]:
        size, is_irregular = _BLOCK_BYTES, False
        while block := self._text.peek(size):
            cut = self._cut(block, is_last=self._text.is_last(size))
            if cut is not None and cut.size:
                yield CutRows(cut=cut, dialect=self._dialect, first_line=self._line, errors=self._text.errors)
                self._text.take(cut.size)
                self._line += cut.lines
                size, is_irregular = _BLOCK_BYTES, False
            elif cut is not None and not is_irregular and size < _LONGEST_ROW_BYTES:
                size *= 2
            elif cut is None and self._is_cut and size > _SMALLEST_BLOCK_BYTES:
                # Most of the rows around an irregular one can still be cut.
                size, is_irregular = max(size // 4, _SMALLEST_BLOCK_BYTES), True
            else:
                yield self._read_rows(size)
                size, is_irregular = min(2 * size, _BLOCK_BYTES), False

    def _cut(self, block: bytes, *, is_last: bool) -> TableCut | None:
        if not self._is_cut:
            return None
        cut = cut_table(block, self._dialect, width=self.width, is_last=is_last)
        if cut is None or not cut.size or not self._dialect.skip_repeated_header:
            return cut
        first = key_of(self.header[0].encode("utf-8", self._text.errors))
        return None if first in cut.coded(0).keys else cut

    def _names(self, spec: DatasetSpec) -> list[str]:
        for record in read_records(self._text.lines(), self._dialect):
            self._count(record)
            if not record.cells:
                continue
            if not record.is_well_formed:
                raise UnlikeHeaderError("the header's quotes are not in pairs")
            self.header = list(record.cells)
            break
        names, needed = numbered_names(self.header), [{c.header, *c.names} for c in spec.columns if not c.optional]
        present = set(names)
        if absent := [min(accepted) for accepted in needed if not accepted & present]:
            raise UnlikeHeaderError(f"the header does not have {', '.join(map(repr, absent[:5]))}")
        return names

    def _skip_rows_after_header(self) -> None:
        left = self._dialect.rows_after_header
        for record in read_records(self._text.lines(), self._dialect) if left else ():
            self._count(record)
            if self._is_row(record):
                self._check_skipped(record, self._line - len(record.lines))
                self.skipped["rows_after_header"] += 1
                left -= 1
            if not left:
                break

    def _count(self, record: RawRecord) -> None:
        self._line += len(record.lines)
        self.skipped["comments"] += record.is_comment

    def _is_row(self, record: RawRecord) -> bool:
        """Whether it is no comment; a blank line is a row only if there is a single column."""
        return bool(record.cells) or (self.width == 1 and not record.is_comment)

    def _ragged_kind(self, cells: Sequence[str]) -> str:
        """What is wrong with the number of cells, if the dialect accepts it; otherwise nothing."""
        surplus = len(cells) - self.width
        if surplus > 0:
            is_trimmed = self._dialect.ragged in ("trim", "pad") and set(cells[-surplus:]) == {""}
            return "long_rows" if is_trimmed else ""
        if self._dialect.ragged != "pad":
            return ""
        has_delimiter = len(cells) > 1 or self.width == 2
        return "short_rows" if has_delimiter and self.width <= 10 * len(cells) else ""

    def _read_rows(self, size: int) -> ReadRows:
        """The rows that start in the next bytes; the last one can continue after them."""
        lines: list[str] = []
        for text in self._text.lines():
            lines.append(text)
            if (size := size - len(text)) <= 0:
                break
        quote = self._dialect.quote
        if is_rfc_4180(self._dialect) and (quote is None or quote not in "".join(lines)):
            return self._sifted(records_without_quotes(lines, self._dialect))
        records, end = [], self._line + len(lines)
        line = self._line
        for record in read_records(chain(lines, self._text.lines()), self._dialect):
            records.append(record)
            if (line := line + len(record.lines)) >= end:
                break
        return self._sifted(records)

    def _sifted(self, records: Sequence[RawRecord]) -> ReadRows:
        good, misshapen = [], []
        for record in records:
            line = self._line
            self._count(record)
            if not self._is_row(record):
                continue
            cells = record.cells or [""]
            row = RawRow(line=line, raw=without_line_end(record.text), cells=cells)
            if not record.is_well_formed:
                misshapen.append(row)
            elif self._dialect.skip_repeated_header and cells == self.header:
                self.skipped["repeated_headers"] += 1
            elif len(cells) == self.width:
                good.append(row)
            elif kind := self._ragged_kind(cells):
                self.skipped[kind] += 1
                good.append(replace(row, cells=[cells[i] if i < len(cells) else "" for i in range(self.width)]))
            else:
                misshapen.append(row)
        return ReadRows(good=good, misshapen=misshapen, errors=self._text.errors)


def _places(spec: DatasetSpec, names: Sequence[str]) -> list[int | None]:
    at = {name: place for place, name in enumerate(names)}
    return [next((at[name] for name in (c.header, *c.names) if name in at), None) for c in spec.columns]

"""Consecutive rows of a source, cut all at once or read one by one, with one interface."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from data_convert.spec.dataset_spec import Dialect
from data_convert.verification.raw.row_reader import read_records, without_line_end
from data_convert.verification.raw.table_cuts import CodedTexts, TableCut


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """A row that was read.

    Attributes:
        line: Physical line on which it starts, from 1.
        raw: Its text without the line end.
    """

    line: int
    raw: str
    cells: Sequence[str] = ()


class RowBlock(Protocol):
    """Some consecutive rows of a source."""

    @property
    def rows(self) -> int:
        """Number of well-formed rows."""

    @property
    def misshapen(self) -> Sequence[RawRow]:
        """Rows that are not as wide as they should be, or not quoted as they should be."""

    def coded(self, place: int) -> CodedTexts:
        """The cells of a column of the well-formed rows."""

    def row(self, index: int) -> RawRow:
        """One of the well-formed rows."""


@dataclass(frozen=True, kw_only=True)
class ReadRows:
    """Rows that were read one by one."""

    good: Sequence[RawRow]
    misshapen: Sequence[RawRow]
    errors: str

    @property
    def rows(self) -> int:
        """Number of well-formed rows."""
        return len(self.good)

    def coded(self, place: int) -> CodedTexts:
        """The cells of a column of the well-formed rows."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(row.cells[place], len(numbers)) for row in self.good]
        texts = pa.array([text.encode("utf-8", self.errors) for text in numbers], pa.binary())
        return CodedTexts(codes=np.array(codes, dtype=np.intp), texts=texts)

    def row(self, index: int) -> RawRow:
        """One of the well-formed rows."""
        return self.good[index]


@dataclass(frozen=True, kw_only=True)
class CutRows:
    """Rows that were cut all at once.

    Attributes:
        first_line: Physical line on which the first one starts, from 1.
    """

    cut: TableCut
    dialect: Dialect
    first_line: int
    errors: str
    misshapen: Sequence[RawRow] = ()

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.cut.rows

    def coded(self, place: int) -> CodedTexts:
        """The cells of a column."""
        return self.cut.coded(place)

    def row(self, index: int) -> RawRow:
        """One of the rows."""
        raw = self.cut.raw(index).decode("utf-8", self.errors)
        (record,) = read_records(io.StringIO(raw, newline=""), self.dialect)
        line = self.first_line + self.cut.line_of(index)
        return RawRow(line=line, raw=without_line_end(raw), cells=record.cells or [""])

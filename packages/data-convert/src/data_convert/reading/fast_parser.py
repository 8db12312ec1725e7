"""Parses a block into a typed Arrow table with compiled kernels, if every row fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.columns.conversion import Converted, arrow_field, arrow_fields, convert
from data_convert.columns.number_marks import PLAIN
from data_convert.kernels.columns import NumberColumn, TextColumn, Texts, read_columns, texts_of_rows
from data_convert.kernels.structure import TextScan
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block, Quoting
from data_convert.spec.dataset_spec import INTEGER_RANGES, ColumnSpec, DatasetSpec, Dialect

_BLANK_LINES: Final = re.compile(rb"(?:\A|(?<=\n))(?:\r?\n)+|(?:\A|(?<=\r))\r+")


def parse_fast(block: Block, layout: RawLayout, spec: DatasetSpec, wide: set[int]) -> pa.Table | None:
    """All rows of a regular block, or None if any row does not fit or has another width.

    Args:
        wide: Places of columns whose texts are not coded; the function adds to it.
    """
    scan = _without_blank_lines(block, layout.width, spec.dialect)
    if not (scan.is_ascii or _is_utf8(block.text)):
        return None
    reading = _Reading(scan=scan, dialect=spec.dialect, width=layout.width, wide=wide)
    columns = [_number_column(column, place) or reading.text_column(place) for column, place in layout.present]
    if not read_columns(scan, spec.dialect, layout.width, columns):
        return None
    by_place = {column.place: column for column in columns}
    arrays: list[pa.Array] = []
    for column, place in layout.kept:
        if place is None:
            arrays += [pa.nulls(scan.rows, field.type) for field in arrow_fields(column)]
            continue
        converted = reading.converted(column, by_place[place])
        # One misfit is enough to parse the block again row by row, which knows lines and raw texts.
        if converted.fits is not None:
            return None
        arrays += converted.arrays
    return pa.Table.from_arrays(arrays, schema=table_schema(spec))


@dataclass(frozen=True, kw_only=True)
class CellTexts:
    """The texts of a column of a block.

    Attributes:
        texts: Those of all rows or, if they are coded, the distinct ones in the order of their first rows.
        codes: For each row the place of its text in `texts`, if they are coded.
        firsts: For each text its first row, if they are coded.
        counts: For each text the number of its rows, if they are coded.
    """

    texts: pa.StringArray
    codes: npt.NDArray[np.int32] | None = None
    firsts: npt.NDArray[np.int32] | None = None
    counts: npt.NDArray[np.int64] | None = None

    @classmethod
    def coded(cls, texts: pa.StringArray) -> Self:
        """The texts of all rows, coded."""
        found = texts.dictionary_encode()
        codes = found.indices.to_numpy()
        _, firsts, counts = np.unique(codes, return_index=True, return_counts=True)
        return cls(texts=found.dictionary, codes=codes, firsts=firsts.astype(np.int32), counts=counts)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.texts if self.codes is None else self.codes)

    @property
    def nbytes(self) -> int:
        """Memory of the texts, without their codes."""
        return int(self.texts.nbytes)

    def at(self, row: int) -> str | None:
        """The text of a row."""
        text: str | None = self.texts[row if self.codes is None else int(self.codes[row])].as_py()
        return text

    def each(self) -> pa.StringArray:
        """The texts of all rows."""
        return self.texts if self.codes is None else self.texts.take(pa.array(self.codes))


def read_texts(block: Block, dialect: Dialect, *, width: int, wide: set[int]) -> list[CellTexts] | None:
    """The texts of all columns of a regular block in UTF-8; None if any row has another width.

    Args:
        wide: Places of columns whose texts are not coded. The function adds to it.
    """
    scan = _without_blank_lines(block, width, dialect)
    reading = _Reading(scan=scan, dialect=dialect, width=width, wide=wide)
    columns = [reading.text_column(place) for place in range(width)]
    return [reading.cell_texts(column) for column in columns] if read_columns(scan, dialect, width, columns) else None


@lru_cache
def table_schema(spec: DatasetSpec) -> pa.Schema:
    """Names and types of all Parquet columns of a dataset."""
    return pa.schema([field for column in spec.columns for field in arrow_fields(column)])


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _without_blank_lines(block: Block, width: int, dialect: Dialect) -> TextScan:
    """The cells of the block. In a single column, a blank line is a row; else it is none."""
    scan = block.scan_of(dialect)
    if width == 1 or scan.cells == scan.rows * width or block.quoting is not Quoting.ONE_LINE:
        return scan
    text = _BLANK_LINES.sub(b"", block.text)
    return scan if len(text) == len(block.text) else TextScan.of(text, dialect).closed()


def _number_column(column: ColumnSpec, place: int) -> NumberColumn | None:
    """How a kernel reads the column; None if its cells are no plain numbers, or a null, such as -9999, is one."""
    is_number = column.type in INTEGER_RANGES or column.type in ("float64", "flagged_number")
    if not is_number or column.marks != PLAIN or any(digit.isdigit() for text in column.nulls for digit in text):
        return None
    return NumberColumn(
        place=place,
        dtype=arrow_field(column).type.to_pandas_dtype(),
        bounds=INTEGER_RANGES.get(column.type),
        empty_is_null="" in column.nulls,
    )


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """Conversion of the columns of one block."""

    scan: TextScan
    dialect: Dialect
    width: int
    wide: set[int]

    def text_column(self, place: int) -> TextColumn:
        return TextColumn(place=place, is_coded=place not in self.wide)

    def converted(self, column: ColumnSpec, cells: NumberColumn | TextColumn) -> Converted:
        if isinstance(cells, NumberColumn):
            return self._numbers(column, cells)
        # Each distinct text is converted once; columns such as station names have few of them.
        return convert(column, self.texts(cells))

    def texts(self, cells: TextColumn) -> pa.Array:
        """The texts of a column, as a dictionary if they are coded."""
        cells = self._found(cells)
        texts = self._gathered(cells)
        return texts if cells.codes is None else pa.DictionaryArray.from_arrays(pa.array(cells.codes), texts)

    def cell_texts(self, cells: TextColumn) -> CellTexts:
        """The texts of a column, with their first rows and their numbers of rows if they are coded."""
        cells = self._found(cells)
        if cells.codes is None:
            return CellTexts(texts=self._gathered(cells))
        # The kernel's arrays are used again for the next block.
        return CellTexts(
            texts=self._gathered(cells), codes=cells.codes, firsts=cells.firsts.copy(), counts=cells.counts.copy()
        )

    def _found(self, cells: TextColumn) -> TextColumn:
        """The column, read again without codes if it has too many texts for them."""
        if not cells.is_coded or cells.codes is not None:
            return cells
        self.wide.add(cells.place)
        cells = self.text_column(cells.place)
        read_columns(self.scan, self.dialect, self.width, [cells])
        return cells

    def _gathered(self, cells: TextColumn) -> pa.StringArray:
        return Texts(scan=self.scan, quote=self.dialect.quote, starts=cells.starts, sizes=cells.sizes).gathered()

    def _numbers(self, column: ColumnSpec, cells: NumberColumn) -> Converted:
        flags = arrow_fields(column)[1:]
        if not len(cells.others):
            return Converted(
                arrays=(cells.array(), *(pa.nulls(self.scan.rows, flag.type) for flag in flags)), fits=None
            )
        texts = texts_of_rows(self.scan, self.dialect, self.width, cells.place, cells.others)
        others = convert(column, texts.dictionary_encode())
        if others.fits is not None:
            return others
        cells.replace_others(others.arrays[0])
        return Converted(
            arrays=(cells.array(), *(self._spread(flags, cells) for flags in others.arrays[1:])), fits=None
        )

    def _spread(self, values: pa.Array, cells: NumberColumn) -> pa.Array:
        """The values in the rows of the column's other cells; nulls in its other rows."""
        indices = np.full(self.scan.rows, len(cells.others), dtype=np.int32)
        indices[cells.others] = np.arange(len(cells.others), dtype=np.int32)
        return pa.concat_arrays([values, pa.nulls(1, values.type)]).take(pa.array(indices))

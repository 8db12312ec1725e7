"""Parses a block of text into a typed Arrow table: fast where all is well, exactly where anything is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data_convert.columns import arrow_field, arrow_fields, convert, misfit
from data_convert.errors import Reject
from data_convert.records import Block, Quoting
from data_convert.rows import Row, read_rows
from data_convert.spec import INTEGER_RANGES, ColumnSpec, DatasetSpec, Dialect

_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class RawLayout:
    """Where the kept columns stand in the rows of one source.

    Attributes:
        width: Cells of a row.
        kept: For each kept column its place, or None where the header lacks an optional one.
    """

    width: int
    kept: tuple[tuple[ColumnSpec, int | None], ...]

    @property
    def present(self) -> list[tuple[ColumnSpec, int]]:
        """The kept columns that the source has, with their places."""
        return [(column, place) for column, place in self.kept if place is not None]


@dataclass(kw_only=True)
class BlockParser:
    """Parses blocks of sources that share a spec; may be called from several threads.

    Attributes:
        wide: Places of columns with so many distinct values that a dictionary does not pay. It is learnt from
            block to block and changes how a block is parsed, never what comes out.
    """

    spec: DatasetSpec
    wide: set[int] = field(default_factory=set)

    def parse(self, block: Block, layout: RawLayout, *, source: str) -> tuple[pa.Table, list[Reject]]:
        """The rows of the block that fit, and those that do not."""
        if block.quoting is not Quoting.IRREGULAR and not block.text.startswith(_BOM):
            table = self._parse_fast(block, layout)
            if table is not None:
                return table, []
        return self._parse_exactly(block, layout, source)

    def _parse_fast(self, block: Block, layout: RawLayout) -> pa.Table | None:
        """All rows, or None if anything at all needs a closer look."""
        reading = _Reading.of(block, layout, self.wide)
        try:
            raw = reading.read(block, layout, self.spec.dialect)
        except pa.ArrowInvalid:
            return None
        arrays: list[pa.Array] = []
        for column, place in layout.kept:
            if place is None:
                arrays += [pa.nulls(raw.num_rows, field.type) for field in arrow_fields(column)]
                continue
            cells = raw.column(str(place)).combine_chunks()
            if pa.types.is_integer(cells.type):
                arrays.append(cells)
                continue
            converted = convert(column, cells, nulls_are_marked=reading.nulls is not None)
            if converted.fits is not None:
                return None
            self._note_width(place, cells)
            arrays += converted.arrays
        return pa.Table.from_arrays(arrays, schema=table_schema(self.spec))

    def _note_width(self, place: int, texts: pa.Array) -> None:
        if pa.types.is_dictionary(texts.type) and len(texts.dictionary) > max(1000, len(texts) // 2):
            self.wide.add(place)

    def _parse_exactly(self, block: Block, layout: RawLayout, source: str) -> tuple[pa.Table, list[Reject]]:
        rows, rejects = [], []
        for row in read_rows(block, self.spec.dialect, columns=layout.width):
            if (fault := shape_fault(row, layout)) is None:
                rows.append(row)
            else:
                rejects.append(Reject(source=source, line=row.line, column=None, value="", says=fault, raw=row.raw))
        table, misfits = self._convert_rows(rows, layout, source)
        return table, sorted(rejects + misfits, key=lambda reject: reject.line)

    def _convert_rows(self, rows: Sequence[Row], layout: RawLayout, source: str) -> tuple[pa.Table, list[Reject]]:
        fits = np.ones(len(rows), dtype=np.bool_)
        arrays: list[pa.Array] = []
        misfits: dict[int, Reject] = {}
        for column, place in layout.kept:
            if place is None:
                arrays += [pa.nulls(len(rows), field.type) for field in arrow_fields(column)]
                continue
            cells = [row.cells[place] for row in rows]
            good = _encodable(cells)
            texts = pa.array([cell if ok else "" for cell, ok in zip(cells, good, strict=True)], pa.string())
            converted = convert(column, texts)
            arrays += converted.arrays
            good &= True if converted.fits is None else converted.fits
            for index in np.flatnonzero(fits & ~good).tolist():
                misfits[index] = _misfit(column, cells[index], rows[index], source)
            fits &= good
        table = pa.Table.from_arrays(arrays, schema=table_schema(self.spec))
        return table.filter(pa.array(fits)) if misfits else table, list(misfits.values())


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """How Arrow is asked to read the cells of a block.

    Attributes:
        types: Place as text -> type: integers as such where Arrow reads them as we do, columns of few distinct
            texts as dictionaries, the others as texts.
        nulls: The spellings of null, where all columns share them; Arrow then marks them.
    """

    types: dict[str, pa.DataType]
    nulls: tuple[str, ...] | None

    @classmethod
    def of(cls, block: Block, layout: RawLayout, wide: set[int]) -> Self:
        spellings = {column.nulls for column, _ in layout.present}
        nulls = spellings.pop() if len(spellings) == 1 else None
        may_be_hex = b"x" in block.text or b"X" in block.text  # Arrow reads 0x1F as an integer, we do not
        types = {}
        for column, place in layout.present:
            if column.type in INTEGER_RANGES and nulls == ("",) and not may_be_hex:
                types[str(place)] = arrow_field(column).type
            elif column.type in ("float64", "string") or place in wide:
                types[str(place)] = pa.string()
            else:
                types[str(place)] = _DICTIONARY
        return cls(types=types, nulls=nulls)

    def read(self, block: Block, layout: RawLayout, dialect: Dialect) -> pa.Table:
        return pa_csv.read_csv(
            pa.BufferReader(block.text),
            read_options=pa_csv.ReadOptions(
                column_names=[str(place) for place in range(layout.width)],
                use_threads=False,
                block_size=len(block.text) + 1,
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                newlines_in_values=block.quoting is Quoting.MANY_LINES,
                ignore_empty_lines=layout.width > 1,
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(self.types),
                column_types=self.types,
                null_values=list(self.nulls or ()),
                strings_can_be_null=self.nulls is not None,
            ),
        )


def table_schema(spec: DatasetSpec) -> pa.Schema:
    """Names and types of the Parquet columns."""
    return pa.schema([field for column in spec.columns for field in arrow_fields(column)])


def shape_fault(row: Row, layout: RawLayout) -> str | None:
    """Why the row cannot be told apart into cells as declared, or None."""
    if row.fault is not None:
        return row.fault
    if len(row.cells) == layout.width:
        return None
    kind = "short" if len(row.cells) < layout.width else "long"
    return f"the row is too {kind}: {len(row.cells)} cells where {layout.width} are expected"


def _encodable(cells: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    def good(cell: str) -> bool:
        return cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell)

    return np.array([good(cell) for cell in cells], dtype=np.bool_)


def _misfit(column: ColumnSpec, cell: str, row: Row, source: str) -> Reject:
    return Reject(source=source, line=row.line, column=column.name, value=cell, says=misfit(column, cell), raw=row.raw)

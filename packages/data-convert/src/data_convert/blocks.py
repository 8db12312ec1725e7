"""Parses a block of text into a typed Arrow table: fast where all is well, exactly where anything is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data_convert.columns import arrow_fields, convert, misfit
from data_convert.errors import Reject
from data_convert.records import Block, Quoting
from data_convert.rows import Row, read_rows
from data_convert.spec import ColumnSpec, DatasetSpec

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
        try:
            raw = pa_csv.read_csv(pa.BufferReader(block.text), *self._options(block, layout))
        except pa.ArrowInvalid:
            return None
        arrays: list[pa.Array] = []
        for column, place in layout.kept:
            if place is None:
                arrays += [pa.nulls(raw.num_rows, field.type) for field in arrow_fields(column)]
                continue
            texts = raw.column(str(place)).combine_chunks()
            converted = convert(column, texts)
            if converted.fits is not None:
                return None
            self._note_width(place, texts)
            arrays += converted.arrays
        return pa.Table.from_arrays(arrays, schema=table_schema(self.spec))

    def _options(
        self, block: Block, layout: RawLayout
    ) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
        dialect, places = self.spec.dialect, [place for _, place in layout.present]
        read = pa_csv.ReadOptions(
            column_names=[str(place) for place in range(layout.width)],
            use_threads=False,
            block_size=len(block.text) + 1,
        )
        parse = pa_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            newlines_in_values=block.quoting is Quoting.MANY_LINES,
            ignore_empty_lines=layout.width > 1,
        )
        types = {str(place): pa.string() if place in self.wide else _DICTIONARY for place in places}
        return read, parse, pa_csv.ConvertOptions(include_columns=list(types), column_types=types)

    def _note_width(self, place: int, texts: pa.Array) -> None:
        if pa.types.is_dictionary(texts.type) and len(texts.dictionary) > max(1000, len(texts) // 2):
            self.wide.add(place)

    def _parse_exactly(
        self, block: Block, layout: RawLayout, source: str
    ) -> tuple[pa.Table, list[Reject]]:
        rows, rejects = [], []
        for row in read_rows(block, self.spec.dialect, columns=layout.width):
            if (fault := _shape_fault(row, layout)) is None:
                rows.append(row)
            else:
                rejects.append(Reject(source=source, line=row.line, column=None, value="", says=fault, raw=row.raw))
        table, misfits = self._convert_rows(rows, layout, source)
        return table, sorted(rejects + misfits, key=lambda reject: reject.line)

    def _convert_rows(
        self, rows: Sequence[Row], layout: RawLayout, source: str
    ) -> tuple[pa.Table, list[Reject]]:
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
            for index in np.flatnonzero(fits & ~good):
                misfits[int(index)] = _misfit(column, cells[index], rows[index], source)
            fits &= good
        table = pa.Table.from_arrays(arrays, schema=table_schema(self.spec))
        return table.filter(pa.array(fits)) if misfits else table, list(misfits.values())


def table_schema(spec: DatasetSpec) -> pa.Schema:
    """Names and types of the Parquet columns."""
    return pa.schema([field for column in spec.columns for field in arrow_fields(column)])


def _shape_fault(row: Row, layout: RawLayout) -> str | None:
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
    return Reject(
        source=source, line=row.line, column=column.name, value=cell, says=misfit(column, cell), raw=row.raw
    )

"""Parses a block of text into a typed Arrow table: with kernels if every row fits, else row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from data_convert.columns.conversion import arrow_fields, convert, misfit
from data_convert.reading.changed_types import ChangedTypes
from data_convert.reading.fast_parser import parse_fast, table_schema
from data_convert.reading.layout import RawLayout
from data_convert.reading.ragged_rows import accepted_kind, padded_cells
from data_convert.reading.records import Block, Quoting
from data_convert.reading.rejects import ChangedValues, Reject
from data_convert.reading.rows import Row, read_records
from data_convert.reading.skips import COMMENTS, REPEATED_HEADERS, Skips, total_skips
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from terminal import count_text


@dataclass(frozen=True, kw_only=True)
class ParsedTable:
    """The result of parsing a block.

    Attributes:
        table: The rows that fit.
        rejects: The rows that do not fit.
        skipped: What is neither, and rows that were padded.
        changed: Values of the rows that fit that are of another type than their column.
    """

    table: pa.Table
    rejects: Sequence[Reject] = ()
    skipped: Skips = field(default_factory=dict)
    changed: Sequence[ChangedValues] = ()


@dataclass(kw_only=True)
class BlockParser:
    """Parses blocks of sources that share a spec; may be called from several threads.

    Attributes:
        wide: Places of columns with too many distinct texts to convert each one once. It is learned from block to
            block; it changes how a block is parsed, but never the result.
    """

    spec: DatasetSpec
    wide: set[int] = field(default_factory=set)

    def parse(self, block: Block, layout: RawLayout, *, source: str) -> ParsedTable:
        """Parse a block, fast if possible."""
        if block.quoting is not Quoting.IRREGULAR and not self.spec.dialect.skip_repeated_header:
            table = parse_fast(block, layout, self.spec, self.wide)
            if table is not None:
                return ParsedTable(table=table)
        return self._parse_exactly(block, layout, source)

    def _parse_exactly(self, block: Block, layout: RawLayout, source: str) -> ParsedTable:
        rows, rejects = [], []
        counts: Counter[str] = Counter()
        for record in read_records(block, self.spec.dialect):
            row = record.row_of(layout.width)
            if row is None:
                counts[COMMENTS] += record.is_comment
            elif self._is_repeated_header(row, layout):
                counts[REPEATED_HEADERS] += 1
            elif (kind := self._ragged_kind(row, layout)) is not None:
                rows.append(replace(row, cells=padded_cells(row.cells, layout.width)))
                counts[kind] += 1
            elif (fault := shape_fault(row, layout)) is None:
                rows.append(row)
            else:
                rejects.append(Reject(source=source, line=row.line, column=None, value="", reason=fault, raw=row.raw))
        changed = ChangedTypes(spec=self.spec, rows=rows, source=source)
        table, misfits = self._convert_rows(changed, layout)
        return ParsedTable(
            table=table,
            changed=changed.found(_kept(rows, misfits)),
            rejects=sorted(rejects + misfits, key=lambda reject: reject.line),
            skipped=total_skips([counts]),
        )

    def _is_repeated_header(self, row: Row, layout: RawLayout) -> bool:
        is_equal = row.fault is None and tuple(row.cells) == layout.header
        return is_equal and self.spec.dialect.skip_repeated_header

    def _ragged_kind(self, row: Row, layout: RawLayout) -> str | None:
        return None if row.fault is not None else accepted_kind(row.cells, layout.width, self.spec.dialect)

    def _convert_rows(self, changed: ChangedTypes, layout: RawLayout) -> tuple[pa.Table, list[Reject]]:
        rows, source = changed.rows, changed.source
        fits = np.ones(len(rows), dtype=np.bool_)
        arrays: list[pa.Array] = []
        misfits: dict[int, Reject] = {}
        for column, place in layout.kept:
            if place is None:
                texts = changed.texts(column)
                nulls = [pa.nulls(len(rows), field.type) for field in arrow_fields(column)]
                arrays += nulls if texts is None else [texts]
                continue
            cells = [row.cells[place] for row in rows]
            good = _encodable(cells)
            # Arrow texts are UTF-8: a cell with undecodable bytes is replaced, and is a misfit in any case.
            texts = pa.array([cell if ok else "" for cell, ok in zip(cells, good, strict=True)], pa.string())
            converted = convert(column, texts)
            arrays += converted.arrays
            if changed.are_kept:
                changed.note(column, cells, converted.fits)
            elif converted.fits is not None:
                good &= converted.fits
            # Only the first column that does not fit is reported for a row.
            for index in np.flatnonzero(fits & ~good).tolist():
                misfits[index] = _misfit(column, cells[index], rows[index], source)
            fits &= good
        table = pa.Table.from_arrays(arrays, schema=table_schema(self.spec))
        return table.filter(pa.array(fits)) if misfits else table, list(misfits.values())


def shape_fault(row: Row, layout: RawLayout) -> str | None:
    """Why the row cannot be divided into the declared cells, or None."""
    # The reasons are written to rejects files, whose digests are in the footers of parts: another wording makes other
    # bytes, and so needs another provenance.FORMAT.
    if row.fault is not None:
        return row.fault
    if len(row.cells) == layout.width:
        return None
    kind = "short" if len(row.cells) < layout.width else "long"
    return f"the row is too {kind}: {count_text(len(row.cells), 'cell')} where {layout.width} are expected"


def _kept(rows: Sequence[Row], rejects: Sequence[Reject]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    lines = {reject.line for reject in rejects}
    return np.array([row.line not in lines for row in rows], dtype=np.bool_)


def _encodable(cells: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    def good(cell: str) -> bool:
        return cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell)

    return np.array([good(cell) for cell in cells], dtype=np.bool_)


def _misfit(column: ColumnSpec, cell: str, row: Row, source: str) -> Reject:
    return Reject(
        source=source, line=row.line, column=column.name, value=cell, reason=misfit(column, cell), raw=row.raw
    )

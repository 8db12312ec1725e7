"""Measures what each column weighs in Parquet, by writing one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.blocks import BlockParser, RawLayout
from data_convert.columns import arrow_fields
from data_convert.header import declared_layout, header_layout
from data_convert.parquet import PartWriter
from data_convert.records import Block, cut_blocks
from data_convert.rows import split_header
from data_convert.sources import Source, open_source
from data_convert.spec import DatasetSpec

SAMPLE_BYTES: Final = 32 << 20
"""Text that is encoded; more would change the ratio little."""


def encoded_sizes(spec: DatasetSpec, sources: Sequence[Source]) -> tuple[list[int], int]:
    """Bytes of each column's pages for the beginning of the sources, and the rows that were encoded.

    Each source is encoded by itself, as each becomes a part of its own.
    """
    totals = [0] * len(spec.columns)
    left, rows = SAMPLE_BYTES, 0
    for source in sources:
        if left <= 0:
            break
        sizes, text_bytes, encoded = _sizes_of(spec, source, left)
        totals = [total + size for total, size in zip(totals, sizes, strict=True)]
        left, rows = left - text_bytes, rows + encoded
    return totals, rows


def _sizes_of(spec: DatasetSpec, source: Source, limit: int) -> tuple[list[int], int, int]:
    text_bytes = 0
    parser = BlockParser(spec=spec)
    with tempfile.TemporaryDirectory(prefix="shrinkwrap-") as folder:
        path = Path(folder) / "sample.parquet"
        with PartWriter(path, spec) as writer:
            for block, layout, size in _laid_out(spec, source):
                table, _ = parser.parse(block, layout, source=source.name)
                _write(writer, writer.add(table))
                text_bytes += size
                if text_bytes >= limit:
                    break
            _write(writer, writer.rest())
            writer.finish([], [])
        return _column_sizes(spec, path), text_bytes, writer.rows


def _laid_out(spec: DatasetSpec, source: Source) -> Iterator[tuple[Block, RawLayout, int]]:
    layout = None if spec.dialect.header else declared_layout(spec)
    with open_source(source) as stream:
        for block in cut_blocks(stream.read, spec.dialect, source=str(source.path)):
            size = len(block.text)
            if layout is None:
                header, block = split_header(block, spec.dialect)
                if header is None:
                    continue
                layout = header_layout(spec, header.cells, source=source.path)
            yield block, layout, size


def _write(writer: PartWriter, row_group: pa.Table | None) -> None:
    if row_group is not None:
        writer.write_row_group(row_group)


def _column_sizes(spec: DatasetSpec, path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    stored = [
        sum(metadata.row_group(group).column(place).total_compressed_size for group in range(metadata.num_row_groups))
        for place in range(metadata.num_columns)
    ]
    sizes = iter(stored)
    return [sum(next(sizes) for _ in arrow_fields(column)) for column in spec.columns]

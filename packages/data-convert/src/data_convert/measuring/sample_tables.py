"""Typed tables of the beginning of raw files, in the order of the raw rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from data_convert.reading.block_parser import BlockParser
from data_convert.reading.fast_parser import table_schema
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.reading.table_blocks import TableBlocks
from data_convert.spec.dataset_spec import DatasetSpec

SAMPLE_BYTES: Final = 32 << 20
"""Text that is read; more would change the measured shares little."""

_MOST_SOURCES: Final = 100
"""Encoding thousands of small sources would take most of the time of an inspection."""


@dataclass(frozen=True, kw_only=True)
class SampleTable:
    """The beginning of one source.

    Attributes:
        table: Its rows that fit.
        text_bytes: The text that was read for them.
    """

    table: pa.Table
    text_bytes: int


def sample_tables(spec: DatasetSpec, sources: Sequence[Source]) -> list[pa.Table]:
    """The first rows of the sources, one table per source, from SAMPLE_BYTES of text together."""
    left, tables = SAMPLE_BYTES, []
    for source in sources[:_MOST_SOURCES]:
        if left <= 0:
            break
        sample = _beginning(spec, source, left)
        left -= sample.text_bytes
        tables.append(sample.table)
    return tables


def _beginning(spec: DatasetSpec, source: Source, limit: int) -> SampleTable:
    parser, text_bytes, tables = BlockParser(spec=spec), 0, []
    for block, layout, size in _laid_out(spec, source):
        tables.append(parser.parse(block, layout, source=source.name).table)
        text_bytes += size
        if text_bytes >= limit:
            break
    schema = table_schema(spec)
    return SampleTable(table=pa.concat_tables(tables) if tables else schema.empty_table(), text_bytes=text_bytes)


def _laid_out(spec: DatasetSpec, source: Source) -> Iterator[tuple[Block, RawLayout, int]]:
    with open_source(source) as stream:
        for block, layout in TableBlocks(spec=spec, source=source).read(stream.read):
            yield block, layout, len(block.text)

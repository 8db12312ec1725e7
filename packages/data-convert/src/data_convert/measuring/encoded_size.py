"""Measures what each column weighs in Parquet, by writing it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.columns.fields import arrow_fields
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.output_folder import OutputFolder
from data_convert.writing.part_writer import PartWriter, first_readable


@dataclass(frozen=True, kw_only=True)
class EncodedSizes:
    """Sizes of some tables in Parquet.

    Attributes:
        columns: Bytes of each column's pages in all tables.
        footer_bytes: Bytes of everything else in one of them, on average.
    """

    columns: tuple[int, ...]
    footer_bytes: float


def encoded_sizes(spec: DatasetSpec, tables: Sequence[pa.Table]) -> EncodedSizes:
    """Encode each table alone, because its source becomes a part."""
    sizes = [_sizes_of(spec, table) for table in tables]
    return EncodedSizes(
        columns=tuple(sum(size.columns[place] for size in sizes) for place in range(len(spec.columns))),
        footer_bytes=sum(size.footer_bytes for size in sizes) / max(1, len(sizes)),
    )


def _sizes_of(spec: DatasetSpec, table: pa.Table) -> EncodedSizes:
    with tempfile.TemporaryDirectory(prefix="shrinkwrap-") as folder:
        place = OutputFolder(folder=Path(folder), suffix=".parquet", temporary_prefix=".part-")
        path = place.path("sample.parquet")

        def write(without_delta: frozenset[str]) -> None:
            with PartWriter(place.pending(path.name), spec, without_delta=without_delta) as writer:
                for row_group in (writer.add(table), writer.rest()):
                    if row_group is not None:
                        writer.write_row_group(row_group)
                writer.finish([])

        first_readable(write)
        columns = tuple(_column_sizes(spec, path))
        return EncodedSizes(columns=columns, footer_bytes=path.stat().st_size - sum(columns))


def _column_sizes(spec: DatasetSpec, path: Path) -> list[int]:
    metadata = pq.read_metadata(path)
    stored = [
        sum(metadata.row_group(group).column(place).total_compressed_size for group in range(metadata.num_row_groups))
        for place in range(metadata.num_columns)
    ]
    sizes = iter(stored)
    return [sum(next(sizes) for _ in arrow_fields(column)) for column in spec.columns]

"""What the Parquet on disk weighs beside the raw files it was made from, by dataset and by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from data_convert.errors import NoRawDataError
from data_convert.parquet import TEMPORARY_PREFIX
from data_convert.provenance import Provenance, read_provenance
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP, Rate, Transfer
from data_convert.sources import find_sources
from data_convert.spec import DatasetSpec

if TYPE_CHECKING:
    from data_convert.sizes.size_table import SizeTable


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What one dataset, or all of them together, weigh.

    Attributes:
        parts: Parquet files.
        raw_bytes: The raw files as they were on disk; known from the parts where the raw files are not here.
        text_bytes: The raw files after decompression.
        parquet_bytes: The parts on disk.
    """

    parts: int
    rows: int
    rejects: int
    raw_bytes: int
    text_bytes: int
    parquet_bytes: int

    @property
    def ratio(self) -> float:
        """How many times smaller the Parquet is than the raw files on disk."""
        return self.raw_bytes / self.parquet_bytes if self.parquet_bytes else 0.0

    def transfer(self, rate: Rate) -> Transfer:
        """The time one way over a link, for the raw files and for the Parquet."""
        return Transfer.of(raw_bytes=self.raw_bytes, parquet_bytes=self.parquet_bytes, rate=rate)

    def facts(self) -> dict[str, Any]:
        """What depends on the data alone."""
        return {
            "parts": self.parts,
            "rows": self.rows,
            "rejects": self.rejects,
            "raw_bytes": self.raw_bytes,
            "text_bytes": self.text_bytes,
            "parquet_bytes": self.parquet_bytes,
            "ratio": round(self.ratio, 2),
        }


@dataclass(frozen=True, kw_only=True)
class DatasetSizes(Sizes):
    """One dataset.

    Attributes:
        columns: Column name -> its compressed bytes in all parts, the largest first.
        strangers: Parquet files among the parts that this tool did not write, or that are damaged; not counted.
    """

    name: str
    title: str | None
    columns: dict[str, int]
    strangers: int

    @property
    def footer_bytes(self) -> int:
        """What is not a column's: schema, statistics, provenance."""
        return self.parquet_bytes - sum(self.columns.values())


@dataclass(frozen=True, kw_only=True)
class UnconvertedDataset:
    """A dataset without Parquet here; `commands` are the ways to get it."""

    name: str
    commands: tuple[str, ...]
    strangers: int = 0


@dataclass(frozen=True, kw_only=True)
class SizeReport:
    """All datasets, in the order of datasets.toml, and the links that times are told for."""

    datasets: tuple[DatasetSizes, ...]
    unconverted: tuple[UnconvertedDataset, ...]
    up: Rate
    down: Rate

    @property
    def total(self) -> Sizes:
        """All converted datasets together."""
        names = ("parts", "rows", "rejects", "raw_bytes", "text_bytes", "parquet_bytes")
        return Sizes(**{name: sum(getattr(dataset, name) for dataset in self.datasets) for name in names})

    def table(self) -> SizeTable:
        """For a terminal: a rich renderable."""
        from data_convert.sizes.size_table import SizeTable  # rich is not needed for facts and pages

        return SizeTable(report=self)

    def facts(self) -> dict[str, Any]:
        """For programs. Sizes are bytes, rates bits per second, times seconds."""
        return {
            "up_bits_per_s": self.up.bits_per_s,
            "down_bits_per_s": self.down.bits_per_s,
            "datasets": [
                {"dataset": dataset.name, **self._facts_of(dataset), "column_bytes": dataset.columns}
                for dataset in self.datasets
            ],
            "unconverted": [{"dataset": d.name, "commands": list(d.commands)} for d in self.unconverted],
            "total": self._facts_of(self.total),
        }

    def _facts_of(self, sizes: Sizes) -> dict[str, Any]:
        upload, download = sizes.transfer(self.up), sizes.transfer(self.down)
        return {**sizes.facts(), "upload": upload.facts(), "download": download.facts()}


def size_report(
    specs: Iterable[DatasetSpec], root: Path, *, up: Rate = DEFAULT_UP, down: Rate = DEFAULT_DOWN
) -> SizeReport:
    """Read the footers of every part below `root` (the folder of datasets.toml), and nothing else of them.

    The raw files need not be here: each footer knows what its part was made from.
    """
    found = [_look_at(spec, root) for spec in specs]
    return SizeReport(
        datasets=tuple(dataset for dataset in found if isinstance(dataset, DatasetSizes)),
        unconverted=tuple(dataset for dataset in found if isinstance(dataset, UnconvertedDataset)),
        up=up,
        down=down,
    )


def _look_at(spec: DatasetSpec, root: Path) -> DatasetSizes | UnconvertedDataset:
    paths = sorted((root / spec.output).rglob("*.parquet"))
    read = {path: read_provenance(path) for path in paths if not path.name.startswith(TEMPORARY_PREFIX)}
    parts = {path: made for path, made in read.items() if made is not None}
    strangers = len(read) - len(parts)
    if not parts:
        return UnconvertedDataset(name=spec.name, commands=_ways_to_get(spec, root), strangers=strangers)
    return _dataset_sizes(spec, parts, strangers)


def _dataset_sizes(spec: DatasetSpec, parts: dict[Path, Provenance], strangers: int) -> DatasetSizes:
    sources = [source for made in parts.values() for source in made.sources]
    return DatasetSizes(
        name=spec.name,
        title=spec.title,
        parts=len(parts),
        rows=sum(made.rows for made in parts.values()),
        rejects=sum(made.rejects for made in parts.values()),
        raw_bytes=sum(source.size_bytes for source in sources),
        text_bytes=sum(source.text_bytes for source in sources),
        parquet_bytes=sum(path.stat().st_size for path in parts),
        columns=_column_bytes(parts),
        strangers=strangers,
    )


def _column_bytes(parts: Iterable[Path]) -> dict[str, int]:
    """Column -> compressed bytes of its pages in all row groups of all parts, the largest first."""
    total: Counter[str] = Counter()
    for path in parts:
        metadata = pq.read_metadata(path)
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for index in range(row_group.num_columns):
                column = row_group.column(index)
                total[column.path_in_schema] += column.total_compressed_size
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _ways_to_get(spec: DatasetSpec, root: Path) -> tuple[str, ...]:
    try:
        find_sources(root, spec)
    except NoRawDataError:
        return (f"invoke data.pull --dataset {spec.name}", f"invoke data.sample --dataset {spec.name}")
    return (f"invoke data.compress --dataset {spec.name}",)

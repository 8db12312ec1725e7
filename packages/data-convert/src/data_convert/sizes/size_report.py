"""Sizes of the Parquet on disk and of the raw files it was made from, by dataset and by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from data_convert.errors import NoRawDataError
from data_convert.reading.sources import check_raw_data
from data_convert.series.completeness import Finding
from data_convert.sizes.filtered_read import FilteredRead, filtered_read_of
from data_convert.sizes.transfer import DEFAULT_DOWN, DEFAULT_UP, Transfer
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs, select_specs
from data_convert.storage.opening import part_place
from data_convert.storage.output_place import OutputPlace
from dataset_spec import DATASETS_FILE
from s3_access import StoreError, is_s3_url
from terminal import Rate

if TYPE_CHECKING:
    from data_convert.sizes.part_facts import PartFacts, PartsFacts


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of one dataset, or of all together.

    Attributes:
        parts: Parquet files.
        raw_bytes: The raw files on disk, as the footers of the parts recorded them.
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
        """The time over a link in one direction, for the raw files and for the Parquet."""
        return Transfer.of(raw_bytes=self.raw_bytes, parquet_bytes=self.parquet_bytes, rate=rate)

    def facts(self) -> dict[str, Any]:
        """The figures that depend on the data alone."""
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
        foreign_files: Parquet files in the folder that this tool did not write or that are damaged; not counted.
        findings: Signs that data are missing.
        reads: What a reader fetches of the largest part for one value of a key, for the first key and for a time.
    """

    name: str
    title: str | None
    columns: dict[str, int]
    foreign_files: int
    findings: tuple[Finding, ...] = ()
    reads: tuple[FilteredRead, ...] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self | None:
        """The sizes from their fields as JSON; None if another version wrote them."""
        try:
            findings = tuple(Finding(**found) for found in record["findings"])
            reads = tuple(FilteredRead(**read) for read in record["reads"])
            return cls(**{**record, "findings": findings, "reads": reads})
        except (KeyError, TypeError):
            return None

    @property
    def footer_bytes(self) -> int:
        """Everything outside the columns: schema, statistics, page indexes, provenance."""
        return self.parquet_bytes - sum(self.columns.values())

    @property
    def footer_share(self) -> float:
        """Share of the Parquet that is not columns; large if the parts are small."""
        return self.footer_bytes / self.parquet_bytes if self.parquet_bytes else 0.0


@dataclass(frozen=True, kw_only=True)
class UnconvertedDataset:
    """A dataset without local Parquet; `commands` are the ways to get it."""

    name: str
    commands: tuple[str, ...]
    foreign_files: int = 0


@dataclass(frozen=True, kw_only=True)
class UnreadDataset:
    """A dataset whose Parquet the server of its bucket does not give, and the error."""

    name: str
    error: str


@dataclass(frozen=True, kw_only=True)
class SizeReport:
    """All datasets, in the order of datasets.toml, and the rates of the links for which times are computed.

    Attributes:
        unread: Datasets that are missing from the report, and from its total.
    """

    datasets: tuple[DatasetSizes, ...]
    unconverted: tuple[UnconvertedDataset, ...]
    up: Rate
    down: Rate
    unread: tuple[UnreadDataset, ...] = ()

    @property
    def total(self) -> Sizes:
        """All converted datasets together."""
        names = ("parts", "rows", "rejects", "raw_bytes", "text_bytes", "parquet_bytes")
        return Sizes(**{name: sum(getattr(dataset, name) for dataset in self.datasets) for name in names})

    def facts(self) -> dict[str, Any]:
        """For programs. Sizes are bytes, rates bits per second, times seconds."""
        return {
            "up_bits_per_s": self.up.bits_per_s,
            "down_bits_per_s": self.down.bits_per_s,
            "datasets": [
                {
                    "dataset": dataset.name,
                    **self._facts_of(dataset),
                    "column_bytes": dataset.columns,
                    "footer_bytes": dataset.footer_bytes,
                    "reads": [asdict(read) for read in dataset.reads],
                    "findings": [finding.facts() for finding in dataset.findings],
                }
                for dataset in self.datasets
            ],
            "unconverted": [{"dataset": d.name, "commands": list(d.commands)} for d in self.unconverted],
            "failures": [{"dataset": dataset.name, "error": dataset.error} for dataset in self.unread],
            "total": self._facts_of(self.total),
        }

    def _facts_of(self, sizes: Sizes) -> dict[str, Any]:
        upload, download = sizes.transfer(self.up), sizes.transfer(self.down)
        return {**sizes.facts(), "upload": upload.facts(), "download": download.facts()}


def size_report(
    root: Path,
    names: Sequence[str] | None = None,
    *,
    up: Rate = DEFAULT_UP,
    down: Rate = DEFAULT_DOWN,
    known: Mapping[str, DatasetSizes] | None = None,
) -> SizeReport:
    """The sizes of the named datasets, or of all.

    Args:
        root: The project.
        known: Sizes by dataset that are not measured again.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, or a name is unknown.
    """
    specs = select_specs(load_specs(root / DATASETS_FILE), names)
    return measure_sizes(specs, (root / DATASETS_FILE).parent, up=up, down=down, known=known)


def measure_sizes(
    specs: Iterable[DatasetSpec],
    data_folder: Path,
    *,
    up: Rate = DEFAULT_UP,
    down: Rate = DEFAULT_DOWN,
    known: Mapping[str, DatasetSizes] | None = None,
) -> SizeReport:
    """Read the footers of all parts, and no other part of them.

    The raw files may be missing, because each footer has the sizes of the files its part was made from. A bucket that
    cannot be read does not stop the report of the other datasets.

    Args:
        data_folder: Folder of datasets.toml.
        known: Sizes by dataset that are not measured again.
    """
    found = [(known or {}).get(spec.name) or _sizes_or_error(spec, data_folder) for spec in specs]
    return SizeReport(
        datasets=tuple(dataset for dataset in found if isinstance(dataset, DatasetSizes)),
        unconverted=tuple(dataset for dataset in found if isinstance(dataset, UnconvertedDataset)),
        up=up,
        down=down,
        unread=tuple(dataset for dataset in found if isinstance(dataset, UnreadDataset)),
    )


def _sizes_or_error(spec: DatasetSpec, data_folder: Path) -> DatasetSizes | UnconvertedDataset | UnreadDataset:
    try:
        return _read_sizes(spec, data_folder)
    except StoreError as error:
        return UnreadDataset(name=spec.name, error=str(error))


def _read_sizes(spec: DatasetSpec, data_folder: Path) -> DatasetSizes | UnconvertedDataset:
    # pyarrow takes a third of a second, which a report of known sizes saves.
    from data_convert.sizes.part_facts import read_parts_facts

    place = part_place(data_folder, spec.output)
    found = read_parts_facts(place)
    if not found.parts:
        return UnconvertedDataset(
            name=spec.name, commands=_commands_to_get(spec, data_folder), foreign_files=found.foreign_files
        )
    return _dataset_sizes(spec, data_folder, place, found)


def _dataset_sizes(spec: DatasetSpec, data_folder: Path, place: OutputPlace, found: PartsFacts) -> DatasetSizes:
    from data_convert.sizes.part_findings import part_findings

    parts = found.parts
    sources = [source for part in parts for source in part.provenance.sources]
    raw_folder = None if is_s3_url(spec.source) else data_folder / spec.source
    return DatasetSizes(
        name=spec.name,
        title=spec.title,
        parts=len(parts),
        rows=sum(part.provenance.rows for part in parts),
        rejects=sum(part.provenance.rejects for part in parts),
        raw_bytes=sum(source.size_bytes for source in sources),
        text_bytes=sum(source.text_bytes for source in sources),
        parquet_bytes=sum(part.file.size_bytes for part in parts),
        columns=_column_bytes(parts),
        foreign_files=found.foreign_files,
        findings=tuple(part_findings(parts, raw_folder)),
        reads=tuple(_reads(spec, place, parts)),
    )


def _reads(spec: DatasetSpec, place: OutputPlace, parts: Iterable[PartFacts]) -> Iterator[FilteredRead]:
    """Reads of the largest part by the first key, and by the first time that is a key."""
    file = max((part.file for part in parts), key=lambda file: (file.size_bytes, PurePosixPath(file.name).name))
    times = [column.name for column in spec.columns if column.type in ("date", "timestamp")]
    keys = [*spec.sort[:1], *[name for name in (*spec.sort, *times) if name in times][:1]]
    for key in dict.fromkeys(keys):
        with place.open(file) as opened:
            read = filtered_read_of(opened, file.size_bytes, key)
        if read is not None:
            yield read


def _column_bytes(parts: Iterable[PartFacts]) -> dict[str, int]:
    """Column -> compressed bytes of its pages in all row groups of all parts, the largest first."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part.column_bytes)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _commands_to_get(spec: DatasetSpec, data_folder: Path) -> tuple[str, ...]:
    if is_s3_url(spec.output):
        return (f"invoke data.compress --dataset {spec.name}",)
    try:
        check_raw_data(data_folder, spec)
    except NoRawDataError:
        return (f"invoke data.pull --dataset {spec.name}", f"invoke data.sample --dataset {spec.name}")
    return (f"invoke data.compress --dataset {spec.name}",)

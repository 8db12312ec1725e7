"""What the size report finds on disk."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.sizes.size_report import measure_sizes
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from terminal import Rate

TREES = DatasetSpec(
    name="trees",
    source="raw/trees",
    output="parquet/trees",
    layout=(ColumnSpec(name="id", header="id", type="int32"), ColumnSpec(name="kind", header="kind", type="string")),
    on_reject="keep",
)
BUSHES = DatasetSpec(
    name="bushes", source="raw/bushes", output="parquet/bushes", layout=TREES.layout, title="Smaller than trees"
)


def _convert(root: Path) -> None:
    folder = root / TREES.source
    folder.mkdir(parents=True)
    (folder / "north.csv").write_text("id,kind\n" + "".join(f"{n},oak\n" for n in range(2000)) + "x,elm\n")
    (folder / "south.csv.gz").write_bytes(gzip.compress(b"id,kind\n7,fir\n", mtime=0))
    convert_dataset(TREES, data_folder=root)


def test_facts_come_from_the_parts(tmp_path: Path) -> None:
    """Raw bytes are those on disk, text bytes those after decompression, and times follow from the rates."""
    _convert(tmp_path)
    raw = sum(path.stat().st_size for path in (tmp_path / TREES.source).iterdir())
    parts = list((tmp_path / TREES.output).glob("*.parquet"))
    parquet = sum(path.stat().st_size for path in parts)
    report = measure_sizes([TREES], tmp_path, up=Rate.parse("8kbps"), down=Rate.parse("1kB/s"))
    (facts,) = report.facts()["datasets"]
    columns = facts.pop("column_bytes")
    assert facts.pop("footer_bytes") == parquet - sum(columns.values())
    times = {"before_s": round(raw / 1000, 3), "after_s": round(parquet / 1000, 3)}
    assert facts == {
        "dataset": "trees",
        "parts": 2,
        "rows": 2001,
        "rejects": 1,
        "raw_bytes": raw,
        "text_bytes": (tmp_path / TREES.source / "north.csv").stat().st_size + len("id,kind\n7,fir\n"),
        "parquet_bytes": parquet,
        "ratio": round(raw / parquet, 2),
        "findings": [],
        "reads": [],
        "upload": times,
        "download": times,
    }
    metadata = [pq.read_metadata(path).row_group(0) for path in parts]
    assert columns == {
        name: sum(group.column(index).total_compressed_size for group in metadata)
        for index, name in enumerate(("id", "kind"))
    }


def test_report_works_without_the_raw_files(tmp_path: Path) -> None:
    """Without the raw files, after data.pull, the report is the same."""
    _convert(tmp_path)
    before = measure_sizes([TREES], tmp_path).facts()
    shutil.rmtree(tmp_path / TREES.source)
    assert measure_sizes([TREES], tmp_path).facts() == before


def test_columns_and_footers_add_up_to_the_parquet(tmp_path: Path) -> None:
    """No byte of the files is left unexplained, and the largest column comes first."""
    _convert(tmp_path)
    (trees,) = measure_sizes([TREES], tmp_path).datasets
    assert sum(trees.columns.values()) + trees.footer_bytes == trees.parquet_bytes
    assert list(trees.columns.values()) == sorted(trees.columns.values(), reverse=True)
    assert 0 < trees.footer_bytes < trees.parquet_bytes


def test_dataset_without_parquet_has_its_commands(tmp_path: Path) -> None:
    """With raw files it is to be compressed; without any, pulled or sampled."""
    (tmp_path / TREES.source).mkdir(parents=True)
    (tmp_path / TREES.source / "north.csv").write_text("id,kind\n1,oak\n")
    report = measure_sizes([TREES, BUSHES], tmp_path)
    assert report.facts()["unconverted"] == [
        {"dataset": "trees", "commands": ["invoke data.compress --dataset trees"]},
        {
            "dataset": "bushes",
            "commands": ["invoke data.pull --dataset bushes", "invoke data.sample --dataset bushes"],
        },
    ]
    assert report.datasets == ()
    assert report.facts()["total"]["ratio"] == 0


def test_other_parquet_files_are_counted_as_foreign_files(tmp_path: Path) -> None:
    """A file that this tool did not write, or half a file, adds only a remark."""
    _convert(tmp_path)
    before = measure_sizes([TREES], tmp_path).facts()
    folder = tmp_path / TREES.output
    pq.write_table(pa.table({"id": [1]}), folder / "mine.parquet")
    (folder / "half.parquet").write_bytes((folder / "north.parquet").read_bytes()[:100])
    (folder / ".part-now.parquet").write_bytes(b"PAR1")
    report = measure_sizes([TREES], tmp_path)
    assert report.datasets[0].foreign_files == 2
    assert report.facts() == before


def test_total_adds_all_datasets(tmp_path: Path) -> None:
    """The total's ratio is that of the sums."""
    _convert(tmp_path)
    shutil.copytree(tmp_path / TREES.output, tmp_path / BUSHES.output)
    report = measure_sizes([TREES, BUSHES], tmp_path)
    trees, bushes = report.datasets
    assert report.total.parquet_bytes == trees.parquet_bytes + bushes.parquet_bytes
    assert (report.total.rows, report.total.rejects, report.total.parts) == (4002, 2, 4)
    assert report.total.ratio == trees.ratio

"""data.report says how many bytes a read of one key fetches, and how much of small files are footers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from data_convert.sizes.filtered_read import FilteredRead, filtered_read
from data_convert.sizes.size_report import DatasetSizes, measure_sizes
from data_convert.sizes.size_table import footer_lines, size_table
from terminal import size_text


def indexed(path: Path, *, page_rows: int, rows: int = 10_000, group_rows: int = 10_000) -> pq.FileMetaData:
    """A file sorted by `key`, with noise in `value`."""
    noise = np.random.default_rng(1).random(rows)
    table = pa.table({"key": np.arange(rows) // 10, "name": [f"{n:06}" for n in range(rows)], "value": noise})
    pq.write_table(
        table,
        path,
        write_page_index=True,
        max_rows_per_page=page_rows,
        row_group_size=group_rows,
        use_dictionary=["name"],
        store_schema=False,
    )
    return pq.read_metadata(path)


def test_one_key_needs_one_page_of_each_column(tmp_path: Path) -> None:
    """Of ten pages, and of all dictionaries; a reader without page indexes needs the row group."""
    metadata = indexed(tmp_path / "x.parquet", page_rows=1000)
    size = (tmp_path / "x.parquet").stat().st_size
    read = filtered_read(tmp_path / "x.parquet", "key")
    assert read is not None
    footer = metadata.serialized_size + 8
    chunks = [metadata.row_group(0).column(place) for place in range(3)]
    total = sum(chunk.total_compressed_size for chunk in chunks)
    dictionary = chunks[1].data_page_offset - (chunks[1].dictionary_page_offset or 0)
    assert (read.key, read.part_bytes, read.row_group_bytes) == ("key", size, footer + total)
    expected = footer + dictionary + (total - dictionary) / 10
    assert expected * 0.95 < read.fetched_bytes < expected * 1.15 + 300


@pytest.mark.parametrize("key", ["key", "name", "value"])
def test_row_groups_without_the_key_are_not_fetched(tmp_path: Path, key: str) -> None:
    """Integers, texts and floats are compared as such; noise is in every row group."""
    indexed(tmp_path / "x.parquet", page_rows=1000, group_rows=1000)
    read = filtered_read(tmp_path / "x.parquet", key)
    assert read is not None
    assert (read.row_group_bytes < 0.2 * read.part_bytes) == (key != "value")


def test_a_file_without_page_indexes_has_no_answer(tmp_path: Path) -> None:
    """Nothing is estimated."""
    pq.write_table(pa.table({"key": [1, 2]}), tmp_path / "x.parquet")
    assert filtered_read(tmp_path / "x.parquet", "key") is None


def test_report_has_the_reads_of_keys_and_times(lab: Any) -> None:
    """The first key, and the first time among the keys; as facts, as text, and in the record of a run."""
    rows = "".join(f"{n % 500},2024-01-{n % 28 + 1:02},{n * 7919 % 10007}\n" for n in range(150_000))
    lab.raw("a.csv", "id,day,value\n" + rows)
    kinds = {"id": "int32", "day": {"type": "date", "formats": ("%Y-%m-%d",)}, "value": "int32"}
    spec = lab.spec(kinds, sort=("id", "day"))
    lab.convert(spec)
    report = measure_sizes([spec], lab.root)
    (facts,) = report.facts()["datasets"]
    assert [read["key"] for read in facts["reads"]] == ["id", "day"]
    by_id, by_day = facts["reads"]
    assert by_id["fetched_bytes"] < 0.6 * by_day["fetched_bytes"]
    console = Console(width=80)
    with console.capture() as shown:
        for item in size_table(report):
            console.print(item)
    (row,) = (line for line in shown.get().splitlines() if line.split()[:2] == ["trees", "id"])
    assert row.split()[2:] == [
        word for name in ("part_bytes", "fetched_bytes", "row_group_bytes") for word in size_text(by_id[name]).split()
    ]
    record = json.loads(json.dumps(asdict(report.datasets[0])))
    assert DatasetSizes.from_record(record) == report.datasets[0]
    assert isinstance(report.datasets[0].reads[0], FilteredRead)


def test_footers_of_small_parts_are_reported(lab: Any) -> None:
    """Many small files are mostly footers, and the report says which key helps."""
    for number in range(3):
        lab.raw(f"{number}.csv", f"id,kind\n{number},oak\n")
    lab.convert(lab.spec())
    (line,) = footer_lines(measure_sizes([lab.spec()], lab.root))
    assert line.endswith("because its parts are small; `parts` in datasets.toml makes large parts of many files.")
    lab.raw("0.csv", "id,kind\n" + "".join(f"{n},{n * 7919}\n" for n in range(30_000)))
    lab.convert(lab.spec())
    assert footer_lines(measure_sizes([lab.spec()], lab.root)) == []

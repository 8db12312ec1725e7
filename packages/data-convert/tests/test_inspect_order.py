"""data.inspect finds the order of the rows that makes the Parquet smallest, and writes it into the table."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.inspection.spec_text import write_table
from data_convert.measuring import row_order
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs
from data_convert.writing.effort import Effort, effort_of
from data_convert.writing.encodings import encoded_bytes


def readings(*, hours: int, sensors: int = 60) -> list[str]:
    """Rows in the order of time: each sensor has a level of its own that moves a little every hour."""
    chance = random.Random(4)
    levels = [chance.randrange(100_000) for _ in range(sensors)]
    rows = []
    for hour in range(hours):
        for sensor in range(sensors):
            levels[sensor] += chance.randrange(-3, 4)
            rows.append(f"2024-01-{hour // 24 + 1:02} {hour % 24:02}:00,S{sensor * 37 % 100:03},{levels[sensor]}")
    return rows


def table_of(data: Path, rows: list[str]) -> str:
    """The text of datasets.toml after the rows were inspected."""
    folder = data / "raw" / "csv" / "mine"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("when,sensor,level\n" + "\n".join(rows) + "\n")
    write_table(data / "datasets.toml", "mine", inspect_path(folder))
    return (data / "datasets.toml").read_text()


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_key_and_time_are_the_order(tmp_path: Path, is_shuffled: bool) -> None:
    """The sensor and then the time, whether or not the raw rows are in the order of time."""
    rows = readings(hours=200)
    if is_shuffled:
        random.Random(1).shuffle(rows)
    assert 'sort = ["sensor", "when"] # ' in table_of(tmp_path, rows)


def test_gain_in_the_comment_is_the_gain_of_the_conversion(tmp_path: Path) -> None:
    """The comment has the measured gain, and the conversion with and without the order differs by it."""
    rows = readings(hours=200)
    text = table_of(tmp_path, rows)
    match = re.search(r"# ([0-9]+)% smaller than in the raw order, measured on 12,000 rows", text)
    assert match is not None
    assert "sort = []" not in text
    sorted_bytes = convert_dataset(load_specs(tmp_path / "datasets.toml")["mine"], data_folder=tmp_path).parquet_bytes
    part = tmp_path / "raw" / "parquet" / "mine" / "a.parquet"
    assert [column.column_index for column in pq.read_metadata(part).row_group(0).sorting_columns] == [1, 0]
    assert pq.read_table(part)["sensor"].to_pylist() == sorted(row.split(",")[1] for row in rows)
    (tmp_path / "datasets.toml").write_text(re.sub(r"sort = .*", "sort = []", text))
    raw_bytes = convert_dataset(load_specs(tmp_path / "datasets.toml")["mine"], data_folder=tmp_path).parquet_bytes
    assert pq.read_table(part)["sensor"].to_pylist() == [row.split(",")[1] for row in rows]
    gain = 1 - sorted_bytes / raw_bytes
    assert gain > 0.3
    assert abs(gain - int(match[1]) / 100) < 0.05


def test_rows_in_the_best_order_already_have_no_sort(tmp_path: Path) -> None:
    """A raw order that no other order improves by two percent is kept."""
    rows = sorted(readings(hours=200), key=lambda row: row.split(",")[1])
    assert "sort = " not in table_of(tmp_path, rows)


def test_order_is_the_same_in_every_run(tmp_path: Path) -> None:
    """The search has no chance and no clock in it."""
    rows = readings(hours=60)
    found = {table_of(tmp_path / str(number), rows) for number in range(3)}
    assert len(found) == 1


def test_an_order_that_the_rows_have_is_no_finding_and_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted rows in the same order have the same bytes."""
    table = pa.table({"key": pa.array([place // 50 for place in range(1_000)], pa.int32()), "same": ["x"] * 1_000})
    search = row_order._Search.of([table], effort_of(DatasetSpec(name="a", source="", output="", layout=())))
    measured: list[int] = []

    def counted(table: pa.Table, effort: Effort) -> int:
        measured.append(table.num_columns)
        return encoded_bytes(table, effort)

    monkeypatch.setattr(row_order, "encoded_bytes", counted)

    assert not search.is_moved(("key",))
    assert search.size(("key",)) == search.size(()) == encoded_bytes(table, search.effort)
    # Each column once.
    assert measured == [1, 1]

"""`load()` returns the same values in pandas, Arrow, Polars and DuckDB."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shrinkwrap import load

# The hour that occurs twice in California: a wall-clock time has no zone, and must not move.
CLOCK = datetime(2024, 11, 3, 1, 30)
COLUMNS = {
    "time": ([CLOCK, None, CLOCK], pa.timestamp("us")),
    "instant": ([CLOCK.replace(tzinfo=UTC), None, CLOCK.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "day": ([CLOCK.date(), None, date(1969, 12, 31)], pa.date32()),
    "speed": ([Decimal("0.3"), None, Decimal("61.5")], pa.decimal128(9, 1)),
    "price": ([Decimal("1.10"), None, Decimal("2.00")], pa.decimal128(12, 2)),
    "vehicle": ([2**53 + 1, None, 3], pa.int64()),
    "flow": ([None, 7, 8], pa.int16()),
    "is_open": ([True, None, False], pa.bool_()),
    "kind": (["ü", None, ""], pa.string()),
    "share": ([0.1, None, -0.0], pa.float64()),
}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of two equal parts."""
    (tmp_path / "counts").mkdir()
    (tmp_path / "datasets.toml").write_text('[datasets.counts]\noutput = "counts"\n')
    table = pa.table({name: pa.array(values, kind) for name, (values, kind) in COLUMNS.items()})
    for name in ("a", "b"):
        with pq.ParquetWriter(tmp_path / f"counts/{name}.parquet", table.schema, store_schema=False) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({"shrinkwrap": json.dumps({"exact": ["speed"]})})
    monkeypatch.setenv("SHRINKWRAP_DATA", str(tmp_path))
    return tmp_path / "counts"


def expected() -> list[tuple[Any, ...]]:
    columns = {name: list(values) for name, (values, _) in COLUMNS.items()}
    columns["speed"] = [None if value is None else float(value) for value in columns["speed"]]
    return list(zip(*(values * 2 for values in columns.values()), strict=True))


def pandas_rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Its rows with None for each missing value, and dates as dates."""
    plain = frame.astype(object).where(frame.notna(), None)
    plain["day"] = [None if pd.isna(day) else day.date() for day in frame.day]
    return list(plain.itertuples(index=False, name=None))


def test_all_engines_have_equal_values(parts: Path) -> None:
    """Exact decimals are floats, no integer is rounded, no time moves, and missing values are missing."""
    assert pandas_rows(load("counts")) == expected()
    assert [tuple(row.values()) for row in load("counts", engine="arrow").to_pylist()] == expected()
    assert load("counts", engine="polars").rows() == expected()
    # DuckDB's own tuples of instants need pytz.
    relation = load("counts", engine="duckdb")
    assert [tuple(row.values()) for row in relation.to_arrow_table().to_pylist()] == expected()


def test_all_engines_have_the_same_rows(parts: Path) -> None:
    """Columns, parts and rows are selected before a library sees them."""
    selection: dict[str, Any] = {"columns": ["flow", "kind"], "parts": "b", "where": [("speed", ">", 0.3)]}
    rows = [(8, "")]
    assert list(load("counts", **selection).itertuples(index=False, name=None)) == rows
    assert load("counts", engine="arrow", **selection).to_pylist() == [{"flow": 8, "kind": ""}]
    assert load("counts", engine="polars", **selection).equals(pl.DataFrame({"flow": [8], "kind": [""]}, strict=False))
    assert load("counts", engine="duckdb", **selection).fetchall() == rows

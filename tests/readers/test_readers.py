"""Parts open in pandas, pyarrow, Polars, DuckDB and fastparquet with the values of the raw text."""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from data_convert import convert_dataset, parse_specs

TABLE = """
[datasets.trees]
source = "raw"
output = "parts"
sort = ["station", "when"]
columns = [
    { name = "station", type = "int32" },
    { name = "when", type = "timestamp", formats = ["%Y-%m-%d %H:%M:%S"], precision = "ms" },
    { name = "logged", type = "timestamp", formats = ["%Y-%m-%d %H:%M:%S.%f"] },
    { name = "instant", type = "timestamp", formats = ["%Y-%m-%d %H:%M:%S"], zone = "UTC" },
    { name = "day", type = "date", formats = ["%Y-%m-%d"] },
    { name = "flow", type = "int16" },
    { name = "total", type = "int64" },
    { name = "hash", type = "int64" },
    { name = "size", type = "uint64" },
    { name = "speed", type = "float64", exact = "decimal(9, 1)" },
    { name = "level", type = "float64", exact = "decimal(15, 12)" },
    { name = "kind", type = "string" },
    { name = "note", type = "string" },
    { name = "is_open", type = "bool" },
]
"""

READERS: dict[str, Callable[[Path], dict[str, list[Any]]]] = {
    "pandas": lambda path: pd.read_parquet(path).to_dict("list"),
    "pyarrow": lambda path: pq.read_table(path).to_pydict(),
    "polars": lambda path: pl.read_parquet(path).to_dict(as_series=False),
    "duckdb": lambda path: duckdb.read_parquet(str(path)).to_arrow_table().to_pydict(),
    "fastparquet": lambda path: fastparquet.ParquetFile(path).to_pandas().to_dict("list"),
}


MakePart = Callable[..., Path]


def rows() -> list[dict[str, Any]]:
    """Rows of many stations in the order of time, with nulls, steps, noise, repeated and distinct values."""
    chance = random.Random(6)
    start, total, found = datetime(2024, 1, 1), 10**12, []
    for number in range(24_000):
        when = start + timedelta(minutes=5 * (number // 60), days=30 * (number % 7 == 0))
        total += chance.randrange(5000)
        row = {
            "station": 400_000 + number * 37 % 60,
            "when": when,
            "logged": when + timedelta(microseconds=chance.randrange(1, 10**6)),
            "instant": when + timedelta(seconds=chance.randrange(60)),
            "day": when.date(),
            "flow": round(100 + 80 * (number // 60 % 288) / 288 + chance.gauss(0, 9)),
            "total": total,
            "hash": chance.randrange(-(2**62), 2**62),
            "size": 2**63 + chance.randrange(2**40),
            "speed": chance.randrange(0, 800) / 10,
            "level": chance.randrange(10**14) / 10**12,
            "kind": chance.choice(["ML", "HV", "ünï", "OR"]),
            "note": f"{chance.randrange(10**9)} käse",
            "is_open": chance.random() < 0.3,
        }
        for name in row:
            # pandas holds integers with nulls as float64, which has not all of these.
            if name not in ("station", "when", "hash", "size") and chance.random() < 0.05:
                row[name] = None
        found.append(row)
    return sorted(found, key=lambda row: (row["station"], row["when"]))


ROWS = rows()


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> MakePart:
    """Makes the part of some settings once."""

    @functools.cache
    def make(effort: str, decimals: str = "float64") -> Path:
        return part(tmp_path_factory.mktemp("data"), effort=effort, decimals=decimals)

    return make


def part(folder: Path, **settings: str) -> Path:
    """The rows as a part, from CSV text."""
    raw = folder / "raw" / "a.csv"
    raw.parent.mkdir()
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    lines = [",".join("" if value is None else _text(value) for value in row.values()) for row in shuffled]
    raw.write_text("\n".join([",".join(ROWS[0]), *lines]) + "\n", encoding="utf-8")
    table = tomllib.loads(TABLE)
    table["datasets"]["trees"] |= settings
    spec = parse_specs(table, path=folder / "datasets.toml")["trees"]
    convert_dataset(spec, data_folder=folder)
    return folder / "parts" / "a.parquet"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"[: 26 if value.microsecond else 19]
    return str(value)


def plain(value: Any) -> Any:
    """A value of any reader as the Python value that the raw text stands for."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return datetime(value.year, value.month, value.day) if isinstance(value, date) else value


def differing(found: dict[str, list[Any]], decimals: tuple[str, ...] = ()) -> dict[str, Any]:
    """The first wrong value of each column, with the right one."""
    wrong = {}
    for name in ROWS[0]:
        for row, value in zip(ROWS, found[name], strict=True):
            want = plain(row[name])
            if name in decimals and want is not None:
                want = Decimal(_text(want))
            if plain(value) != want:
                wrong[name] = (plain(value), want)
                break
    return wrong


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("effort", ["fast", "balanced"])
@pytest.mark.parametrize("reader", READERS)
def test_every_reader_has_equal_values(parts: MakePart, reader: str, effort: str) -> None:
    """The order, nulls and values of the raw text, with every encoding that is used by default."""
    path = parts(effort)
    group = pq.read_metadata(path).row_group(0)
    used = {name for place in range(group.num_columns) for name in group.column(place).encodings}
    assert used == {"PLAIN", "RLE", "RLE_DICTIONARY", "DELTA_BINARY_PACKED"}
    assert differing(READERS[reader](path)) == {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("settings", [("max",), ("balanced", "exact"), ("max", "exact")])
@pytest.mark.parametrize("reader", ["pandas", "pyarrow", "polars", "duckdb"])
def test_the_smallest_files_have_equal_values(parts: MakePart, reader: str, settings: tuple[str, ...]) -> None:
    """These files need readers that know byte-stream split; fastparquet does not."""
    path = parts(*settings)
    group = pq.read_metadata(path).row_group(0)
    assert "BYTE_STREAM_SPLIT" in {name for place in range(group.num_columns) for name in group.column(place).encodings}
    assert differing(READERS[reader](path), ("speed", "level") if "exact" in settings else ()) == {}


# It leaves the file open when it fails.
@pytest.mark.filterwarnings("ignore")
def test_fastparquet_refuses_byte_stream_split(parts: MakePart) -> None:
    """The day it reads these files, the settings above need no exception."""
    with pytest.raises(Exception, match="Encoding"):
        READERS["fastparquet"](parts("max"))

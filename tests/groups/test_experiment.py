"""notebooks/lib: the columns and parts that it reads, the types that it returns, and its errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LIB = Path(__file__).resolve().parents[2] / "notebooks" / "lib"
sys.path.insert(0, str(LIB))

import experiment  # noqa: E402
from experiment import errors  # noqa: E402

DATASETS = """
[datasets.counts]
output = "raw/parquet/counts"
[datasets.weather]
output = "raw/parquet/weather"
"""
SCHEMA = pa.schema(
    {
        "time": pa.timestamp("us"),
        "instant": pa.timestamp("us", tz="UTC"),
        "day": pa.date32(),
        "station": pa.int32(),
        "flow": pa.int16(),
        "vehicle": pa.int64(),
        "kind": pa.string(),
        "speed": pa.float64(),
        "is_open": pa.bool_(),
    }
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of two parts of a dataset, in a data folder without any part of another dataset."""
    folder = tmp_path / "raw/parquet/counts"
    (folder / "2025").mkdir(parents=True)
    (tmp_path / "datasets.toml").write_text(DATASETS)
    clock = pd.Timestamp("2024-11-03 01:30")
    first = [[clock], [clock], [clock.date()], [7], [None], [None], ["ML"], [61.5], [None]]
    second = [
        [clock] * 2,
        [clock] * 2,
        [clock.date()] * 2,
        [8, 9],
        [1, 2],
        [2**53 + 1, 3],
        ["HV", None],
        [None, 5],
        [True] * 2,
    ]
    for name, columns in (("2024_a", first), ("2025/b", second)):
        table = pa.table([pa.array(values, kind.type) for values, kind in zip(columns, SCHEMA, strict=True)], SCHEMA)
        pq.write_table(table, folder / f"{name}.parquet")
    monkeypatch.setenv("SHRINKWRAP_DATA", str(tmp_path))
    monkeypatch.delenv("SHRINKWRAP_OUT", raising=False)
    return folder


def test_types(data: Path) -> None:
    """Local times do not change, no integer is rounded, and missing values are missing."""
    frame = experiment.load("counts")
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "time": "datetime64[us]",
        "instant": "datetime64[us, UTC]",
        "day": "datetime64[ms]",
        "station": "int32",
        "flow": "float64",
        "vehicle": "Int64",
        "kind": "str",
        "speed": "float64",
        "is_open": "boolean",
    }
    assert frame.time.iloc[0] == pd.Timestamp("2024-11-03 01:30")
    assert frame.vehicle.tolist() == [pd.NA, 2**53 + 1, 3]
    assert frame.station.tolist() == [7, 8, 9]


def test_exact_decimals_are_float64(data: Path) -> None:
    """A part that stores speed as a decimal, and says so in its footer, has the same float64 as the others."""
    path = data / "2025/b.parquet"
    table = pq.read_table(path)
    speed = pa.array([None, Decimal("0.3")], pa.decimal128(9, 1))
    price = pa.array([Decimal("1.10"), None], pa.decimal128(12, 2))
    table = table.set_column(table.column_names.index("speed"), "speed", speed).append_column("price", price)
    with pq.ParquetWriter(path, table.schema, store_schema=False, store_decimal_as_integer=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"shrinkwrap": json.dumps({"exact": ["speed"]})})
    frame = experiment.load("counts", columns=["speed"])
    assert (str(frame.speed.dtype), frame.speed.tolist()[0], frame.speed.tolist()[2]) == ("float64", 61.5, 0.3)
    assert experiment.load("counts", columns=["price"], parts="2025/b").price.tolist() == [Decimal("1.10"), None]


def test_columns_have_the_requested_order(data: Path) -> None:
    """The frame has only the named columns."""
    assert list(experiment.load("counts", columns=["speed", "vehicle", "station"])) == ["speed", "vehicle", "station"]


def test_other_columns_are_not_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow reads only the named columns."""
    requested: list[object] = []
    read = pq.ParquetFile.read

    def recording_read(self: pq.ParquetFile, *, columns: list[str] | None) -> pa.Table:
        requested.append(columns)
        return read(self, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read", recording_read)
    experiment.load("counts", columns=["speed"])
    assert requested == [["speed"], ["speed"]]


@pytest.mark.parametrize(
    ("parts", "stations"),
    [("2024_*", [7]), (["2025/b.parquet"], [8, 9]), (["2025/b"], [8, 9]), (["2025/*", "2024_a"], [7, 8, 9])],
)
def test_parts(data: Path, parts: str | list[str], stations: list[int]) -> None:
    """Parts are selected by name or glob, with or without their suffix, and are in the order of their names."""
    assert experiment.load("counts", parts=parts).station.tolist() == stations


def test_other_parts_are_not_opened(data: Path) -> None:
    """A part that is not selected may be broken."""
    (data / "2025/broken.parquet").write_bytes(b"no Parquet")
    assert experiment.load("counts", columns=["station"], parts=["2024_*", "2025/b"]).station.tolist() == [7, 8, 9]
    with pytest.raises(pa.ArrowInvalid):
        experiment.load("counts")


def test_unknown_dataset(data: Path) -> None:
    """The error has the nearest name and all known names."""
    with pytest.raises(errors.UnknownNameError) as caught:
        experiment.load("count")
    assert str(caught.value) == (
        f"unknown dataset 'count' in {data.parents[2] / 'datasets.toml'}. Did you mean 'counts'?"
        " Known datasets: counts, weather."
    )


def test_unknown_column(data: Path) -> None:
    """The error has the nearest name and all known names."""
    with pytest.raises(errors.UnknownNameError) as caught:
        experiment.load("counts", columns=["sped"])
    assert str(caught.value).startswith(
        "unknown column 'sped' in dataset 'counts'. Did you mean 'speed'? Known columns:"
    )


def test_unknown_part(data: Path) -> None:
    """The error has the nearest name, the local parts, and the commands that get more."""
    with pytest.raises(errors.ExperimentError) as caught:
        experiment.load("counts", parts=["2024_a", "2024_b.parquet"])
    assert str(caught.value) == (
        f"no part '2024_b.parquet' of dataset 'counts' in {data}. Did you mean '2024_a.parquet'? Local parts (2):"
        " 2024_a.parquet, 2025/b.parquet. Download the parts that a colleague pushed with `invoke data.pull --dataset"
        " counts`, or create them from raw files with `invoke data.compress --dataset counts`."
    )


def test_no_local_part(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the command that pulls the data of the notebook."""
    monkeypatch.setenv("SHRINKWRAP_OUT", "/project/notebooks/out/climate-eda")
    with pytest.raises(errors.ExperimentError) as caught:
        experiment.load("weather")
    assert "`invoke data.pull --notebook climate-eda`" in str(caught.value)


def test_a_part_of_an_older_description(data: Path) -> None:
    """A part without a column that others have is an error; it is not filled with nulls."""
    pq.write_table(pa.table({"station": [10]}), data / "2026.parquet")
    with pytest.raises(errors.ExperimentError) as caught:
        experiment.load("counts", columns=["station", "speed"])
    assert str(caught.value).startswith(f"{data / '2026.parquet'} has no column 'speed', though other parts")


def test_no_datasets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the path of the missing file."""
    monkeypatch.setenv("SHRINKWRAP_DATA", str(tmp_path))
    with pytest.raises(errors.ExperimentError, match=r"datasets\.toml: the file does not exist"):
        experiment.load("counts")


def test_results_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a result is made, and no path is outside of it."""
    monkeypatch.setenv("SHRINKWRAP_OUT", str(tmp_path / "out"))
    path = experiment.out("figures/speed.png")
    assert path == tmp_path / "out/figures/speed.png"
    assert path.parent.is_dir() and not path.exists()
    for name in ("../speed.png", "/tmp/speed.png", ""):
        with pytest.raises(errors.ExperimentError, match="is not a path for a result"):
            experiment.out(name)


def test_results_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a container, results are in a folder with the notebook's name, next to the notebook."""
    monkeypatch.delenv("SHRINKWRAP_OUT", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/me/shrinkwrap/notebooks/traffic-eda.ipynb")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    assert experiment.out("speed.png") == LIB.parent / "out/traffic-eda/speed.png"


def test_workdays() -> None:
    """Monday to Friday are workdays, federal holidays are not."""
    times = pd.Series(pd.to_datetime(["2024-01-01 08:00", "2024-01-02 23:55", "2024-01-06 12:00"]))
    assert experiment.is_workday(times).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("standard", "wall"),
    [
        ("2024-01-04 07:53", "2024-01-04 07:53"),
        ("2024-07-04 07:53", "2024-07-04 08:53"),
        ("2024-03-10 01:53", "2024-03-10 01:53"),
        ("2024-03-10 02:53", "2024-03-10 03:53"),
        ("2024-11-03 00:53", "2024-11-03 01:53"),
        ("2024-11-03 01:53", "2024-11-03 01:53"),
    ],
)
def test_the_wall_clock(standard: str, wall: str) -> None:
    """It is an hour ahead in summer; in spring one hour does not occur, and in autumn one occurs twice."""
    assert experiment.wall_clock(pd.Series([pd.Timestamp(standard)])).tolist() == [pd.Timestamp(wall)]


def test_no_message_about_the_font_cache() -> None:
    """An import of `experiment` before matplotlib keeps the message out of a notebook's outputs."""
    code = (
        "import experiment, sys, logging; assert 'matplotlib.font_manager' not in sys.modules;"
        "print(logging.getLogger('matplotlib.font_manager').isEnabledFor(logging.WARNING))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "False\n"

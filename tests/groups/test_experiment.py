"""notebooks/lib: what it reads, what it gives to pandas, and what it says when it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
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
    """A data folder with two parts of one dataset and none of the other; gives the folder of the parts."""
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
    """Times stay what the clock showed, no integer is rounded, and missing values are missing."""
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


def test_columns_in_the_order_asked_for(data: Path) -> None:
    """Only the columns named come, and in that order."""
    assert list(experiment.load("counts", columns=["speed", "vehicle", "station"])) == ["speed", "vehicle", "station"]


def test_other_columns_are_not_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow is asked for the columns named and for no others."""
    asked: list[object] = []
    read = pq.ParquetFile.read

    def noted(self: pq.ParquetFile, *, columns: list[str] | None) -> pa.Table:
        asked.append(columns)
        return read(self, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read", noted)
    experiment.load("counts", columns=["speed"])
    assert asked == [["speed"], ["speed"]]


@pytest.mark.parametrize(
    ("parts", "stations"),
    [("2024_*", [7]), (["2025/b.parquet"], [8, 9]), (["2025/b"], [8, 9]), (["2025/*", "2024_a"], [7, 8, 9])],
)
def test_parts(data: Path, parts: str | list[str], stations: list[int]) -> None:
    """Parts are chosen by name or glob, with or without their suffix, and come in the order of their names."""
    assert experiment.load("counts", parts=parts).station.tolist() == stations


def test_other_parts_are_not_opened(data: Path) -> None:
    """A part that is not asked for may be broken, or as large as it likes."""
    (data / "2025/broken.parquet").write_bytes(b"no Parquet")
    assert experiment.load("counts", columns=["station"], parts=["2024_*", "2025/b"]).station.tolist() == [7, 8, 9]
    with pytest.raises(pa.ArrowInvalid):
        experiment.load("counts")


def test_unknown_dataset(data: Path) -> None:
    """An unknown dataset is told with the nearest name and all there are."""
    with pytest.raises(errors.UnknownNameError) as caught:
        experiment.load("count")
    assert str(caught.value) == (
        f"there is no dataset 'count' in {data.parents[2] / 'datasets.toml'}. Did you mean 'counts'?"
        " There are: counts, weather."
    )


def test_unknown_column(data: Path) -> None:
    """An unknown column is told with the nearest name and all there are."""
    with pytest.raises(errors.UnknownNameError) as caught:
        experiment.load("counts", columns=["sped"])
    assert str(caught.value).startswith(
        "there is no column 'sped' in dataset 'counts'. Did you mean 'speed'? There are:"
    )


def test_unknown_part(data: Path) -> None:
    """A part that is not here is told with the nearest name, what is here, and how to get more."""
    with pytest.raises(errors.MissingPartsError) as caught:
        experiment.load("counts", parts=["2024_a", "2024_b.parquet"])
    assert str(caught.value) == (
        f"there is no part '2024_b.parquet' of dataset 'counts' in {data}. Did you mean '2024_a.parquet'? There are 2:"
        " 2024_a.parquet, 2025/b.parquet. Get what a colleague pushed with `invoke data.pull --dataset counts`, or make"
        " it from raw files with `invoke data.compress --dataset counts`."
    )


def test_nothing_here(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any part, the message says how this notebook's data are pulled."""
    monkeypatch.setenv("SHRINKWRAP_OUT", "/project/notebooks/out/climate-eda")
    with pytest.raises(errors.MissingPartsError) as caught:
        experiment.load("weather")
    assert "`invoke data.pull --notebook climate-eda`" in str(caught.value)


def test_a_part_of_an_older_description(data: Path) -> None:
    """A part that lacks a column which others have is named, not filled with nulls."""
    pq.write_table(pa.table({"station": [10]}), data / "2026.parquet")
    with pytest.raises(errors.StalePartError) as caught:
        experiment.load("counts", columns=["station", "speed"])
    assert str(caught.value).startswith(f"{data / '2026.parquet'} has no column 'speed', though other parts")


def test_no_datasets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder without datasets.toml is told by its path."""
    monkeypatch.setenv("SHRINKWRAP_DATA", str(tmp_path))
    with pytest.raises(errors.DatasetsFileError, match="there is no such file"):
        experiment.load("counts")


def test_results_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result's folder is made, and no name leads out of it."""
    monkeypatch.setenv("SHRINKWRAP_OUT", str(tmp_path / "out"))
    path = experiment.out("figures/speed.png")
    assert path == tmp_path / "out/figures/speed.png"
    assert path.parent.is_dir() and not path.exists()
    for name in ("../speed.png", "/tmp/speed.png", ""):
        with pytest.raises(errors.ResultPathError):
            experiment.out(name)


def test_results_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a container a notebook's results go beside it, into the folder of its name."""
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
    """In summer an hour ahead of standard time; spring leaves out an hour, and autumn repeats one."""
    assert experiment.wall_clock(pd.Series([pd.Timestamp(standard)])).tolist() == [pd.Timestamp(wall)]


def test_no_word_of_the_font_cache() -> None:
    """Importing it first keeps matplotlib from writing into a notebook that it looks for fonts."""
    code = (
        "import experiment, sys, logging; assert 'matplotlib.font_manager' not in sys.modules;"
        "print(logging.getLogger('matplotlib.font_manager').isEnabledFor(logging.WARNING))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(LIB)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "False\n"

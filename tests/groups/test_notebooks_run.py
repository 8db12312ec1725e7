"""The notebooks of this environment's image run on three small days, and two runs have the same outputs."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]
# The noxfile sets it, for example to "main+notebook".
GROUPS = set(os.environ.get("SHRINKWRAP_GROUPS", "").split("+"))
NOTEBOOKS = [
    name for name, table in SPEC["notebooks"].items() if set(SPEC["images"][table["image"]]["groups"]) == GROUPS
]

Run = Callable[..., list[Any]]


def traffic() -> pd.DataFrame:
    """Six stations on a holiday and two workdays, with a traffic jam."""
    times = pd.date_range("2024-01-01", periods=3 * 288, freq="5min", name="timestamp").astype("datetime64[us]")
    frame = pd.MultiIndex.from_product([times, range(101, 107)], names=["timestamp", "station"]).to_frame(index=False)
    noise = np.random.default_rng(1).normal(size=len(frame))
    hour = frame.timestamp.dt.hour + frame.timestamp.dt.minute / 60
    rush = np.exp(-((hour - 17) ** 2) / 4) * (frame.timestamp.dt.day > 1)
    lane_flow = 20 + 60 * np.sin(np.pi * hour / 24) ** 2 + 60 * rush + 4 * noise
    is_jammed = (rush > 0.6) & (frame.station < 104)
    speed = (68 - 6 * rush + noise).where(~is_jammed, 25 + 3 * noise).round(1)
    return frame.assign(
        freeway=np.int16(5),
        direction="N",
        lane_type=np.where(frame.station == 106, "OR", "ML"),
        length=0.5,
        samples=np.int32(30),
        observed=np.where(noise > 1.8, 0, 100).astype("int8"),
        flow=(3 * lane_flow).clip(lower=1).astype("int32"),
        occupancy=(lane_flow * 12 * 0.004 / speed).round(4),
        speed=speed.where(frame.station != 106),
    )


def weather() -> pd.DataFrame:
    """Routine reports and daily summaries of one airport for these days, with rain in eight hours."""
    times = pd.date_range("2024-01-01 00:53", periods=72, freq="h").astype("datetime64[us]")
    rain = np.where(np.arange(72) % 9 == 4, 1.5, 0.0)
    hourly = pd.DataFrame({"DATE": times, "REPORT_TYPE": "FM-15", "HourlyPrecipitation": rain})
    days = hourly.groupby(hourly.DATE.dt.normalize()).HourlyPrecipitation.sum()
    daily = pd.DataFrame({"DATE": days.index, "REPORT_TYPE": "SOD  ", "DailyPrecipitation": days.to_numpy()})
    flags = {"HourlyPrecipitation_flag": None, "DailyPrecipitation_flag": None}
    both = pd.concat([hourly, daily]).assign(STATION="USW00093184", NAME="JOHN WAYNE", LATITUDE=33.68, **flags)
    return both.astype(dict.fromkeys(flags, "str"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A function that runs a notebook in an environment and returns its cells."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "datasets.toml").write_bytes((ROOT / "data/datasets.toml").read_bytes())
    for where, frame in (("pems/detector/d12_2024_01", traffic()), ("climate/LCD_2024", weather())):
        path = folder / "raw/parquet" / f"{where}.parquet"
        path.parent.mkdir(parents=True)
        frame.to_parquet(path)

    def run(name: str, results: Path, **environment: str) -> list[Any]:
        notebook = nbformat.read(ROOT / SPEC["notebooks"][name]["path"], as_version=4)
        nbformat.validate(notebook)
        lib = str(ROOT / "notebooks/lib")
        places = {"PYTHONPATH": lib, "SHRINKWRAP_DATA": str(folder), "SHRINKWRAP_OUT": str(results)}
        client = nbclient.NotebookClient(
            notebook, kernel_name="python3", resources={"metadata": {"path": str(results)}}
        )
        client.execute(env={**os.environ, **places, **environment})
        return list(notebook.cells)

    return run


def assert_ordered_by_time(cells: list[Any]) -> None:
    """Check that the training data of a model end five minutes before the day of its test."""
    (trained,) = [cell for cell in cells if cell.id == "train"]
    rows = re.findall(r"^\w+ (\d+ \w+) .* (\S+ \S+)$", trained.outputs[0].data["text/plain"], flags=re.MULTILINE)
    assert [day for day, _ in rows] == ["2 January", "3 January"]
    for day, until in rows:
        assert pd.Timestamp(until) + pd.Timedelta(minutes=5) == pd.Timestamp(f"{day} 2024")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_two_runs_of_a_notebook_are_equal(run: Run, name: str, tmp_path: Path) -> None:
    """No cell warns, every figure is saved, and a second run has the same outputs to the pixel and the same metrics."""
    first = run(name, tmp_path, PYTHONHASHSEED="1", OMP_NUM_THREADS="1")
    outputs = [output for cell in first for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.output_type == "stream"] == []
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) == len(list(tmp_path.glob("*.png"))) >= 3
    metrics = (tmp_path / "metrics.json").read_bytes()
    assert len(json.loads(metrics)) >= 1
    if name == "speed-model":
        assert_ordered_by_time(first)
    second = run(name, tmp_path, PYTHONHASHSEED="2", OMP_NUM_THREADS="2")
    assert [cell.get("outputs") for cell in first] == [cell.get("outputs") for cell in second]
    assert (tmp_path / "metrics.json").read_bytes() == metrics

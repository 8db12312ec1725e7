"""The main job, as the README describes it, in a fresh clone."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

DATASETS = ("pems-detector", "pems-incident", "climate")
# What DVC's stage starts, with paths relative to the root of the clone.
CONVERT = (
    *("data_convert", "convert", "--file", "data/datasets.toml", "--dataset", "pems-detector"),
    *("--metrics", "data/reports/pems-detector.json"),
)


@pytest.fixture(scope="module")
def first(clone: Path, run):  # type: ignore[no-untyped-def]
    """The README's first command."""
    return run("invoke", "data.sample", "data.compress")


def parquet(clone: Path) -> dict[Path, bytes]:
    return {path.relative_to(clone): path.read_bytes() for path in (clone / "data/raw/parquet").rglob("*.parquet")}


def test_first_command_ends_with_a_table(clone: Path, first) -> None:  # type: ignore[no-untyped-def]
    """The output ends with a table of the three datasets and the folders of their Parquet."""
    end = first.stdout[-3000:]
    for name, folder in zip(DATASETS, ("pems/detector", "pems/incident", "climate"), strict=True):
        assert name in end
        assert f"{name}: data/raw/parquet/{folder}" in end
        assert list((clone / "data/raw/parquet" / folder).glob("*.parquet"))


def test_second_run_does_nothing(clone: Path, run, first) -> None:  # type: ignore[no-untyped-def]
    """A second run converts nothing and rewrites no file."""
    before = {path: path.stat().st_mtime_ns for path in (clone / "data/raw").rglob("*") if path.is_file()}
    answer = run("invoke", "data.sample", "data.compress")
    assert "converted" not in answer.stdout
    assert answer.stdout.count("unchanged") == 3
    assert before == {path: path.stat().st_mtime_ns for path in (clone / "data/raw").rglob("*") if path.is_file()}


def test_nothing_was_lost(run, first) -> None:  # type: ignore[no-untyped-def]
    """data.verify finds every value of the samples in the Parquet."""
    answer = run("invoke", "data.verify", "--json")
    reports = json.loads(answer.stdout)
    assert [report["dataset"] for report in reports] == list(DATASETS)
    assert all(report["rows"] > 0 and report["findings"] == [] for report in reports)


def test_only_records_are_for_git(clone: Path, first) -> None:  # type: ignore[no-untyped-def]
    """Git sees only the lock file and the reports as new, and no data."""
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=clone, capture_output=True, text=True, check=True
    )
    new = sorted(line[3:] for line in status.stdout.splitlines() if line.startswith("??"))
    assert new == ["data/dvc.lock", *sorted(f"data/reports/{name}.json" for name in DATASETS)]


def test_push_and_pull_move_the_parquet_alone(clone: Path, run, first) -> None:  # type: ignore[no-untyped-def]
    """The embedded remote gets the Parquet, never raw files, and returns the same bytes."""
    parts = parquet(clone)
    run("invoke", "data.push")
    moved = sum(path.stat().st_size for path in (clone / "data/remote").rglob("*") if path.is_file())
    assert sum(map(len, parts.values())) <= moved < sum(map(len, parts.values())) + 20_000
    shutil.rmtree(clone / "data/raw/parquet")
    shutil.rmtree(clone / ".dvc/cache")
    run("invoke", "data.pull")
    assert parquet(clone) == parts
    status = run("invoke", "data.status").stdout.splitlines()
    assert status == [f"{name}: up to date, locally and on the remote 'local'" for name in DATASETS]


def test_your_own_dataset_needs_two_commands(clone: Path, run) -> None:  # type: ignore[no-untyped-def]
    """After data.inspect --write and data.compress, the Parquet is verified and tracked; no file needs an edit."""
    folder = clone / "data/raw/csv/shops"
    folder.mkdir(parents=True)
    dice = random.Random(0)
    for year in (2023, 2024):
        with (folder / f"shops {year}.csv").open("w", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["shop", "Opened", "sales €", "note"])
            for day in range(2000):
                moment = f"{year}-{1 + day % 12:02}-{1 + day % 28:02} 0{day % 10}:30:00"
                writer.writerow([f"{day % 7:03}", moment, f"{dice.random() * 900:.2f}", 'a "b"\nc' if day % 9 else ""])
    run("invoke", "data.inspect", "data/raw/csv/shops", "--write", "shops")
    assert "shops: data/raw/parquet/shops" in run("invoke", "data.compress", "--dataset", "shops").stdout
    (report,) = json.loads(run("invoke", "data.verify", "--dataset", "shops", "--json").stdout)
    assert (report["rows"], report["findings"]) == (4000, [])
    assert "compress@shops:" in (clone / "data/dvc.lock").read_text()


def test_a_wrong_value_ends_with_its_place_and_code_2(clone: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Through invoke and DVC, the user sees file, line, column and value, no traceback, and exit code 2."""
    folder = clone / "data/raw/csv/wrong"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("n,m\n1,2\n3,4\n")
    run("invoke", "data.inspect", "data/raw/csv/wrong", "--write", "wrong")
    (folder / "a.csv").write_text("n,m\n1,2\n3,x4\n")
    answer = run("invoke", "data.compress", "--dataset", "wrong", check=False)
    assert answer.returncode == 2
    assert "a.csv:3: column 'm': 'x4' is not an int" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert "DVC" not in answer.stderr
    assert not list((clone / "data/raw/parquet/wrong").glob("*"))
    (folder / "a.csv").write_text("n,m\n1,2\n3,4\n")
    assert "wrong: data/raw/parquet/wrong" in run("invoke", "data.compress", "--dataset", "wrong").stdout


def test_ctrl_c_explains_how_to_resume(clone: Path, run, first) -> None:  # type: ignore[no-untyped-def]
    """An interrupt stops the conversion, leaves no partial file, and the next run produces the same bytes."""
    before = parquet(clone)
    folder = clone / "data/raw/parquet/pems/detector"
    shutil.rmtree(folder)
    command = [".venv/bin/python", "-m", *CONVERT]
    settings = {**os.environ, "SHRINKWRAP_JOBS": "1"}
    with subprocess.Popen(
        command, cwd=clone, env=settings, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        while child.poll() is None and not list(folder.glob("*.parquet")):
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate()
    assert child.returncode == 130
    assert "of 7 parts are finished and stay; no partial file is left" in errors
    assert "Run the same command again" in errors
    assert not list(folder.glob(".part-*"))
    run("python", "-m", *CONVERT)
    assert {path: data for path, data in parquet(clone).items() if path in before} == before


def test_ctrl_c_stops_all_datasets(clone: Path, run, environment, first) -> None:  # type: ignore[no-untyped-def]
    """An interrupt of data.compress also ends the stages that DVC has not started yet."""
    part = clone / "data/raw/parquet/pems/detector/d12_text_station_5min_2024_01_01.parquet"
    before_ns = part.stat().st_mtime_ns
    with subprocess.Popen(
        ["./run", "invoke", "data.compress", "--force"],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        # The first part was replaced, so the first stage is running.
        while child.poll() is None and part.stat().st_mtime_ns == before_ns:
            time.sleep(0.005)
        os.killpg(child.pid, signal.SIGINT)
        output, _ = child.communicate()
    assert child.returncode == 130
    assert "no partial file is left" in output
    assert "climate:" not in output
    run("invoke", "data.compress")

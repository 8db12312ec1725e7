"""The program that DVC's stage starts, the preview of a conversion, and the verification of several datasets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_convert import plan_conversions, plan_json, plan_text, verify_datasets, verify_text
from data_convert.__main__ import FAILURES_VARIABLE, FORCE_VARIABLE, main
from data_convert.errors import DataConvertError

TABLE = '[datasets.{0}]\nsource = "csv/{0}"\noutput = "parquet/{0}"\ncolumns = [{{ name = "n", type = "int8" }}]\n'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with datasets `a` (two files) and `b` (no raw data)."""
    for name in (FAILURES_VARIABLE, FORCE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data/csv/a").mkdir(parents=True)
    (tmp_path / "data/csv/a/x.csv").write_text("n\n1\n2\n")
    (tmp_path / "data/csv/a/y.csv").write_text("n\n3\n")
    (tmp_path / "data/datasets.toml").write_text(TABLE.format("a") + TABLE.format("b"))
    return tmp_path


def arguments(root: Path, dataset: str) -> list[str]:
    file, metrics = root / "data/datasets.toml", root / "data/reports" / f"{dataset}.json"
    return ["convert", "--file", str(file), "--dataset", dataset, "--metrics", str(metrics)]


def convert(root: Path, dataset: str = "a") -> int:
    return main(argv=arguments(root, dataset))


def test_convert_prints_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output has the parts, the rows and the ratio; a file that grew is not called smaller."""
    assert convert(root) == 0
    output = capsys.readouterr().out
    assert output.startswith("a: 2 parts converted, 0 finished before; 3 rows, ")
    assert output.endswith(" times larger\n")
    assert convert(root) == 0
    assert capsys.readouterr().out.startswith("a: 0 parts converted, 2 finished before; 3 rows, ")


def test_the_preview_changes_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The preview names each stale part and the reason, creates no file, and mentions datasets without raw data."""
    plans = plan_conversions(root)
    assert plan_text(plans) == (
        "a: 2 of 2 parts to convert (10 B raw), 0 to remove\n"
        "  x.parquet: it does not exist yet\n"
        "  y.parquet: it does not exist yet"
    )
    assert plan_json(plans) == [
        {
            "dataset": "a",
            "convert": [
                {"part": "x.parquet", "why": "it does not exist yet", "raw_bytes": 6},
                {"part": "y.parquet", "why": "it does not exist yet", "raw_bytes": 4},
            ],
            "finished": [],
            "remove": [],
            "drift": [],
            "remarks": [],
        }
    ]
    assert not (root / "data/parquet").exists()
    assert capsys.readouterr().err == f"b: no raw data in {root / 'data/csv/b'}, skipped\n"


def test_the_preview_names_obsolete_parts(root: Path) -> None:
    """A part whose source was removed is named, and stays until the conversion."""
    convert(root)
    (root / "data/csv/a/y.csv").unlink()
    assert plan_text(plan_conversions(root)) == (
        "a: 0 of 1 part to convert (0 B raw), 1 to remove\n"
        "  y.parquet: would be removed, because its sources were removed"
    )
    assert (root / "data/parquet/a/y.parquet").exists()


def test_metrics_depend_on_the_input_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that DVC tracks has no times and no state: a forced rerun writes the same bytes."""
    metrics = root / "data/reports/a.json"
    convert(root)
    first = metrics.read_bytes()
    monkeypatch.setenv(FORCE_VARIABLE, "1")
    convert(root)
    assert metrics.read_bytes() == first
    facts = json.loads(first)
    assert (facts["dataset"], facts["rows"], facts["raw_bytes"]) == ("a", 3, 10)


def test_wrong_input_is_code_2(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the user is one message on standard error and exit code 2."""
    assert convert(root, "c") == 2
    assert capsys.readouterr().err == "error: data/datasets.toml: unknown dataset 'c'. Known datasets: a, b\n"


def test_a_named_dataset_must_have_raw_data(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A dataset that was named and has no raw data is an error with the commands that fetch or create them."""
    assert convert(root, "b") == 2
    assert "`invoke data.sample --dataset b`" in capsys.readouterr().err
    with pytest.raises(DataConvertError, match=r"`invoke data\.sample --dataset b`"):
        plan_conversions(root, ["b"])


def test_failures_are_recorded_for_the_caller(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC replaces exit codes by its own, so each failure is also a line in a file that the caller names."""
    failures = root / "failures"
    monkeypatch.setenv(FAILURES_VARIABLE, str(failures))
    (root / "data/csv/a/x.csv").write_text("n\n1\n300\n")
    assert convert(root) == 2
    (failure,) = map(json.loads, failures.read_text().splitlines())
    assert (failure["exit_code"], failure["datasets"]) == (2, ["a"])
    assert "x.csv:3: column 'n': '300' is not an int8 (-128 to 127)" in failure["error"]


def test_an_interrupted_caller_starts_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C, DVC still starts its other stages: they end at once."""
    failures = root / "failures"
    failures.write_text('{"exit_code": 130}\n')
    monkeypatch.setenv(FAILURES_VARIABLE, str(failures))
    assert convert(root) == 130
    assert not (root / "data/parquet").exists()


def test_force_is_an_environment_variable(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC's stage has a fixed command, so --force is passed to it as a variable."""
    convert(root)
    monkeypatch.setenv(FORCE_VARIABLE, "1")
    capsys.readouterr()
    convert(root)
    assert capsys.readouterr().out.startswith("a: 2 parts converted")


def test_a_closed_standard_output_is_no_failure(root: Path) -> None:
    """In `data.compress | head -1` the stage finishes its work and prints no traceback."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "data_convert", *arguments(root, "a")]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")
    assert (root / "data/reports/a.json").exists()


def test_verification_reports_the_place(root: Path) -> None:
    """A value that differs is reported with file and line."""
    convert(root)
    (report,) = verify_datasets(root)
    assert verify_text(report) == "a: every value is in the Parquet: 3 values of 3 rows in 2 parts, 0 rejects"
    (root / "data/csv/a/y.csv").write_text("n\n4\n")
    (report,) = verify_datasets(root, ["a"])
    assert not report.is_clean
    assert verify_text(report).startswith("a: NOT all of the raw data is in the Parquet:\n")
    assert "y.csv:2" in verify_text(report)
    (root / "data/csv/a/y.csv").write_text("n\n3\n")


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    """The program has the options of the stage and no others."""
    with pytest.raises(SystemExit) as stop:
        main(argv=["convert", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert [option for option in ("--file", "--dataset", "--metrics", "--jobs", "--json") if option in text] == [
        "--file",
        "--dataset",
        "--metrics",
    ]

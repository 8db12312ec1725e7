"""The command line of data_convert: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_convert.__main__ import FAILURES_VARIABLE, FORCE_VARIABLE, main

TABLE = '[datasets.{0}]\nsource = "csv/{0}"\noutput = "parquet/{0}"\ncolumns = [{{ name = "n", type = "int8" }}]\n'


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Datasets `a` (two files) and `b` (no raw data)."""
    for name in (FAILURES_VARIABLE, FORCE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "csv/a").mkdir(parents=True)
    (tmp_path / "csv/a/x.csv").write_text("n\n1\n2\n")
    (tmp_path / "csv/a/y.csv").write_text("n\n3\n")
    (tmp_path / "datasets.toml").write_text(TABLE.format("a") + TABLE.format("b"))
    return str(tmp_path / "datasets.toml")


def run(*argv: str) -> int:
    return main(argv=argv)


def test_convert_says_what_it_did(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line per dataset on stdout; datasets without raw data are named on stderr, and are no failure."""
    assert run("convert", "--file", toml) == 0
    said = capsys.readouterr()
    assert said.out.startswith("a: 2 parts converted, 0 finished before; 3 rows, ")
    assert said.err == f"b: no raw data in {Path(toml).parent / 'csv/b'}, skipped\n"
    assert run("convert", "--file", toml, "--dataset", "a") == 0
    assert capsys.readouterr().out.startswith("a: 0 parts converted, 2 finished before; 3 rows, ")


def test_json_is_one_document(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json, stdout is one document and nothing else."""
    assert run("convert", "--file", toml, "--json") == 0
    (dataset,) = json.loads(capsys.readouterr().out)
    assert (dataset["dataset"], dataset["rows"], dataset["raw_bytes"]) == ("a", 3, 10)
    assert [part["part"] for part in dataset["part_list"]] == ["x.parquet", "y.parquet"]


def test_dry_run_writes_nothing(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run names each part and why, and leaves no file or folder."""
    assert run("convert", "--file", toml, "--dry-run") == 0
    assert capsys.readouterr().out == (
        "a: 2 of 2 parts to convert (0.0 MB raw), 0 to remove\n"
        "  x.parquet: it is not there yet\n"
        "  y.parquet: it is not there yet\n"
    )
    assert not (Path(toml).parent / "parquet").exists()


def test_dry_run_tells_what_would_go(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A part whose source is gone is announced, and stays until the real run."""
    run("convert", "--file", toml)
    (Path(toml).parent / "csv/a/y.csv").unlink()
    capsys.readouterr()
    assert run("convert", "--file", toml, "--dry-run") == 0
    assert capsys.readouterr().out == (
        "a: 0 of 1 part to convert (0.0 MB raw), 1 to remove\n  y.parquet: would be removed, its sources are gone\n"
    )
    assert (Path(toml).parent / "parquet/a/y.parquet").exists()


def test_metrics_depend_on_the_input_alone(toml: str, tmp_path: Path) -> None:
    """The file that DVC tracks holds no time and no state: a forced rerun writes the same bytes."""
    metrics = tmp_path / "reports/a.json"
    run("convert", "--file", toml, "--dataset", "a", "--metrics", str(metrics))
    first = metrics.read_bytes()
    run("convert", "--file", toml, "--dataset", "a", "--metrics", str(metrics), "--force")
    assert metrics.read_bytes() == first
    assert json.loads(first)["rows"] == 3


def test_wrong_input_is_code_2(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the user must mend is one message on stderr and exit code 2."""
    assert run("convert", "--file", toml, "--dataset", "c") == 2
    assert capsys.readouterr().err.startswith("error: there is no dataset 'c' in data/datasets.toml")


def test_a_named_dataset_must_have_raw_data(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where `b` was asked for by name, having nothing to convert is an error with a way out."""
    assert run("convert", "--file", toml, "--dataset", "b") == 2
    assert "`invoke data.sample --dataset b`" in capsys.readouterr().err


def test_failures_are_left_for_the_caller(toml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through DVC only one exit code survives, so each failure is also a line in a file the caller names."""
    failures = tmp_path / "failures"
    monkeypatch.setenv(FAILURES_VARIABLE, str(failures))
    (tmp_path / "csv/a/x.csv").write_text("n\n1\n300\n")
    assert run("convert", "--file", toml, "--dataset", "a") == 2
    (failure,) = map(json.loads, failures.read_text().splitlines())
    assert (failure["exit_code"], failure["datasets"]) == (2, ["a"])
    assert "x.csv:3: column 'n': '300' is not an int8 (-128 to 127)" in failure["error"]


def test_an_interrupted_caller_starts_nothing_more(toml: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C, DVC still starts its other stages: they end at once."""
    failures = tmp_path / "failures"
    failures.write_text('{"exit_code": 130}\n')
    monkeypatch.setenv(FAILURES_VARIABLE, str(failures))
    assert run("convert", "--file", toml) == 130
    assert not (tmp_path / "parquet").exists()


def test_force_comes_through_the_environment(
    toml: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC's stage has a fixed command, so --force reaches it as a variable."""
    run("convert", "--file", toml, "--dataset", "a")
    monkeypatch.setenv(FORCE_VARIABLE, "1")
    capsys.readouterr()
    run("convert", "--file", toml, "--dataset", "a")
    assert capsys.readouterr().out.startswith("a: 2 parts converted")


def test_verify_fails_with_the_place(toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    """data.verify exits with 1 and says where, when the raw file is not what the part was made from."""
    run("convert", "--file", toml, "--dataset", "a")
    capsys.readouterr()
    assert run("verify", "--file", toml, "--dataset", "a") == 0
    assert capsys.readouterr().out == "a: every value is there: 3 values of 3 rows in 2 parts, 0 rejects\n"
    (Path(toml).parent / "csv/a/y.csv").write_text("n\n4\n")
    assert run("verify", "--file", toml, "--dataset", "a") == 1
    assert "y.csv:2" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["convert", "inspect", "verify", "report"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help names the flags of the command."""
    with pytest.raises(SystemExit) as stop:
        run(command, "--help")
    assert stop.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """The overall help shows commands that can be typed as they are."""
    with pytest.raises(SystemExit):
        run("--help")
    assert "python -m data_convert inspect data/raw/csv/mine --write mine" in capsys.readouterr().out

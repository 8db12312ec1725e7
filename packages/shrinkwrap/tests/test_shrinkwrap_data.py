"""The commands that convert, inspect, verify and report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data_convert import convert_dataset, load_specs
from shrinkwrap import stages
from shrinkwrap.program import main
from shrinkwrap.stages import StageOutcome, run_stages

TABLE = (
    '[datasets.{0}]\nsource = "raw/csv/{0}"\noutput = "raw/parquet/{0}"\ncolumns = [{{ name = "n", type = "int8" }}]\n'
)
DVC = ["repro", "-q", "--keep-going", "data/dvc.yaml:compress@mine"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a dataset `mine` (raw data) and `other` (none); the working directory is a folder below it."""
    raw = tmp_path / "data/raw/csv/mine"
    raw.mkdir(parents=True)
    (raw / "a.csv").write_text("n\n1\n")
    (tmp_path / "data/datasets.toml").write_text(TABLE.format("mine") + TABLE.format("other"))
    monkeypatch.chdir(tmp_path / "data/raw")
    return tmp_path


class FakeDvc:
    """Records the calls of DVC; a failure that it is given is what the stage would have recorded."""

    def __init__(self, exit_code: int = 0, failure: dict[str, Any] | None = None) -> None:
        self.exit_code = exit_code
        self.failure = failure
        self.calls: list[list[str]] = []
        self.settings: dict[str, str] = {}

    def __call__(self, root: Path, arguments: list[str], settings: dict[str, str], *, is_quiet: bool) -> int:
        self.calls.append(arguments)
        self.settings = settings
        if self.failure is not None:
            Path(settings["SHRINKWRAP_FAILURES"]).write_text(json.dumps(self.failure) + "\n")
        return self.exit_code


@pytest.fixture
def dvc(monkeypatch: pytest.MonkeyPatch) -> FakeDvc:
    """DVC that succeeds."""
    fake = FakeDvc()
    monkeypatch.setattr(stages, "run_dvc", fake)
    return fake


def test_compress_runs_the_stages_of_datasets_with_raw_data(
    project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str]
) -> None:
    """data.compress reproduces those stages and then shows the report."""
    assert main(["data.compress"]) == 0
    assert dvc.calls == [DVC]
    output = capsys.readouterr()
    assert "mine: not converted yet. Run\n  invoke data.compress --dataset mine\n" in output.out
    assert output.err == f"other: no raw data in {project / 'data/raw/csv/other'}, skipped\n"


def test_compress_passes_jobs_and_force_in_the_environment(project: Path, dvc: FakeDvc) -> None:
    """Settings that do not change the output are not part of the stage's command."""
    assert main(["data.compress", "--jobs", "4", "--force"]) == 0
    assert dvc.calls == [["repro", "-q", "--keep-going", "--force", "data/dvc.yaml:compress@mine"]]
    assert (dvc.settings["SHRINKWRAP_JOBS"], dvc.settings["SHRINKWRAP_FORCE"]) == ("4", "1")


def test_compress_writes_the_effort_before_it_starts(
    project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str]
) -> None:
    """What decides the bytes is recorded in datasets.toml, so DVC sees that the dataset changed."""
    assert main(["data.compress", "--dataset", "mine", "--effort", "max"]) == 0
    assert {name: spec.effort for name, spec in load_specs(project / "data/datasets.toml").items()} == {
        "mine": "max",
        "other": "balanced",
    }
    assert dvc.calls == [DVC]
    assert 'Wrote effort = "max" for mine to data/datasets.toml.\n' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--effort", "max", "--dry-run"], "--effort changes data/datasets.toml, and --dry-run writes nothing"),
        (["--effort", "most"], "most"),
    ],
)
def test_compress_refuses_an_effort(
    project: Path, dvc: FakeDvc, options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown effort, or one with --dry-run, changes nothing."""
    before = (project / "data/datasets.toml").read_text()
    assert main(["data.compress", *options]) != 0
    assert text in capsys.readouterr().err
    assert (project / "data/datasets.toml").read_text() == before
    assert dvc.calls == []


@pytest.mark.parametrize(
    ("jobs", "text"),
    [("0", "--jobs must be a number from 1, not 0"), ("two", "--jobs must be a whole number, not 'two'")],
)
def test_jobs_is_checked_before_dvc_starts(
    project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str], jobs: str, text: str
) -> None:
    """A wrong number of threads is reported once, not once per dataset by the stages."""
    assert main(["data.compress", "--jobs", jobs]) == 2
    assert text in capsys.readouterr().err
    assert dvc.calls == []


def test_compress_has_the_exit_code_of_the_conversion(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DVC has one exit code for all failures; the caller gets that of the stage (2: wrong input)."""
    failure = {"exit_code": 2, "error": "x", "datasets": ["mine"]}
    fake = FakeDvc(exit_code=255, failure=failure)
    monkeypatch.setattr(stages, "run_dvc", fake)
    assert main(["data.compress", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {"failures": [failure]}
    assert fake.calls == [DVC]


def test_links_to_lost_objects_are_removed(project: Path, dvc: FakeDvc) -> None:
    """With links into a cache that lost an object, DVC would fail before the stage can write the part again."""
    folder = project / "data/raw/parquet/mine"
    folder.mkdir(parents=True)
    (project / "object").write_bytes(b"1")
    (folder / "kept.parquet").symlink_to(project / "object")
    (folder / "lost.parquet").symlink_to(project / "gone")
    (folder / "own.parquet").write_bytes(b"2")
    run_stages(project, ["mine"])
    assert dvc.calls == [DVC]
    assert sorted(path.name for path in folder.iterdir()) == ["kept.parquet", "own.parquet"]


def test_errors_of_dvc_are_shown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If DVC fails and no stage does, the command runs again with the messages of DVC."""
    fake = FakeDvc(exit_code=255)
    monkeypatch.setattr(stages, "run_dvc", fake)
    assert run_stages(project, ["mine"]) == StageOutcome(exit_code=255)
    assert fake.calls == [DVC, ["repro", "--keep-going", "data/dvc.yaml:compress@mine"]]


def test_dry_run_writes_nothing(project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run shows the plan and starts no stage."""
    assert main(["data.compress", "--dry-run", "--dataset", "mine"]) == 0
    assert capsys.readouterr().out == (
        "mine: 1 of 1 part to convert (4 B raw), 0 to remove\n  a.parquet: it does not exist yet\n"
    )
    assert (dvc.calls, (project / "data/raw/parquet").exists()) == ([], False)


def test_an_unknown_dataset_gets_the_nearest_name(
    project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str]
) -> None:
    """A misspelt dataset is exit code 2 and a message with the nearest name."""
    assert main(["data.compress", "--dataset", "mime"]) == 2
    text = "error: data/datasets.toml: unknown dataset 'mime'; did you mean 'mine'? Known datasets: mine, other"
    assert text in capsys.readouterr().err


def test_no_raw_data_at_all(project: Path, dvc: FakeDvc, capsys: pytest.CaptureFixture[str]) -> None:
    """If no dataset has raw data, the error names each folder and both commands that help."""
    (project / "data/raw/csv/mine/a.csv").unlink()
    assert main(["data.compress"]) == 2
    assert (
        "error: no raw data in any of these folders:\n"
        f"  mine: {project}/data/raw/csv/mine\n"
        f"  other: {project}/data/raw/csv/other\n"
        "Put raw files there, get the Parquet with `invoke data.pull`, or make samples with `invoke data.sample`."
    ) in capsys.readouterr().err


def test_a_path_is_relative_to_the_user(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """data.inspect reads the folder that the user named, and --write adds a table to the project's datasets.toml."""
    (project / "data/raw/csv/trees").mkdir()
    (project / "data/raw/csv/trees/t.csv").write_text("id,kind\n1,oak\n2,fir\n")
    assert main(["data.inspect", "csv/trees", "--write", "trees"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("csv/trees: 1 file, 2 rows, 2 columns; 20 B raw, about ")
    assert output.err.endswith(
        "Wrote [datasets.trees] to data/datasets.toml. Next: invoke data.compress --dataset trees\n"
    )
    assert "[datasets.trees]" in (project / "data/datasets.toml").read_text()


def test_a_dataset_is_inspected_by_its_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is no path is that of a dataset."""
    assert main(["data.inspect", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["declared"] == "int8"


def test_the_user_says_whether_days_come_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dates answers what the dates leave open; another word is exit code 2."""
    (project / "t.csv").write_text("a,b\n01/02/2020,1\n03/04/2020,2\n")
    assert main(["data.inspect", "t.csv", "--dates", "day-first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["formats"] == ["%d/%m/%Y"]
    assert main(["data.inspect", "t.csv", "--dates", "days"]) == 2
    assert "--dates must be month-first or day-first, not 'days'" in capsys.readouterr().err


def test_an_unknown_name_to_inspect_gets_the_nearest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt dataset is exit code 2."""
    assert main(["data.inspect", "mime"]) == 2
    assert "did you mean 'mine'?" in capsys.readouterr().err


def test_report_and_verify(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """data.report names the folder of each dataset, writes the page, and data.verify exits with 1 on a difference."""
    module = [sys.executable, "-m", "data_convert", "convert", "--file", "datasets.toml", "--dataset", "mine"]
    subprocess.run([*module, "--metrics", "mine.json"], cwd=project / "data", check=True)
    capsys.readouterr()
    assert main(["data.report", "--dataset", "mine", "--html", "page.html"]) == 0
    output = capsys.readouterr()
    assert "mine: data/raw/parquet/mine\n" in output.out
    assert output.err == "Wrote page.html.\n"
    assert "</html>" in (project / "data/raw/page.html").read_text()
    assert main(["data.report", "--up", "8kbps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["up_bits_per_s"] == 8000
    assert main(["data.verify"]) == 0
    assert capsys.readouterr().out == "mine: every value is in the Parquet: 1 value of 1 row in 1 part, 0 rejects\n"
    (project / "data/raw/csv/mine/a.csv").write_text("n\n2\n")
    assert main(["data.verify", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["is_clean"] is False


def test_a_wrong_rate_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message shows how to write a rate."""
    assert main(["data.report", "--up", "fast"]) == 2
    assert "'fast' is not a rate; write it like 4.056Mbps" in capsys.readouterr().err


def test_rejects_are_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """data.rejects reads data/rejects of the dataset, whatever folder the user is in."""
    file = project / "data/datasets.toml"
    output = 'output = "raw/parquet/mine"\n'
    file.write_text(file.read_text().replace(output, output + 'on_reject = "keep"\nmax_rejects = 1\n'))
    (project / "data/raw/csv/mine/a.csv").write_text("n\n1\nx\n")
    convert_dataset(load_specs(file)["mine"], data_folder=project / "data")
    assert main(["data.rejects", "mine"]) == 0
    assert capsys.readouterr().out == (
        "mine: 1 reject in 1 of 1 part\n  1 row: column 'n' is not an int8 (-128 to 127)\n    a.csv:3: x\n"
        "All of them, one file for each part: data/rejects/mine\n"
    )
    assert main(["data.rejects", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reasons"][0]["rows"] == 1
    assert main(["data.rejects", "mien"]) == 2
    assert "did you mean 'mine'?" in capsys.readouterr().err


def test_an_inspection_says_that_rejects_are_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--write sets on_reject = "keep" if rows do not have the shape of the table, and says so."""
    (project / "data/raw/csv/mine/a.csv").write_text("n,m\n" + "1,2\n" * 30 + "1\n")
    assert main(["data.inspect", "csv/mine", "--write", "mine", "--replace"]) == 0
    answer = capsys.readouterr()
    assert 'on_reject = "keep"' in (project / "data/datasets.toml").read_text()
    assert "the conversion writes these rows to data/rejects" in " ".join(answer.out.split())
    assert answer.err.endswith(
        '`on_reject = "keep"` writes rows that do not fit to data/rejects/mine: invoke data.rejects mine\n'
    )

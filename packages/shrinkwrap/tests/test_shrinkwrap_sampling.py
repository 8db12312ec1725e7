"""`data.sample` in process: where it writes, what it prints, and wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shrinkwrap.program import main


@pytest.fixture(params=[".", "data", "data/raw/csv"])
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A project; the user is in its root or in a folder inside it."""
    (tmp_path / "data/raw/csv").mkdir(parents=True)
    (tmp_path / "data/datasets.toml").write_text("")
    monkeypatch.chdir(tmp_path / request.param)
    return tmp_path


def test_samples_are_written_to_the_project(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From any folder inside, the files are written to data/raw/csv of the root, and the options are passed on."""
    argv = ["data.sample", "--size", "100kB", "--seed", "3", "--dataset", "pems-incident", "--json"]
    assert main(argv) == 0
    (report,) = json.loads(capsys.readouterr().out)
    folder = root / "data/raw/csv/pems/incident"
    assert (report["dataset"], report["folder"], report["wrote"]) == ("pems-incident", str(folder), True)
    assert report["files"] == sorted(path.name for path in folder.glob("*.txt"))
    marker = json.loads((folder / ".sample.json").read_text())
    assert (marker["request"]["size_bytes"], marker["request"]["seed"]) == (100_000, 3)
    assert not (root / "data/data").exists()


@pytest.mark.parametrize("root", ["."], indirect=True)
def test_table_has_a_row_for_each_dataset(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --dataset all three are written; folders are relative to the root."""
    assert main(["data.sample", "--size", "1kB"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [(row[0], row[-1]) for row in rows] == [
        ("pems-detector", "data/raw/csv/pems/detector"),
        ("pems-incident", "data/raw/csv/pems/incident"),
        ("climate", "data/raw/csv/climate"),
    ]


@pytest.mark.parametrize("root", ["."], indirect=True)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "lots"], "error: 'lots' is not a size; write it like 64MB, 1.5GB or 512MiB\n"),
        (["--seed", "one"], "error: --seed must be a whole number, not 'one'\n"),
        (["--dataset", "weather"], "error: unknown sample 'weather'. Known samples: "),
        (["--siez", "1MB"], "error: unknown option '--siez' of data.sample; did you mean '--size'?"),
    ],
)
def test_wrong_input_exits_with_2(
    root: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    """The error is printed to standard error, and nothing is written."""
    assert main(["data.sample", *words]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(message)
    assert printed.out == ""
    assert not list((root / "data/raw/csv").iterdir())


@pytest.mark.parametrize("root", ["."], indirect=True)
def test_foreign_files_exit_with_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal to overwrite is not wrong input."""
    (root / "data/raw/csv/climate").mkdir()
    (root / "data/raw/csv/climate/real.csv").write_text("")
    assert main(["data.sample", "--dataset", "climate"]) == 1
    assert "it holds real.csv not written by data.sample" in capsys.readouterr().err


def test_help_has_the_defaults_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """--help ends with a command to copy."""
    assert main(["data.sample", "--help"]) == 0
    printed = capsys.readouterr().out
    assert "(default: 64MB)" in printed
    assert printed.endswith("Example: shrinkwrap data.sample --size 1GB --dataset climate\n")

"""The command line of data_sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_sample.__main__ import main


def test_json_tells_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document, an object for each dataset asked for."""
    argv = ["--root", str(tmp_path), "--size", "100kB", "--seed", "3", "--dataset", "pems-incident", "--json"]
    assert main(argv=argv) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert report["dataset"] == "pems-incident"
    assert report["folder"] == str(tmp_path / "raw/csv/pems/incident")
    assert report["wrote"] is True
    assert report["size_bytes"] == sum((tmp_path / "raw/csv/pems/incident" / n).stat().st_size for n in report["files"])


def test_the_table_has_a_line_for_each_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --dataset all three are written."""
    assert main(argv=["--root", str(tmp_path), "--size", "1kB"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["pems-detector", "pems-incident", "climate"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--size", "lots"], "size 'lots' is not understood"),
        (["--seed", "one"], "seed 'one' is not a whole number"),
        (["--dataset", "weather"], "there is no sample of dataset 'weather'"),
        (["--siez", "1MB"], "unrecognized arguments"),
    ],
)
def test_wrong_input_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    """Said on the error stream, and nothing is written."""
    assert main(argv=["--root", str(tmp_path), *argv]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""
    assert not list(tmp_path.iterdir())


def test_foreign_data_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal to overwrite is no mistake in the input."""
    place = tmp_path / "raw/csv/climate"
    place.mkdir(parents=True)
    (place / "real.csv").write_text("")
    assert main(argv=["--root", str(tmp_path), "--dataset", "climate"]) == 1
    assert "it holds real.csv not written by data.sample" in capsys.readouterr().err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """--help exits 0 and ends with commands to copy."""
    assert main(argv=["--help"]) == 0
    assert "python -m data_sample --root data --size 1.5GB --seed 7" in capsys.readouterr().out

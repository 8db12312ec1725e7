"""notebooks/lib: the numbers of note of a notebook."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

LIB = Path(__file__).resolve().parents[2] / "notebooks" / "lib"
sys.path.insert(0, str(LIB))

import experiment  # noqa: E402


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the metrics, in a folder that does not exist yet."""
    monkeypatch.setenv("SHRINKWRAP_OUT", str(tmp_path / "out"))
    return tmp_path / "out/metrics.json"


def test_metrics_are_one_object_with_sorted_names(file: Path) -> None:
    """A group is an object; a later value replaces an earlier one; no other file remains."""
    for name, value in (("rows", 7), ("jam/mae", 3.5), ("mae", 2.0), ("jam/all/bias", -1), ("mae", 3.25)):
        experiment.metric(name, value)
    assert json.loads(file.read_text()) == {"jam": {"all": {"bias": -1}, "mae": 3.5}, "mae": 3.25, "rows": 7}
    assert list(json.loads(file.read_text())) == ["jam", "mae", "rows"]
    assert [path.name for path in file.parent.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (np.float32(0.5), 0.5),
        (np.int8(-3), -3),
        (np.array(7), 7),
        (pd.Series([1, 2]).sum(), 3),
        (pd.Series([0.5]).mean(), 0.5),
        (Decimal("1.25"), 1.25),
        (2**70, 2**70),
    ],
)
def test_scalars_are_numbers(file: Path, value: Any, recorded: float) -> None:
    """An integer stays one."""
    experiment.metric("n", value)
    found = json.loads(file.read_text())["n"]
    assert (found, type(found)) == (recorded, type(recorded))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (float("nan"), "metric 'n' needs a finite number, not nan"),
        (np.float64("inf"), "needs a finite number"),
        (None, r"needs a number, not None \(NoneType\)"),
        ("3.1", r"needs a number, not '3.1' \(str\)"),
        (True, r"needs a number, not True \(bool\)"),
        (np.bool_(True), "needs a number"),
        (pd.NA, "needs a number"),
        (np.array([1.0, 2.0]), r"\(ndarray\)"),
        (pd.Series([1.0]), r"\(Series\)"),
        (1j, r"\(complex\)"),
    ],
)
def test_other_values_are_refused(file: Path, value: Any, problem: str) -> None:
    """Nothing is written."""
    with pytest.raises(experiment.ExperimentError, match=problem):
        experiment.metric("n", value)
    assert not file.exists()


@pytest.mark.parametrize("name", ["", "/", "a//b", "/a", "a/", " a", "a\nb", 7])
def test_wrong_names(file: Path, name: Any) -> None:
    """Each part of a name has characters that can be seen."""
    with pytest.raises(experiment.ExperimentError, match="is not a name for a metric"):
        experiment.metric(name, 1)


def test_a_number_is_no_group(file: Path) -> None:
    """Neither replaces the other, and what was recorded stays."""
    experiment.metric("jam/mae", 1)
    experiment.metric("mae", 2)
    with pytest.raises(experiment.ExperimentError, match="metric 'mae/jam': 'mae' is already a number of this run"):
        experiment.metric("mae/jam", 3)
    with pytest.raises(experiment.ExperimentError, match="metric 'jam': 'jam' is already a group of numbers"):
        experiment.metric("jam", 3)
    assert json.loads(file.read_text()) == {"jam": {"mae": 1}, "mae": 2}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_broken_file_is_not_replaced(file: Path, text: str) -> None:
    """The error names it."""
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(experiment.ExperimentError, match=r"metrics\.json is not"):
        experiment.metric("n", 1)
    assert file.read_text() == text


def test_a_failed_write_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced completely or not at all."""
    experiment.metric("n", 1)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        experiment.metric("n", 2)
    assert json.loads(file.read_text()) == {"n": 1}
    assert [path.name for path in file.parent.iterdir()] == ["metrics.json"]

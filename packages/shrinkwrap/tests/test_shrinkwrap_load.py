"""`shrinkwrap.load`: the reading function of the notebooks, for scripts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import experiment
import shrinkwrap


def test_it_loads_the_project_of_the_working_directory(tmp_path: Path) -> None:
    """A script below a project needs no variable and no path."""
    (tmp_path / "analysis").mkdir()
    (tmp_path / "data/cars").mkdir(parents=True)
    (tmp_path / "data/datasets.toml").write_text('[datasets.cars]\noutput = "cars"\n')
    pq.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "data/cars/a.parquet")
    code = 'from shrinkwrap import load; print(load("cars", where=[("n", ">", 1)]).n.tolist())'
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path / "analysis", env={}, capture_output=True, text=True, check=True)
    assert result.stdout == "[2, 3]\n"


def test_it_is_the_function_of_the_notebooks() -> None:
    """There is one implementation."""
    assert shrinkwrap.load is experiment.load
    with pytest.raises(AttributeError, match="module 'shrinkwrap' has no attribute 'loads'"):
        _ = shrinkwrap.loads  # type: ignore[attr-defined]


def test_a_command_does_not_import_pandas() -> None:
    """The start of a command must stay fast."""
    code = "import sys, shrinkwrap.program; print({'experiment', 'pandas'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"

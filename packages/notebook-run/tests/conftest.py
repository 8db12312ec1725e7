"""Unit tests of notebooks start no process and connect to no engine."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"a unit test started {arguments}")

    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a notebook `eda`, a dataset `cars` of two parts, and a dataset `bikes` without any."""
    for folder in ("notebooks/lib", "data/raw/parquet/cars/d12"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks/eda.ipynb").write_text("{}")
    (tmp_path / "data/datasets.toml").write_text('[datasets.cars]\noutput = "raw/parquet/cars"\n[datasets.bikes]\n')
    for name in ("d12/2024.parquet", "d12/2025.parquet"):
        (tmp_path / "data/raw/parquet/cars" / name).write_text("x")
    return tmp_path

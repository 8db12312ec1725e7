"""Fixtures for the tests of data_share."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from shrinkwrap.program import main

from .tracked import Project


class CommandResult(NamedTuple):
    """What a command returned and printed."""

    code: int
    out: str
    err: str


Share = Callable[..., CommandResult]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two datasets that are not on the remote yet, in a folder whose name has a space and a non-ASCII letter."""
    created = Project(tmp_path / "räum 1")
    created.write("climate", {"2023.parquet": b"a" * 1000, "2024.parquet": b"b" * 2000})
    created.write("traffic", {"west/mai 1.parquet": b"c" * 500, "süd.parquet": b"b" * 2000})
    created.commit("Data")
    monkeypatch.chdir(created.root)
    for name in ("SHRINKWRAP_UP", "SHRINKWRAP_DOWN"):
        monkeypatch.delenv(name, raising=False)
    return created


@pytest.fixture
def share(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Share:
    """Runs a command of the collection `data` in the project, in this process."""

    def run(name: str, *words: str, stdin: str = "") -> CommandResult:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main([f"data.{name}", *words])
        printed = capsys.readouterr()
        return CommandResult(code, printed.out, printed.err)

    return run

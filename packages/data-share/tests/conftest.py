"""What the tests of data_share share."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from data_share.__main__ import main

from .tracked import Project


class Answer(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


Share = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two datasets, of which nothing is on the remote yet, in a folder with a space and a letter of its own."""
    made = Project(tmp_path / "räum 1")
    made.write("climate", {"2023.parquet": b"a" * 1000, "2024.parquet": b"b" * 2000})
    made.write("traffic", {"west/mai 1.parquet": b"c" * 500, "süd.parquet": b"b" * 2000})
    made.commit("Data")
    monkeypatch.chdir(made.root)
    for name in ("SHRINKWRAP_UP", "SHRINKWRAP_DOWN"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def share(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Share:
    """Runs a command in the project, in this process."""

    def run(*words: str, stdin: str = "") -> Answer:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(argv=words)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return run

"""A run without a browser, of an engine that tells what it should."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from env_spec import NotebookSpec
from notebook_run.engine import Ended
from notebook_run.errors import (
    BadNotebookError,
    CellFailedError,
    CellTimeoutError,
    ImageUnusableError,
    KernelDiedError,
    NoImageError,
    NoParametersCellError,
    NotebookRunError,
    OutOfMemoryError,
    ResultsDiskFullError,
    ResultsNotWrittenError,
    RunGoingOnError,
)
from notebook_run.folder_lock import held, lock
from notebook_run.headless import DEFAULT_TIMEOUT_S, RunRequest, RunResult, run_notebook

CELL = {"index": 1, "number": 1, "of": 2, "heading": "", "first_line": "x = 1"}
SECOND = {"index": 2, "number": 2, "of": 2, "heading": "Loop", "first_line": "while True:"}
BEGIN, END = {"event": "begin", **CELL}, {"event": "end", **CELL, "seconds": 0.5, "is_ok": True}
DONE = {"event": "done", "failure": None}


class FakeEngine:
    """Says the same whatever it is asked, and keeps what it was asked."""

    is_rootless = False

    def __init__(self, *events: object, exit_code: int = 0, is_out_of_memory: bool = False) -> None:
        self.lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        self.ended = Ended(exit_code=exit_code, is_out_of_memory=is_out_of_memory)
        self.asked: dict[str, Any] = {}
        self.cleared: list[Path] = []

    def has(self, reference: str) -> bool:
        return reference == "image:here"

    def remove_runs(self, out: Path) -> int:
        self.cleared.append(out)
        return 1

    def run_lines(self, reference: str, command: list[str], *, hear: Any, **asked: Any) -> Ended:
        self.asked = {**asked, "order": json.loads(base64.b64decode(command[-1]))}
        for line in self.lines:
            hear(line)
        return self.ended


def run(root: Path, engine: FakeEngine, image: str = "image:here", **changes: Any) -> RunResult:
    table = {"name": "eda", "path": "notebooks/eda.ipynb", "image": "i", **changes.pop("table", {})}
    request = RunRequest(root=root, image=image, notebook=NotebookSpec(**table), uid=7, gid=8, **changes)
    return run_notebook(request, lambda line: None, engine=engine)  # type: ignore[arg-type]


def test_a_run_gives_paths_and_durations(root: Path) -> None:
    """Results are named after the notebook, below notebooks/out, which is made."""
    result = run(root, FakeEngine(BEGIN, "noise of a kernel", END, DONE))
    assert (result.executed_path, result.html_path) == (
        root / "notebooks/out/eda/eda.ipynb",
        root / "notebooks/out/eda/eda.html",
    )
    assert [(cell.number, cell.seconds) for cell in result.cells] == [(1, 0.5)]
    assert (result.failed, result.seconds, result.executed_path.parent.is_dir()) == (None, 0.5, True)


def test_the_container_may_write_results_and_nothing_else(root: Path) -> None:
    """All mounts but one are read-only; the user is the host's; there is no network unless it is asked for."""
    engine = FakeEngine(DONE)
    run(root, engine)
    writable = [mount.target for mount in engine.asked["mounts"] if mount.is_writable]
    assert writable == ["/project/notebooks/out/eda"]
    assert (engine.asked["user"], engine.asked["has_network"]) == ("7:8", False)


def test_what_a_killed_run_left_is_removed_first(root: Path) -> None:
    """Its container is known by the folder that it writes to, which is in its labels."""
    engine = FakeEngine(DONE)
    run(root, engine)
    assert engine.cleared == [root / "notebooks/out/eda"]
    assert engine.asked["labels"]["io.shrinkwrap.out"] == str(root / "notebooks/out/eda")


def test_two_runs_do_not_write_to_one_folder(root: Path) -> None:
    """The second is refused while the first goes on, whose container is left alone."""
    engine, out = FakeEngine(DONE), root / "notebooks/out/eda"
    out.mkdir(parents=True)
    with held(out), pytest.raises(RunGoingOnError, match="eda is being run already"):
        run(root, engine)
    assert (engine.cleared, engine.asked) == ([], {})
    run(root, engine)
    os.close(lock(out, fcntl.LOCK_EX | fcntl.LOCK_NB))


@pytest.mark.parametrize("kind", ["a file", "not the user's"])
def test_a_folder_that_takes_no_results_is_told_first(root: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a notebook runs for nothing."""
    out = root / "notebooks/out"
    if kind == "a file":
        out.write_text("")
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    engine = FakeEngine(DONE)
    with pytest.raises(ResultsNotWrittenError, match="It must be a folder that you may write to"):
        run(root, engine)
    assert engine.asked == {}


def test_other_folders_can_be_named(root: Path, tmp_path: Path) -> None:
    """A clean checkout may take its data from, and leave its results in, another place."""
    engine, out = FakeEngine(DONE), tmp_path / "elsewhere"
    run(root, engine, out=out, data=root / "data", parameters={"x": 2})
    assert engine.asked["mounts"][-1].source == out
    assert engine.asked["order"]["parameters"] == {"x": 2}


@pytest.mark.parametrize(
    ("table", "asked", "limit_s"),
    [({}, None, DEFAULT_TIMEOUT_S), ({"timeout_s": 5}, None, 5), ({"timeout_s": 5}, 9, 9)],
)
def test_the_time_limit_is_the_nearest_one(root: Path, table: dict[str, int], asked: int | None, limit_s: int) -> None:
    """The command line's before the table's before the default."""
    engine = FakeEngine(DONE)
    run(root, engine, table=table, timeout_s=asked)
    assert engine.asked["order"]["timeout_s"] == limit_s


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("timeout", CellTimeoutError, 'cell 2 of 2 below "Loop" (while True:) ran longer than 600 s'),
        ("memory", OutOfMemoryError, "more memory than its limit of 400 MB"),
        ("dead", KernelDiedError, "last words"),
        ("error", CellFailedError, "(while True:), line 3 failed:\n  Cell In[2], line 3\n  OSError: No space left on"),
        ("error", CellFailedError, "The disk that it writes to is full"),
    ],
)
def test_a_failed_cell_is_named(root: Path, kind: str, error: type[NotebookRunError], text: str) -> None:
    """Whatever it died of, the result says which cell, and what to do; what ran before is there."""
    traceback = "Cell In[2], line 3\nOSError: No space left on device"
    failure = {"event": "done", "failure": {"kind": kind, "traceback": traceback, **SECOND}}
    engine = FakeEngine(BEGIN, END, {"event": "begin", **SECOND}, "last words", failure)
    result = run(root, engine, table={"memory_bytes": 400_000_000})
    assert isinstance(result.error, error)
    assert text in str(result.error)
    assert result.failed is not None and result.failed.index == 2
    assert [cell.index for cell in result.cells] == [1, 2]


@pytest.mark.parametrize(
    ("last", "exit_code", "error"),
    [
        ({"event": "bad-notebook", "problem": "no JSON"}, 0, BadNotebookError),
        ({"event": "no-parameters-cell"}, 0, NoParametersCellError),
        ({"event": "unwritten", "is_full": True, "problem": "x"}, 1, ResultsDiskFullError),
        ({"event": "unwritten", "is_full": False, "problem": "x"}, 1, ResultsNotWrittenError),
        (BEGIN, 137, OutOfMemoryError),
        ("No module named nbformat", 1, ImageUnusableError),
    ],
)
def test_a_run_without_results_is_an_error(
    root: Path, last: object, exit_code: int, error: type[NotebookRunError]
) -> None:
    """What the container said last tells which."""
    with pytest.raises(error):
        run(root, FakeEngine(last, exit_code=exit_code), parameters={"x": 1})


def test_an_image_that_is_not_here_is_an_error(root: Path) -> None:
    """Nothing is pulled behind the caller's back."""
    with pytest.raises(NoImageError, match="the image image:gone is not here"):
        run(root, FakeEngine(DONE), image="image:gone")

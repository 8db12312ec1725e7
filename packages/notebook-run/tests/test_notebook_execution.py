"""A run without a browser, with an engine that plays back events."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from env_spec import NotebookSpec
from notebook_run.engine import ContainerRequest
from notebook_run.errors import NotebookInputError, NotebookRunError
from notebook_run.folder_lock import exclusive_lock, lock_folder
from notebook_run.place import ProgramExit
from notebook_run.run.execution import execute
from notebook_run.run.in_image import ImagePlace
from notebook_run.run.request import DEFAULT_TIMEOUT_S, RunRequest, RunResult

CELL = {"index": 1, "number": 1, "of": 2, "heading": "", "first_line": "x = 1"}
SECOND = {"index": 2, "number": 2, "of": 2, "heading": "Loop", "first_line": "while True:"}
BEGIN, END = {"event": "begin", **CELL}, {"event": "end", **CELL, "seconds": 0.5, "is_ok": True}
DONE = {"event": "done", "failure": None}


class FakeEngine:
    """Plays back the same lines for each request, and records the request."""

    is_rootless = False

    def __init__(self, *events: object, **ended: Any) -> None:
        self.lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        self.ended = ProgramExit(**{"exit_code": 0, **ended})
        self.request: ContainerRequest | None = None
        self.cleared: list[Path] = []

    def has(self, reference: str) -> bool:
        return reference == "image:local"

    def remove_runs(self, out: Path) -> int:
        self.cleared.append(out)
        return 1

    def run_lines(self, request: ContainerRequest, on_line: Any) -> ProgramExit:
        self.request = request
        for line in self.lines:
            on_line(line)
        return self.ended

    @property
    def order(self) -> dict[str, Any]:
        """What the program in the container reads."""
        assert self.request is not None
        order: dict[str, Any] = json.loads(base64.b64decode(self.request.command[-1]))
        return order


def run(root: Path, engine: FakeEngine, image: str = "image:local", **changes: Any) -> RunResult:
    table = {"name": "eda", "path": "notebooks/eda.ipynb", "image": "i", **changes.pop("table", {})}
    place = ImagePlace(engine=engine, image=image)  # type: ignore[arg-type]
    request = RunRequest(root=root, place=place, notebook=NotebookSpec(**table), uid=7, gid=8, **changes)
    return execute(request, lambda line: None)


def test_a_run_returns_paths_and_durations(root: Path) -> None:
    """Results are named after the notebook, in a folder below notebooks/out that the run makes."""
    result = run(root, FakeEngine(BEGIN, "noise of a kernel", END, DONE))
    assert (result.executed_path, result.html_path) == (
        root / "notebooks/out/eda/eda.ipynb",
        root / "notebooks/out/eda/eda.html",
    )
    assert [(cell.number, cell.seconds) for cell in result.cells] == [(1, 0.5)]
    assert (result.failed, result.seconds, result.executed_path.parent.is_dir()) == (None, 0.5, True)


def test_results_of_an_earlier_run_are_removed(root: Path, tmp_path: Path) -> None:
    """Whatever their names; a reproduction stays. So does what a link leads to."""
    out, other = root / "notebooks/out/eda", tmp_path / "other.csv"
    (out / "figures/old").mkdir(parents=True)
    (out / "reproduction").mkdir()
    for path in (out / "old.csv", out / "reproduction.html", out / "figures/old/a.png", other):
        path.touch()
    (out / "link").symlink_to(other)
    run(root, FakeEngine(DONE))
    assert {path.name for path in out.iterdir()} == {"reproduction", "reproduction.html"}
    assert other.exists()


@pytest.mark.parametrize("kind", ["other files", "the notebook", "the project"])
def test_a_folder_with_other_files_is_not_emptied(root: Path, tmp_path: Path, kind: str) -> None:
    """A run writes to an empty folder, or to one that has its results."""
    out = {"other files": tmp_path / "home", "the notebook": root / "notebooks", "the project": root}[kind]
    out.mkdir(exist_ok=True)
    (out / "mine.txt").touch()
    if kind != "other files":
        (out / "eda.html").touch()
    engine = FakeEngine(DONE)
    with pytest.raises(NotebookInputError, match="has files that are not results of eda"):
        run(root, engine, out=out)
    assert (engine.request, (out / "mine.txt").exists()) == (None, True)


def test_a_run_of_a_clean_checkout_empties_the_results_of_its_project(root: Path) -> None:
    """A run of a capsule's commit that was killed leaves files without a page there."""
    checkout, out = root / ".shrinkwrap/checkouts/eda-1", root / "notebooks/out/eda/reproduction"
    shutil.copytree(root, checkout, ignore=shutil.ignore_patterns(".shrinkwrap"))
    out.mkdir(parents=True)
    (out / "old.csv").touch()
    run(checkout, FakeEngine(DONE), out=out)
    assert list(out.iterdir()) == []


def test_a_folder_of_the_user_with_results_is_emptied(root: Path, tmp_path: Path) -> None:
    """The second run there replaces the first."""
    out = tmp_path / "mine"
    out.mkdir()
    for name in ("eda.html", "old.csv"):
        (out / name).touch()
    run(root, FakeEngine(DONE), out=out)
    assert list(out.iterdir()) == []


def test_a_notebook_of_another_language_is_refused_by_its_kernel(root: Path) -> None:
    """Before anything is started."""
    kernel = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    (root / "notebooks/eda.ipynb").write_text(json.dumps({"cells": [], "metadata": kernel}), "utf-8")
    engine = FakeEngine(DONE)
    with pytest.raises(NotebookInputError, match=r"eda\.ipynb is a notebook of the kernel ir, which is R, and images"):
        run(root, engine)
    assert (engine.request, engine.cleared) == (None, [])


def test_lost_files_are_a_warning(root: Path) -> None:
    """Their paths, and where a file is kept."""
    result = run(root, FakeEngine(DONE, lost_files=("/data/a.csv", "/x.csv")))
    (warning,) = result.warnings
    assert (warning.kind, warning.text) == (
        "lost",
        "2 files outside the results are lost with the container: /data/a.csv, /x.csv. A relative path, or"
        ' experiment.out("FILE"), is kept in notebooks/out/eda.',
    )


def test_warnings_are_part_of_the_result(root: Path) -> None:
    """A run that leaves out an output still reaches its end; `--json` has the cell and the output."""
    warning = {"kind": "page", "cell": "plot", "output": 2, "text": "the page lacks output 2"}
    result = run(root, FakeEngine(BEGIN, END, {"event": "warning", **warning}, DONE))
    assert (result.facts()["warnings"], result.error) == ([warning], None)


def test_the_limits_of_outputs_are_those_of_the_table(root: Path) -> None:
    """Without them, the program has its own."""
    engine = FakeEngine(DONE)
    run(root, engine, table={"max_text_bytes": 5})
    assert (engine.order["max_text"], engine.order["max_output"]) == (5, None)


def test_the_container_can_write_only_its_results(root: Path) -> None:
    """All other mounts are read-only; the user is the host's; without `network = true` there is no network."""
    engine = FakeEngine(DONE)
    run(root, engine)
    assert engine.request is not None
    writable = [mount.target for mount in engine.request.mounts if mount.is_writable]
    assert writable == ["/project/notebooks/out/eda"]
    assert (engine.request.user, engine.request.has_network) == ("7:8", False)


def test_the_container_of_a_killed_run_is_removed_first(root: Path) -> None:
    """It has a label with the folder that it writes to."""
    engine = FakeEngine(DONE)
    run(root, engine)
    assert engine.cleared == [root / "notebooks/out/eda"]
    assert engine.request is not None
    assert engine.request.labels["io.shrinkwrap.out"] == str(root / "notebooks/out/eda")


def test_two_runs_do_not_write_to_one_folder(root: Path) -> None:
    """The second is an error while the first is running, whose container is not removed."""
    engine, out = FakeEngine(DONE), root / "notebooks/out/eda"
    out.mkdir(parents=True)
    with exclusive_lock(out), pytest.raises(NotebookRunError, match="eda is already being run"):
        run(root, engine)
    assert (engine.cleared, engine.request) == ([], None)
    run(root, engine)
    os.close(lock_folder(out, fcntl.LOCK_EX | fcntl.LOCK_NB))


@pytest.mark.parametrize("kind", ["a file", "not the user's"])
def test_a_folder_without_write_access_is_reported_first(
    root: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error before the notebook runs."""
    out = root / "notebooks/out"
    if kind == "a file":
        out.write_text("")
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    engine = FakeEngine(DONE)
    with pytest.raises(NotebookInputError, match="It must be a folder that you may write to"):
        run(root, engine)
    assert engine.request is None


def test_data_and_results_can_be_in_other_folders(root: Path, tmp_path: Path) -> None:
    """A run of a clean checkout writes its results outside of the checkout."""
    engine, out = FakeEngine(DONE), tmp_path / "elsewhere"
    run(root, engine, out=out, data=root / "data", parameters={"x": 2})
    assert engine.request is not None
    assert engine.request.mounts[-1].source == out
    assert engine.order["parameters"] == {"x": 2}


@pytest.mark.parametrize(
    ("table", "requested", "limit_s"),
    [({}, None, DEFAULT_TIMEOUT_S), ({"timeout_s": 5}, None, 5), ({"timeout_s": 5}, 9, 9)],
)
def test_the_time_limit_is_that_of_the_command_line_or_the_table(
    root: Path, table: dict[str, int], requested: int | None, limit_s: int
) -> None:
    """The command line overrides the table, which overrides the default."""
    engine = FakeEngine(DONE)
    run(root, engine, table=table, timeout_s=requested)
    assert engine.order["timeout_s"] == limit_s


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeout", 'cell 2 of 2 below "Loop" (while True:) ran longer than 600 s'),
        ("memory", "(while True:) used more memory than its limit of 400 MB"),
        ("dead", "the kernel died in cell 2 of 2"),
        ("dead", "last words"),
        ("dead", "Outputs until then: "),
        ("error", "(while True:), line 3 failed:\n  Cell In[2], line 3\n  OSError: No space left on"),
        ("error", "The disk that the cell writes to is full"),
    ],
)
def test_a_failed_cell_is_named(root: Path, kind: str, text: str) -> None:
    """Whatever the failure, the result has the cell, what to do, and the cells that ran before."""
    traceback = "Cell In[2], line 3\nOSError: No space left on device"
    failure = {"event": "done", "failure": {"kind": kind, "traceback": traceback, **SECOND}}
    engine = FakeEngine(BEGIN, END, {"event": "begin", **SECOND}, "last words", failure)
    result = run(root, engine, table={"memory_bytes": 400_000_000})
    assert result.error is not None and result.error.exit_code == 1
    assert text in str(result.error)
    assert result.failed is not None and result.failed.index == 2
    assert [cell.index for cell in result.cells] == [1, 2]


@pytest.mark.parametrize(
    ("last", "exit_code", "error", "text"),
    [
        (
            {"event": "bad-notebook", "problem": "no JSON"},
            0,
            NotebookInputError,
            "eda.ipynb is not a notebook that can be run: no JSON",
        ),
        ({"event": "no-parameters-cell"}, 0, NotebookInputError, "has no cell tagged `parameters`"),
        ({"event": "unwritten", "is_full": True, "problem": "x"}, 1, NotebookRunError, "no space is left for results"),
        (
            {"event": "unwritten", "is_full": False, "problem": "x"},
            1,
            NotebookInputError,
            "results cannot be written to",
        ),
        (BEGIN, 137, NotebookRunError, r"\(x = 1\) used more memory than the memory that Docker has"),
        ("No module named nbformat", 1, NotebookRunError, "nothing could be run in image:local .exit code 1."),
    ],
)
def test_a_run_without_results_is_an_error(
    root: Path, last: object, exit_code: int, error: type[NotebookRunError], text: str
) -> None:
    """The last line of the container determines the error."""
    with pytest.raises(error, match=text) as caught:
        run(root, FakeEngine(last, exit_code=exit_code), parameters={"x": 1})
    assert type(caught.value) is error


def test_an_image_that_is_not_local_is_an_error(root: Path) -> None:
    """It is not pulled."""
    with pytest.raises(NotebookInputError, match="the image image:gone is not local"):
        run(root, FakeEngine(DONE), image="image:gone")

"""A notebook run in its image without a browser: what goes in, what comes out, and what can go wrong."""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from env_spec import NotebookSpec
from notebook_run import needs
from notebook_run.errors import (
    BadNotebookError,
    CellFailedError,
    CellTimeoutError,
    ImageUnusableError,
    KernelDiedError,
    MissingPathError,
    NoImageError,
    NoParametersCellError,
    NotebookRunError,
    OutOfMemoryError,
    ResultsDiskFullError,
    ResultsNotWrittenError,
    RunGoingOnError,
)
from notebook_run.events import RanCell, failed_line, parse_event, plain_traceback, ran_cell, shown_event
from notebook_run.folder_lock import lock

if TYPE_CHECKING:
    from notebook_run.engine import Engine

Say = Callable[[str], None]
Scalar = str | int | float | bool

DEFAULT_TIMEOUT_S: Final = 600
"""Of a cell, where neither the notebook's table nor the command line says another."""
_KILLED: Final = 137


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run.

    Attributes:
        root: The checkout that the notebook's file and `notebooks/lib` are read from.
        image: Reference of an image that is here, by tag or by digest.
        parameters: All that are to be set, in a cell behind the one tagged `parameters`; empty for none.
        out: The folder for results; made if it is missing. None for `notebooks/out/NAME` of the root.
        data: The folder that holds datasets.toml and the Parquet; None for `data` of the root.
        uid, gid: Whom the results belong to.
        timeout_s: Of each cell; None for the notebook's own, else `DEFAULT_TIMEOUT_S`.
    """

    root: Path
    image: str
    notebook: NotebookSpec
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    out: Path | None = None
    data: Path | None = None
    uid: int = field(default_factory=os.getuid)
    gid: int = field(default_factory=os.getgid)
    timeout_s: int | None = None

    @property
    def out_folder(self) -> Path:
        return self.out or needs.out_folder(self.root, self.notebook.name)

    @property
    def limit_s(self) -> int:
        return self.timeout_s or self.notebook.timeout_s or DEFAULT_TIMEOUT_S


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What came of it.

    Attributes:
        executed_path: The notebook with its outputs, as far as it came.
        html_path: The same as one page.
        cells: Every code cell that was run, the failed one included.
        failed: The cell that it stopped at; None if every cell ran.
        error: Why it stopped, to be raised or told; None if every cell ran.
    """

    executed_path: Path
    html_path: Path
    cells: tuple[RanCell, ...]
    failed: RanCell | None = None
    error: NotebookRunError | None = None

    @property
    def seconds(self) -> float:
        return sum(cell.seconds or 0.0 for cell in self.cells)

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "executed": str(self.executed_path),
            "html": str(self.html_path),
            "seconds": round(self.seconds, 3),
            "cells": [vars(cell) for cell in self.cells],
            "failed": vars(self.failed) if self.failed else None,
            "error": str(self.error) if self.error else None,
        }


@dataclass
class _Story:
    """What was told so far."""

    begun: RanCell | None = None
    ended: list[RanCell] = field(default_factory=list)
    last: Mapping[str, Any] = field(default_factory=dict)
    noise: list[str] = field(default_factory=list)

    def hear(self, line: str) -> str | None:
        event = parse_event(line)
        if event is None:
            # The kernel's own remarks are for those who write kernels.
            if line.strip() and "[IPKernelApp]" not in line:
                self.noise.append(line)
            return None
        self.last = event
        if event["event"] == "begin":
            self.begun = ran_cell(event)
        elif event["event"] == "end":
            self.begun = None
            self.ended.append(ran_cell(event))
        return shown_event(event)


def run_notebook(request: RunRequest, say: Say, *, engine: Engine | None = None) -> RunResult:
    """Run a notebook from its first to its last cell in a container of its own, which is gone afterwards.

    Writes `NAME.ipynb` (executed) and `NAME.html` to the folder for results, also where a cell failed, as far as it
    came; the notebook's own file is only read. Results of an earlier run are replaced; the container of one that was
    killed is removed.

    Args:
        say: Gets a line of progress per cell.

    Returns:
        What came of it; a cell that failed is told there and not raised.

    Raises:
        NotebookRunError: It could not be run, or there are no results.
        image_build.ImageBuildError: There is no engine.
    """
    from notebook_run.engine import KIND_LABEL, NOTEBOOK_LABEL, OUT_LABEL, ROOT_LABEL, Engine

    notebook, out = request.notebook, request.out_folder
    engine = engine or Engine()
    mounts = (*needs.mounts(request.root, notebook, data=request.data), *_own_mounts(request))
    if not engine.has(request.image):
        raise NoImageError(request.image)
    needs.make_out_folder(out)
    story = _Story()
    with _only_run(request) as is_only_run:
        if is_only_run and engine.remove_runs(out.resolve()):
            say(f"{notebook.name}: removed the container of a run that was killed")
        said = engine.run_lines(
            request.image,
            ["python", "-P", "-c", _program(), _order(request)],
            mounts=mounts,
            environment=needs.environment(notebook),
            user=needs.container_user(uid=request.uid, gid=request.gid, is_rootless=engine.is_rootless),
            memory_bytes=notebook.memory_bytes,
            has_network=notebook.network,
            labels={
                KIND_LABEL: "run",
                NOTEBOOK_LABEL: notebook.name,
                ROOT_LABEL: str(request.root.resolve()),
                OUT_LABEL: str(out.resolve()),
            },
            hear=lambda line: say(shown) if (shown := story.hear(line)) else None,
        )
    return _result(request, story, exit_code=said.exit_code, is_out_of_memory=said.is_out_of_memory)


def _own_mounts(request: RunRequest) -> tuple[needs.Mount, ...]:
    path = request.root / request.notebook.path
    if not path.is_file():
        raise MissingPathError(str(path), what=f"the file of {request.notebook.name}", advice="Correct its table.")
    return (
        needs.Mount(source=path, target=f"{needs.PROJECT}/{request.notebook.path}"),
        needs.Mount(source=request.out_folder, target=_inner_out(request), is_writable=True),
    )


def _inner_out(request: RunRequest) -> str:
    return f"{needs.PROJECT}/notebooks/out/{request.notebook.name}"


@contextmanager
def _only_run(request: RunRequest) -> Iterator[bool]:
    """Be the only run that writes to its folder; False where the file system has no locks, and nobody can tell."""
    try:
        handle = lock(request.out_folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunGoingOnError(request.notebook.name, str(request.out_folder)) from None
    except OSError:
        handle = None
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _program() -> str:
    return Path(__file__).with_name("in_container.py").read_text("utf-8")


def _order(request: RunRequest) -> str:
    order = {
        "name": request.notebook.name,
        "path": f"{needs.PROJECT}/{request.notebook.path}",
        "out": _inner_out(request),
        "parameters": dict(request.parameters),
        "timeout_s": request.limit_s,
    }
    return base64.b64encode(json.dumps(order).encode()).decode()


def _result(request: RunRequest, story: _Story, *, exit_code: int, is_out_of_memory: bool) -> RunResult:
    name = request.notebook.name
    if story.last.get("event") != "done":
        _raise_unfinished(request, story, exit_code=exit_code, is_out_of_memory=is_out_of_memory)
    result = RunResult(
        executed_path=request.out_folder / f"{name}.ipynb",
        html_path=request.out_folder / f"{name}.html",
        cells=tuple(story.ended),
    )
    failure = story.last["failure"]
    if failure is None:
        return result
    failed = story.begun or story.ended[-1]
    cells = (*story.ended, story.begun) if story.begun else result.cells
    error = _failure(request, failure, failed, story, kept=str(result.executed_path))
    return RunResult(
        executed_path=result.executed_path, html_path=result.html_path, cells=cells, failed=failed, error=error
    )


def _failure(
    request: RunRequest, failure: Mapping[str, Any], cell: RanCell, story: _Story, *, kept: str
) -> NotebookRunError:
    notebook = request.notebook
    if failure["kind"] == "timeout":
        return CellTimeoutError(cell.where, timeout_s=request.limit_s, notebook=notebook.name, kept=kept)
    if failure["kind"] == "memory":
        limit = needs.shown_memory(notebook.memory_bytes)
        return OutOfMemoryError(cell.where, notebook=notebook.name, limit=limit, kept=kept)
    if failure["kind"] == "dead":
        return KernelDiedError(cell.where, last_lines=story.noise[-5:])
    traceback = plain_traceback(failure["traceback"])
    return CellFailedError(cell.where, line=failed_line(traceback), traceback=traceback, kept=kept)


def _raise_unfinished(request: RunRequest, story: _Story, *, exit_code: int, is_out_of_memory: bool) -> NoReturn:
    """It ended before there were results."""
    notebook, last = request.notebook, story.last
    where = story.begun.where if story.begun else f"the run of {notebook.name}"
    if last.get("event") == "bad-notebook":
        raise BadNotebookError(notebook.path, last["problem"])
    if last.get("event") == "no-parameters-cell":
        raise NoParametersCellError(notebook.path, request.parameters)
    if last.get("event") == "unwritten" and last["is_full"]:
        raise ResultsDiskFullError(str(request.out_folder))
    if last.get("event") == "unwritten":
        raise ResultsNotWrittenError(str(request.out_folder), last["problem"])
    if is_out_of_memory or exit_code == _KILLED:
        limit = needs.shown_memory(notebook.memory_bytes)
        raise OutOfMemoryError(where, notebook=notebook.name, limit=limit)
    raise ImageUnusableError(request.image, exit_code=exit_code, last_lines=story.noise[-8:])

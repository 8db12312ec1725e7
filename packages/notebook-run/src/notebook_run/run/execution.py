"""Runs a notebook without a browser: request, place, result."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from env_spec import load_spec
from image_build.engine import engine_failures
from notebook_run.datasets import pull_missing_data
from notebook_run.errors import NotebookInputError, NotebookRunError
from notebook_run.folder_lock import lock_folder
from notebook_run.kernel_language import check_kernel
from notebook_run.lost_files import lost_text
from notebook_run.place import PlaceName, ProgramExit, chosen_place, local_offered
from notebook_run.project import load_notebook, make_out_folder
from notebook_run.run.events import RunWarning
from notebook_run.run.order import program
from notebook_run.run.parameters import parse_parameters
from notebook_run.run.request import RunRequest, RunResult
from notebook_run.run.results_folder import remove_results, results_folder
from notebook_run.run.run_log import RunLog, cell_error, unfinished_error
from notebook_run.run.search import PlaceSearch
from terminal import note


@local_offered()
@engine_failures()
def run_notebook(
    root: Path,
    name: str,
    *,
    place: PlaceName | None = None,
    parameters: Iterable[str] = (),
    out: Path | None = None,
    timeout_s: int | None = None,
    base: str | None = None,
    on_line: Callable[[str], None] = note,
) -> RunResult:
    """Run a notebook from its first to its last cell; its data and its image or environment are fetched first.

    Args:
        place: None for the default of the project.
        parameters: `key=value` each, instead of the values in its table.
        out: The folder for results; None for `notebooks/out/NAME`, or one for these parameters next to it.
        timeout_s: Of each cell; None for the limit of its table.
        base: Base of its image, if the image must be built.
        on_line: Receives a line of progress per cell.

    Returns:
        The result; if a cell failed, with the error, which is not raised.

    Raises:
        EnvSpecError: The project has mistakes, or no notebook of that name.
        ImageBuildError: No engine answers, or the image is neither available nor can be built.
        NotebookRunError: The notebook could not be run, or there are no results.
    """
    if timeout_s is not None and timeout_s < 1:
        raise NotebookInputError(f"--timeout must be whole seconds from 1, not {timeout_s}")
    notebook = load_notebook(root, name)
    check_kernel(root / notebook.path, notebook.path)
    values = parse_parameters(notebook, parameters)
    search = PlaceSearch(
        root=root, name=chosen_place(load_spec(root / "pyproject.toml"), place), base=base, on_line=on_line
    )
    pull_missing_data(root, notebook, on_line)
    found = search.found(notebook)
    on_line(f"{name}: running in {found.title}")
    request = RunRequest(
        root=root,
        place=found,
        notebook=notebook,
        parameters=values,
        out=(out or results_folder(root, notebook, values)).absolute(),
        timeout_s=timeout_s,
    )
    return execute(request, on_line)


@engine_failures()
def execute(request: RunRequest, on_line: Callable[[str], None] = note) -> RunResult:
    """Run a notebook in its place; no process and no container is left afterwards.

    Writes `NAME.ipynb` (executed) and `NAME.html` to the folder for results; if a cell failed, with the outputs until
    then. The notebook's own file is only read. Results of an earlier run are removed first; what a run that was
    killed left running is stopped.

    Args:
        on_line: Receives a line of progress per cell.

    Returns:
        The result; if a cell failed, with the error, which is not raised.

    Raises:
        NotebookRunError: The notebook could not be run, or there are no results.
        ImageBuildError: No engine answers.
    """
    notebook, out, place = request.notebook, request.out_folder, request.place
    check_kernel(request.root / notebook.path, notebook.path)
    place.check(request)
    make_out_folder(out)
    log = RunLog()

    def add(line: str) -> None:
        if text := log.add(line):
            on_line(text)

    with _only_run(request) as is_only_run:
        if is_only_run and place.remove_runs(out.resolve()):
            on_line(f"{notebook.name}: removed the container of a run that was killed")
        remove_results(request)
        ended = place.run(request, program(request), add)
    if log.last.get("event") != "done":
        raise unfinished_error(request, log, ended)
    if ended.lost_files:
        log.warnings.append(RunWarning(kind="lost", text=lost_text(ended.lost_files, notebook.name)))
        on_line(f"warning: {log.warnings[-1].text}")
    return _result(request, log, _failure(log, ended))


def _failure(log: RunLog, ended: ProgramExit) -> Mapping[str, Any] | None:
    """Why the run stopped. Only the place knows that the kernel was killed for its memory."""
    failure: Mapping[str, Any] | None = log.last["failure"]
    is_memory = failure and failure["kind"] == "dead" and ended.is_out_of_memory
    return {**failure, "kind": "memory"} if failure and is_memory else failure


@contextmanager
def _only_run(request: RunRequest) -> Iterator[bool]:
    """Prevent other runs from writing to the same folder; False if the file system has no locks."""
    try:
        descriptor = lock_folder(request.out_folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NotebookRunError(
            f"{request.notebook.name} is already being run, with its results in {request.out_folder}. Wait for that"
            " run, or stop it with Ctrl-C."
        ) from None
    except OSError:
        descriptor = None
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _result(request: RunRequest, log: RunLog, failure: Mapping[str, Any] | None) -> RunResult:
    name = request.notebook.name
    failed = (log.current or log.ended[-1]) if failure else None
    return RunResult(
        executed_path=request.out_folder / f"{name}.ipynb",
        html_path=request.out_folder / f"{name}.html",
        cells=(*log.ended, log.current) if failure and log.current else tuple(log.ended),
        failed=failed,
        error=cell_error(request, failure, failed, log) if failure and failed else None,
        warnings=tuple(log.warnings),
    )

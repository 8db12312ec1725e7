"""Runs a notebook and records everything that the run depended on and every output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from env_spec import NotebookSpec
from notebook_run.capsule.data import recorded_data
from notebook_run.capsule.places import RunPlace, container_text, installed_packages
from notebook_run.capsule.record import Capsule, CellRecord, Rerun, Sources
from notebook_run.capsule.results import ResultFile, result_files
from notebook_run.capsule.sources import (
    SourceCell,
    cell_id,
    code_hashes,
    code_texts,
    is_injected,
    outputs_by_cell,
    source_cells,
)
from notebook_run.outputs.cell_outputs import CellOutputs
from notebook_run.program.script import document
from notebook_run.run.execution import execute
from notebook_run.run.parameters import Parameter
from notebook_run.run.request import RunRequest, RunResult


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """A run to record.

    Attributes:
        project: A checkout, or the project itself.
        commit: The commit that the record names.
        place: Where it runs.
        out: The folder for the results of the run.
    """

    project: Path
    notebook: NotebookSpec
    commit: str
    place: RunPlace
    parameters: Mapping[str, Parameter]
    out: Path


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """What a run gave.

    Attributes:
        outputs: By cell.
        files: By their path in the folder for results.
        failure: Why it stopped before the last cell; None if every cell ran.
        unreached: Cells after the one that failed.
    """

    outputs: Mapping[str, CellOutputs]
    files: Mapping[str, ResultFile]
    failure: str | None
    unreached: frozenset[str]


def run_and_record(run: RecordedRun, on_line: Callable[[str], None]) -> Rerun:
    """Run a notebook and record the run. A cell that fails is in the record.

    Raises:
        NotebookRunError: The notebook could not be run.
    """
    installed = installed_packages(run.project, run.place)
    data = recorded_data(run.project, run.notebook)
    cells = _cells(run)
    results = run_results(run, on_line)
    capsule = Capsule(
        name=run.notebook.name,
        notebook=run.notebook.path,
        commit=run.commit,
        image=run.place.image,
        environment=run.place.environment,
        platform=installed.platform,
        parameters=dict(run.parameters),
        code=code_hashes(run.project),
        data=data,
        versions=installed.versions,
        cells=tuple(_cell_record(cell, results.outputs.get(cell.id, CellOutputs())) for cell in cells),
        files={path: file.hash for path, file in results.files.items()},
    )
    return Rerun(
        capsule=capsule,
        outputs=results.outputs,
        sources=Sources(cells={cell.id: cell.source for cell in cells}, code=code_texts(run.project)),
        files=results.files,
        failure=results.failure,
        unreached=results.unreached,
    )


def run_results(run: RecordedRun, on_line: Callable[[str], None]) -> RunResults:
    """Run a notebook, and read its results. A cell that fails is no error.

    Raises:
        NotebookRunError: The notebook could not be run.
    """
    request = RunRequest(
        root=run.project,
        place=run.place.place,
        notebook=run.notebook,
        parameters=run.parameters,
        out=run.out,
    )
    result = execute(request, on_line)
    executed = json.loads(container_text(result.executed_path.read_text("utf-8"), request))
    outputs = outputs_by_cell(executed)
    return RunResults(
        outputs=outputs,
        files=result_files(request.out_folder, run.notebook.name, outputs),
        failure=str(result.error) if result.error else None,
        unreached=_unreached(result, executed, _cells(run), list(outputs)),
    )


def _cells(run: RecordedRun) -> tuple[SourceCell, ...]:
    return source_cells(document(run.notebook.path, (run.project / run.notebook.path).read_text("utf-8")))


def _cell_record(cell: SourceCell, outputs: CellOutputs) -> CellRecord:
    return CellRecord(
        id=cell.id,
        source=hashlib.sha256(cell.source.encode()).hexdigest(),
        outputs=outputs.hashes,
        is_volatile=cell.is_volatile,
    )


def _unreached(
    result: RunResult, executed: Mapping[str, Any], cells: Sequence[SourceCell], ids: list[str]
) -> frozenset[str]:
    """The cells after the one that failed."""
    if result.failed is None:
        return frozenset()
    place = result.failed.index
    before = [cell for cell in executed["cells"][:place] if not is_injected(cell)]
    failed = cell_id(executed["cells"][place], len(before))
    return frozenset(cell.id for cell in cells) - frozenset(ids[: ids.index(failed) + 1])

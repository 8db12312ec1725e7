"""A run's request and its result."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from env_spec import NotebookSpec
from notebook_run.errors import NotebookRunError
from notebook_run.project import out_folder
from notebook_run.run.events import CellRun, RunWarning
from notebook_run.run.parameters import Parameter
from notebook_run.run.place import Place
from terminal import count_text

# Of a cell, if neither the notebook's table nor the command line sets a limit.
DEFAULT_TIMEOUT_S: Final = 600


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """One run.

    Attributes:
        root: The checkout that the notebook's file and `notebooks/lib` are read from.
        place: Where it runs.
        parameters: All parameters to set, in a cell after the one tagged `parameters`; empty for none.
        out: The folder for results; made if it does not exist. None for `notebooks/out/NAME` of the root.
        data: The folder that holds datasets.toml and the Parquet; None for `data` of the root.
        uid, gid: The owner of the results.
        timeout_s: Of each cell; None for the notebook's own limit, or else `DEFAULT_TIMEOUT_S`.
    """

    root: Path
    place: Place
    notebook: NotebookSpec
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    out: Path | None = None
    data: Path | None = None
    uid: int = field(default_factory=os.getuid)
    gid: int = field(default_factory=os.getgid)
    timeout_s: int | None = None

    @property
    def out_folder(self) -> Path:
        """The folder for results."""
        return self.out or out_folder(self.root, self.notebook.name)

    @property
    def cell_timeout_s(self) -> int:
        """The time limit of each cell."""
        return self.timeout_s or self.notebook.timeout_s or DEFAULT_TIMEOUT_S


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of a run.

    Attributes:
        executed_path: The notebook with its outputs, up to the last cell that ran.
        html_path: The same as one page.
        cells: Every code cell that ran, a failed one included.
        failed: The cell at which the run stopped; None if every cell ran.
        error: Why the run stopped, for the caller to raise or to report; None if every cell ran.
        warnings: What is lost or left out, although it ran.
    """

    executed_path: Path
    html_path: Path
    cells: tuple[CellRun, ...]
    failed: CellRun | None = None
    error: NotebookRunError | None = None
    warnings: tuple[RunWarning, ...] = ()

    @property
    def seconds(self) -> float:
        """The time that the cells took."""
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
            "warnings": [vars(warning) for warning in self.warnings],
        }


def run_text(result: RunResult, root: Path, name: str) -> str:
    """A run that reached its end: number of cells, duration, and paths relative to the root."""
    lines = [f"{name}: {count_text(len(result.cells), 'cell')} in {result.seconds:.1f} s"]
    return "\n".join([*lines, *(_shown(path, root) for path in (result.executed_path, result.html_path))])


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)

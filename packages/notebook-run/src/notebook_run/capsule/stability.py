"""The results that differ between two runs of the same code on the same data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from notebook_run.capsule.record import VOLATILE, Rerun
from notebook_run.capsule.recording import RunResults
from notebook_run.errors import NotebookRunError, indented
from notebook_run.outputs.cell_outputs import CellOutputs

_ADVICE: Final = (
    "  Set a seed, sort what has no order, or tag a cell that must differ (a time, a date) with `volatile` (JupyterLab:"
    " Property Inspector, Cell Tags), and commit. Or freeze with --mark-volatile: the capsule then records these as"
    " different in each run, and they are not compared."
)


@dataclass(frozen=True, kw_only=True)
class UnstableResults:
    """Results that differ between two runs: ids of cells, and paths of files."""

    cells: tuple[str, ...]
    files: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.cells or self.files)


def unstable_results(first: Rerun, second: RunResults) -> UnstableResults:
    """What differs between two runs, without the cells that are tagged volatile."""
    cells = tuple(
        cell.id
        for cell in first.capsule.cells
        if not cell.is_volatile and cell.outputs != second.outputs.get(cell.id, CellOutputs()).hashes
    )
    paths = sorted({*first.files, *second.files})
    return UnstableResults(cells=cells, files=tuple(path for path in paths if _differs(path, first, second)))


def marked(rerun: Rerun, unstable: UnstableResults) -> Rerun:
    """The run, with these cells and files recorded as different in each run."""
    capsule = rerun.capsule
    cells = tuple(
        replace(cell, is_volatile=True, is_unstable=True, outputs=()) if cell.id in unstable.cells else cell
        for cell in capsule.cells
    )
    files = {**(capsule.files or {}), **dict.fromkeys(unstable.files, VOLATILE)}
    return replace(rerun, capsule=replace(capsule, cells=cells, files=files))


def unstable_error(rerun: Rerun, unstable: UnstableResults) -> NotebookRunError:
    """The error that names these results and the ways out."""
    name, places = rerun.capsule.name, {cell.id: place for place, cell in enumerate(rerun.capsule.cells, start=1)}
    cells = [f"cell {places[cell]} ({cell}): {_first_line(rerun, cell)}" for cell in unstable.cells]
    lines = [
        f"{name} was not frozen, because two runs of it with the same code and data differ:",
        *indented([*cells, *(f"file {path}" for path in unstable.files)]),
        _ADVICE,
    ]
    return NotebookRunError("\n".join(lines))


def _differs(path: str, first: Rerun, second: RunResults) -> bool:
    before, after = first.files.get(path), second.files.get(path)
    return (before and before.hash) != (after and after.hash)


def _first_line(rerun: Rerun, cell: str) -> str:
    return rerun.sources.cells.get(cell, "").strip().partition("\n")[0][:80]

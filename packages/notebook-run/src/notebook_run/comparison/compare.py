"""Compares a run with a capsule: what differs, and which inputs may be the cause."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from notebook_run.capsule.record import Capsule, Rerun, Sources
from notebook_run.comparison.cells import (
    CellDifference,
    KeptOutputs,
    VolatileCell,
    cell_differences,
    volatile_cells,
)
from notebook_run.comparison.files import FileDifference, file_differences, volatile_files
from notebook_run.comparison.inputs import InputDifference, input_differences
from terminal import count_text

_MOST_NAMED: Final = 3


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A capsule compared with a rerun.

    Attributes:
        inputs: The most likely cause first.
        files: Files of its results that differ.
        compared: Number of recorded outputs that were compared.
        failure: Why the rerun stopped before the last cell; None if every cell ran.
    """

    recorded: Capsule
    found: Capsule
    inputs: tuple[InputDifference, ...]
    cells: tuple[CellDifference, ...]
    files: tuple[FileDifference, ...]
    volatile: tuple[VolatileCell, ...]
    compared: int
    failure: str | None
    notes: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every output and every file is the recorded one."""
        return not (self.cells or self.files) and self.failure is None

    @property
    def compared_files(self) -> int:
        """Number of recorded files that were compared."""
        return len(self.recorded.files or {}) - len(self.volatile_files)

    @property
    def volatile_files(self) -> tuple[str, ...]:
        """The files that differed between two runs when the capsule was frozen."""
        return volatile_files(self.recorded)

    @property
    def suspects(self) -> tuple[InputDifference, ...]:
        """The inputs that may be the cause of the differences, the most likely one first."""
        if self.is_equal:
            return ()
        return tuple(each for each in self.inputs if not (each.is_after or each.is_consequence))

    @property
    def culprit(self) -> InputDifference | None:
        """The input that is the cause of the differences; None if several may be."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        name = self.recorded.name
        if self.failure is not None:
            return f"{name} no longer runs to its end"
        if self.is_equal:
            files = f" and {count_text(self.compared_files, 'file')}" if self.compared_files else ""
            return f"{name} has the same results: {count_text(self.compared, 'output')}{files} equal"
        parts = []
        if self.cells:
            parts.append(f"{len(self.cells)} of {count_text(len(self.recorded.cells), 'cell')}")
        if self.files:
            parts.append(count_text(len(self.files), "file"))
        differ = "differs" if len(self.cells) + len(self.files) == 1 else "differ"
        return f"{name} has other results: {' and '.join(parts)} {differ}"

    @property
    def advice(self) -> str:
        """What to look at first, in a sentence."""
        if culprit := self.culprit:
            return f"Culprit: {culprit.sentence}"
        if self.suspects:
            named = "; ".join(each.sentence for each in self.suspects[:_MOST_NAMED])
            more = len(self.suspects) - _MOST_NAMED
            rest = f"; and {more} more" if more > 0 else ""
            return f"One of {len(self.suspects)} changes is the culprit, or several are: {named}{rest}"
        earlier = " before the first difference" if self.inputs else ""
        return (
            f"No input{earlier} differs, so the notebook itself has other results in each run: look for random numbers"
            " without a seed, times, and the order of files or threads; tag a cell that must differ with `volatile`"
        )

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "notebook": self.recorded.name,
            "commit": self.recorded.commit,
            "equal": self.is_equal,
            "verdict": self.verdict,
            "culprit": _input_json(self.culprit) if self.culprit else None,
            "suspects": [difference.sentence for difference in self.suspects],
            "failure": self.failure,
            "inputs": [_input_json(difference) for difference in self.inputs],
            "cells": [_plain(asdict(cell)) for cell in self.cells],
            "files": [_plain(asdict(file)) for file in self.files],
            "volatile": [asdict(cell) for cell in self.volatile],
            "volatile_files": list(self.volatile_files),
            "compared": self.compared,
            "notes": list(self.notes),
        }


def compare(
    recorded: Capsule,
    kept: KeptOutputs,
    rerun: Rerun,
    *,
    sources: Sources | None = None,
    kept_file: Callable[[str], bytes | None] = lambda _: None,
) -> Comparison:
    """Compare a rerun with a capsule.

    Args:
        kept: The outputs that are kept next to the capsule, by cell and place.
        sources: The code of the capsule's commit, as far as it is known.
        kept_file: The content of a result file that is kept next to the capsule, by its path.
    """
    cells = tuple(cell_differences(recorded, kept, rerun))
    first_cell = min((cell.place for cell in cells), default=None)
    return Comparison(
        recorded=recorded,
        found=rerun.capsule,
        inputs=input_differences(recorded, rerun, sources or Sources(), first_cell=first_cell),
        cells=cells,
        files=tuple(file_differences(recorded, kept_file, rerun)),
        volatile=tuple(volatile_cells(recorded, rerun)),
        compared=sum(len(cell.outputs) for cell in recorded.cells if not cell.is_volatile),
        failure=rerun.failure,
        notes=rerun.notes,
    )


def _input_json(difference: InputDifference) -> dict[str, Any]:
    return {**asdict(difference), "sentence": difference.sentence}


def _plain(value: Any) -> Any:
    """A value for JSON: pictures become base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value

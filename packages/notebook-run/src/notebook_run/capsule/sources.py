"""The code of a run: cells of the notebook and files that it imports; and the outputs of an executed notebook."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebook_run.outputs.cell_outputs import VOLATILE_TAG, CellOutputs, cell_outputs
from notebook_run.project import LIB


@dataclass(frozen=True, kw_only=True)
class SourceCell:
    """A code cell in the notebook's file."""

    id: str
    source: str
    is_volatile: bool
    has_outputs: bool


def source_cells(notebook: Mapping[str, Any]) -> tuple[SourceCell, ...]:
    """The code cells of a notebook's JSON."""
    return tuple(
        SourceCell(
            id=cell_id(cell, index),
            source=_joined(cell["source"]),
            is_volatile=VOLATILE_TAG in cell.get("metadata", {}).get("tags", []),
            has_outputs=bool(cell.get("outputs")),
        )
        for index, cell in enumerate(notebook["cells"])
        if cell["cell_type"] == "code"
    )


def outputs_by_cell(executed: Mapping[str, Any]) -> dict[str, CellOutputs]:
    """The outputs of each code cell of an executed notebook, without the cell that sets parameters."""
    cells = [cell for cell in executed["cells"] if not is_injected(cell)]
    return {
        cell_id(cell, index): cell_outputs(cell["outputs"])
        for index, cell in enumerate(cells)
        if cell["cell_type"] == "code"
    }


def is_injected(cell: Mapping[str, Any]) -> bool:
    """Whether a cell was inserted by a run to set parameters."""
    return "injected-parameters" in cell.get("metadata", {}).get("tags", [])


def cell_id(cell: Mapping[str, Any], index: int) -> str:
    """The id of a cell; old notebooks have none, so there it is made from the cell's place."""
    return str(cell.get("id") or f"cell-{index + 1}")


def code_files(project: Path) -> list[str]:
    """The files that a notebook may import, relative to the project."""
    paths = (path for path in sorted((project / LIB).rglob("*")) if path.is_file())
    relative = (path.relative_to(project) for path in paths)
    return [
        path.as_posix()
        for path in relative
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    ]


def code_hashes(project: Path) -> dict[str, str]:
    """The hashes of the files that a notebook may import."""
    return {path: hashlib.sha256((project / path).read_bytes()).hexdigest() for path in code_files(project)}


def code_texts(project: Path) -> dict[str, str]:
    """The text of the files that a notebook may import."""
    return {path: (project / path).read_text("utf-8", "replace") for path in code_files(project)}


def _joined(source: object) -> str:
    return "".join(source) if isinstance(source, list) else str(source)

"""The cells of a notebook: which of them run, their names in messages, and the cell with parameters."""

from __future__ import annotations

import re
from typing import Any


def is_run(cell: Any) -> bool:
    """Whether a cell is code and not empty."""
    return bool(cell.cell_type == "code" and cell.source.strip())


def described(cells: list[Any], index: int) -> dict[str, Any]:
    """A code cell's place among those that run, the heading above it, and its first line of code."""
    coded = [number for number, cell in enumerate(cells) if is_run(cell)]
    heading = ""
    for cell in cells[:index]:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
    return {
        "index": index,
        "number": coded.index(index) + 1 if index in coded else 0,
        "of": len(coded),
        "heading": heading,
        "first_line": _first_line(cells[index]),
    }


def cell_name(cells: list[Any], index: int) -> str:
    """A cell of any type in words."""
    if is_run(cells[index]):
        facts = described(cells, index)
        return f"cell {facts['number']} of {facts['of']} ({facts['first_line']})"
    kind = {"markdown": "Markdown", "raw": "raw"}.get(cells[index].cell_type, "empty")
    return f"the {kind} cell ({_first_line(cells[index], comments=True)})"


def cell_id(cells: list[Any], index: int) -> str:
    """The id of a cell; before nbformat 4.5, cells have none."""
    return str(cells[index].get("id") or f"cell-{index}")


def with_parameters(notebook: Any, parameters: dict[str, Any]) -> bool:
    """Insert a cell with the parameters after the one tagged `parameters`, as papermill does; False if none is."""
    from nbformat.v4 import new_code_cell

    cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for index, cell in enumerate(cells):
        if "parameters" in cell.metadata.get("tags", []):
            source = "\n".join(["# Parameters", *(f"{name} = {value!r}" for name, value in parameters.items())])
            injected = new_code_cell(source, metadata={"tags": ["injected-parameters"]})
            injected["id"] = "injected-parameters"
            notebook.cells = [*cells[: index + 1], injected, *cells[index + 1 :]]
            return True
    return False


def _first_line(cell: Any, *, comments: bool = False) -> str:
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    code = [line for line in lines if comments or not line.startswith("#")]
    return str((code or lines or [""])[0])[:80]

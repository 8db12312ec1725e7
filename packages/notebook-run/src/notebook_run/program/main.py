"""Reads an order, runs its notebook, and writes its results."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from notebook_run.program.cells import cell_id, cell_name, with_parameters
from notebook_run.program.events import report, reserve_standard_output
from notebook_run.program.limits import Limits
from notebook_run.program.progress import Progress
from notebook_run.program.results import make_room, report_unwritten, write, write_figures
from notebook_run.program.script import SUFFIX, document


def main(word: str) -> None:
    """Run the notebook of an order, which is one word of the command line."""
    reserve_standard_output()
    run(json.loads(base64.b64decode(word)))


def run(order: dict[str, Any]) -> None:
    """Run the notebook of an order."""
    import nbformat

    try:
        notebook = _read(Path(order["path"]))
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, AttributeError, KeyError, UnicodeError) as error:
        return report("bad-notebook", problem=(str(error).splitlines() or ["it cannot be read"])[0][:200])
    if order["parameters"] and not with_parameters(notebook, order["parameters"]):
        return report("no-parameters-cell")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return _run(notebook, order)


def _read(path: Path) -> Any:
    import nbformat

    if path.suffix != SUFFIX:
        return nbformat.read(path, as_version=4)
    return nbformat.from_dict(document(path.name, path.read_text("utf-8")))


def _run(notebook: Any, order: dict[str, Any]) -> None:
    from notebook_run.program.client import execute

    defaults = Limits()
    limits = Limits(
        text_bytes=order.get("max_text") or defaults.text_bytes,
        output_bytes=order.get("max_output") or defaults.output_bytes,
    )
    progress = Progress(notebook)
    # Relative paths of the notebook are in its results, so nothing that it writes there is lost.
    failure, cuts = execute(
        notebook,
        progress,
        folder=order["out"],
        script=order["path"] if order["path"].endswith(SUFFIX) else None,
        timeout_s=order["timeout_s"],
        limits=limits,
    )
    report("writing")
    for index, notes in cuts.items():
        for note in notes:
            _warn("cut", notebook, index, f"{cell_name(notebook.cells, index)}: {note}")
    with report_unwritten():
        _write_results(notebook, order)
    report("done", failure={**failure, **progress.current} if failure else None)


def _write_results(notebook: Any, order: dict[str, Any]) -> None:
    import nbformat

    from notebook_run.page.exporter import page

    out, name = Path(order["out"]), order["name"]
    for old, new in make_room(out, name):
        text = f"{old}, which the notebook wrote, has the name of a result of the run; it is now {new}"
        report("warning", kind="renamed", cell=None, output=None, text=text)
    write(out / f"{name}.ipynb", nbformat.writes(notebook).encode("utf-8", "replace"))
    write_figures(notebook, out)
    made = page(notebook, name, folder=out)
    for lack in made.lacks:
        _warn("page", notebook, lack.cell, f"the page lacks {lack.what}: {lack.reason}", output=lack.output)
    write(out / f"{name}.html", made.html.encode("utf-8", "replace"))


def _warn(kind: str, notebook: Any, index: int, text: str, *, output: int | None = None) -> None:
    report("warning", kind=kind, cell=cell_id(notebook.cells, index), output=output, text=text)

"""What runs a notebook inside its image: started there as `python -c`, it tells each step as a line of JSON.

It may import nothing of this repository, only what the group `notebook` brings.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# What a kernel prints past Jupyter goes to standard error; only this program tells events on standard output.
_EVENTS = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
# A cell that runs longer is told of, then every so often.
_SILENCE_S = 2.0
_REMINDER_S = 15.0


def tell(event: str, **facts: Any) -> None:
    """One line for the host."""
    _EVENTS.write(json.dumps({"event": event, **facts}) + "\n")
    _EVENTS.flush()


def with_parameters(notebook: Any, parameters: dict[str, Any]) -> bool:
    """Put a cell with the parameters behind the one tagged `parameters`, as papermill does; False if there is none."""
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


def described(cells: list[Any], index: int) -> dict[str, str]:
    """The heading above a cell, and its first line of code."""
    heading = ""
    for cell in cells[:index]:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, flags=re.MULTILINE)
            heading = found[-1] if found else heading
    lines = [line.strip() for line in cells[index].source.splitlines()]
    first = next((line for line in lines if line and not line.startswith("#")), lines[0] if lines else "")
    return {"heading": heading, "first_line": first[:80]}


def kills() -> int:
    """How many processes of this container the kernel of the system ended for their memory, so far."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            found = re.search(r"^oom_kill (\d+)$", Path(path).read_text(), flags=re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


class Progress:
    """Tells when each cell begins, still runs, and ends."""

    def __init__(self, notebook: Any) -> None:
        self._cells = notebook.cells
        self._coded = [index for index, cell in enumerate(self._cells) if is_run(cell)]
        self._began = 0.0
        self._timer: threading.Timer | None = None
        self.current: dict[str, Any] = {}

    def begin(self, cell: Any, cell_index: int) -> None:
        if cell_index not in self._coded:
            return
        self._began = time.monotonic()
        self.current = {
            "index": cell_index,
            "number": self._coded.index(cell_index) + 1,
            "of": len(self._coded),
            **described(self._cells, cell_index),
        }
        tell("begin", **self.current)
        self._remind(_SILENCE_S)

    def end(self, cell: Any, cell_index: int, execute_reply: Any = None) -> None:
        self.stop()
        is_ok = execute_reply is None or execute_reply["content"]["status"] == "ok"
        tell("end", **self.current, seconds=self._seconds(), is_ok=is_ok)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _remind(self, after_s: float) -> None:
        self._timer = threading.Timer(after_s, self._running)
        self._timer.daemon = True
        self._timer.start()

    def _running(self) -> None:
        tell("running", **self.current, seconds=self._seconds())
        self._remind(_REMINDER_S)

    def _seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)


def is_run(cell: Any) -> bool:
    """It is code, and there is some."""
    return bool(cell.cell_type == "code" and cell.source.strip())


def execute(notebook: Any, progress: Progress, *, folder: str, timeout_s: int | None) -> dict[str, Any] | None:
    """Run all cells; what went wrong, or None."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    before = kills()
    client = NotebookClient(
        notebook,
        timeout=timeout_s,
        # The images' own kernel: a notebook saved elsewhere may name one that only exists there.
        kernel_name="python3",
        resources={"metadata": {"path": folder}},
        shutdown_kernel="immediate",
        store_widget_state=False,
        on_cell_execute=progress.begin,
        on_cell_executed=progress.end,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        outputs = notebook.cells[progress.current["index"]].outputs
        told = [line for output in outputs if output.output_type == "error" for line in output.traceback]
        return {"kind": "error", "traceback": "\n".join(told) or f"{error.ename}: {error.evalue}"}
    except CellTimeoutError:
        return {"kind": "timeout"}
    except DeadKernelError:
        return {"kind": "memory" if kills() > before else "dead"}
    except RuntimeError as error:
        if "Kernel died" not in str(error):
            raise
        return {"kind": "memory" if kills() > before else "dead"}
    finally:
        progress.stop()
    return None


def write(path: Path, text: str) -> None:
    """A file that appears whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def refusals() -> Iterator[None]:
    """Tells that results could not be written, and ends."""
    try:
        yield
    except OSError as error:
        tell("unwritten", is_full=error.errno in (errno.ENOSPC, errno.EDQUOT), problem=error.strerror)
        sys.exit(1)


def html(notebook: Any, name: str) -> str:
    """The executed notebook as one page."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter()
    return str(exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})[0])


def main(request: dict[str, Any]) -> None:
    import nbformat

    path, out = Path(request["path"]), Path(request["out"])
    try:
        notebook = nbformat.read(path, as_version=4)
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, AttributeError, KeyError) as error:
        return tell("bad-notebook", problem=(str(error).splitlines() or ["it cannot be read"])[0][:200])
    if request["parameters"] and not with_parameters(notebook, request["parameters"]):
        return tell("no-parameters-cell")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    progress = Progress(notebook)
    failure = execute(notebook, progress, folder=str(path.parent), timeout_s=request["timeout_s"])
    tell("writing")
    with refusals():
        write(out / f"{request['name']}.ipynb", nbformat.writes(notebook))
        write(out / f"{request['name']}.html", html(notebook, request["name"]))
    tell("done", failure={**failure, **progress.current} if failure else None)
    return None


if __name__ == "__main__":
    main(json.loads(base64.b64decode(sys.argv[1])))

"""Writes the results of a run: the executed notebook, its page, and the pictures of its cells."""

from __future__ import annotations

import base64
import binascii
import errno
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from notebook_run.program.cells import cell_id
from notebook_run.program.events import report

FIGURES: Final = "figures"


def write(path: Path, content: bytes) -> None:
    """Write a file completely or not at all."""
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def make_room(out: Path, name: str) -> list[tuple[str, str]]:
    """Rename what the notebook wrote under the names of results; the old and the new names."""
    renamed = []
    for path in (out / f"{name}.ipynb", out / f"{name}.html", out / FIGURES):
        is_folder_of_figures = path.name == FIGURES and path.is_dir() and not path.is_symlink()
        if is_folder_of_figures or not (path.exists() or path.is_symlink()):
            continue
        numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(1))
        free = next(other for other in numbered if not other.exists() and not other.is_symlink())
        path.rename(free)
        renamed.append((path.name, free.name))
    return renamed


def write_figures(notebook: Any, out: Path) -> None:
    """Write each PNG of a cell as figures/CELL-N.png, where N is the number of its output, from 0."""
    folder = out / FIGURES
    for index, cell in enumerate(notebook.cells):
        for number, output in enumerate(cell.get("outputs", [])):
            picture = output.get("data", {}).get("image/png")
            if picture is None:
                continue
            try:
                content = base64.b64decode("".join(picture))
            except binascii.Error:
                continue
            folder.mkdir(exist_ok=True)
            write(folder / f"{cell_id(notebook.cells, index)}-{number}.png", content)


@contextmanager
def report_unwritten() -> Iterator[None]:
    """Report that results could not be written, and exit."""
    try:
        yield
    except OSError as error:
        report("unwritten", is_full=error.errno in (errno.ENOSPC, errno.EDQUOT), problem=error.strerror)
        sys.exit(1)

"""The folder for the results of a run, which holds the results of the last run only."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from env_spec import NotebookSpec
from notebook_run.errors import NotebookInputError
from notebook_run.project import out_folder, unwritable_results
from notebook_run.run.parameters import Parameter
from notebook_run.run.request import RunRequest

# `notebook.reproduce` writes these for the user to compare with the results.
_REPRODUCTION: Final = ("reproduction", "reproduction.html")

_LONGEST_NAME: Final = 80


def results_folder(root: Path, notebook: NotebookSpec, values: Mapping[str, Parameter]) -> Path:
    """`notebooks/out/NAME`; for other parameters than those of its table, `NAME@KEY=VALUE,…` next to it.

    Args:
        values: All parameters of the run.
    """
    changed = [f"{key}={value}" for key, value in values.items() if notebook.parameters.get(key) != value]
    if not changed:
        return out_folder(root, notebook.name)
    text = ",".join(sorted(changed))
    name = re.sub(r"[^A-Za-z0-9._=+,-]", "_", text)
    if name != text or len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return out_folder(root, f"{notebook.name}@{name}")


def remove_results(request: RunRequest) -> None:
    """Remove what an earlier run left in the folder for results, except a reproduction.

    Raises:
        NotebookInputError: The folder has other files than results, or they cannot be removed.
    """
    out, name = request.out_folder.resolve(), request.notebook.name
    found = [path for path in out.iterdir() if path.name not in _REPRODUCTION]
    is_own = _is_in_project(request.root.resolve(), out) or (out / f"{name}.html").is_file() or not found
    is_source = out / Path(request.notebook.path).name == (request.root / request.notebook.path).resolve()
    if is_source or request.root.resolve().is_relative_to(out) or not is_own:
        raise NotebookInputError(
            f"{out} has files that are not results of {name}, and a run removes what is in its folder for results. Name"
            " an empty folder."
        )
    for path in found:
        try:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable_results(out, str(error.strerror)) from None


def _is_in_project(root: Path, out: Path) -> bool:
    """Whether a folder is in that of the results of a project, or of the one that has this clean checkout in it."""
    folders = (out_folder(project, "-").parent for project in (root, *root.parents))
    return any(out.is_relative_to(folder) and out != folder for folder in folders)

"""A project's notebooks and where their files are, relative to its root."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from dataset_spec import DATASETS_FILE
from env_spec import EnvSpec, NotebookSpec, check_notebooks, load_spec
from notebook_run.datasets import read_tables
from notebook_run.errors import NotebookInputError

LIB: Final = "notebooks/lib"


def load_project(root: Path) -> EnvSpec:
    """The spec of pyproject.toml with all of its notebooks checked: their files, images and datasets.

    A mistake in one notebook is reported before another one starts.

    Raises:
        EnvSpecError: pyproject.toml has mistakes.
        NotebookInputError: data/datasets.toml cannot be read.
    """
    spec = load_spec(root / "pyproject.toml")
    check_notebooks(spec, root, read_tables(root / DATASETS_FILE))
    return spec


def load_notebook(root: Path, name: str) -> NotebookSpec:
    """A notebook of a checked project. An unknown name is reported before any other mistake.

    Raises:
        EnvSpecError: pyproject.toml declares no notebook of that name, or has mistakes.
    """
    load_spec(root / "pyproject.toml").notebook(name)
    return load_project(root).notebook(name)


def out_folder(root: Path, name: str) -> Path:
    """The folder for the results of a notebook."""
    return root / "notebooks" / "out" / name


def build_folder(root: Path, name: str) -> Path:
    """The folder for the compose file of a notebook."""
    return root / "build" / "notebooks" / name


def make_out_folder(folder: Path) -> None:
    """Make the folder for results if it does not exist.

    Raises:
        NotebookInputError: It cannot be made, or the user may not write to it. This is checked before a notebook runs.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable_results(folder, str(error.strerror)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise unwritable_results(folder, "Permission denied")


def unwritable_results(folder: Path, problem: str) -> NotebookInputError:
    """The error for a folder that results cannot be written to."""
    return NotebookInputError(
        f"results cannot be written to {folder}: {problem}. It must be a folder that you may write to."
    )


def check_in_notebooks(root: Path, notebook: NotebookSpec) -> None:
    """Check that Jupyter can open the file: it has the folder notebooks/ alone.

    Raises:
        NotebookInputError: The file does not exist, or is elsewhere.
    """
    path = root / notebook.path
    if not path.is_file():
        raise missing_file(path, f"the file of {notebook.name}", "Correct its table.")
    if not notebook.path.startswith("notebooks/"):
        raise NotebookInputError(
            f"{notebook.name} is {notebook.path}, and Jupyter opens files below notebooks/ alone. Edit it with another"
            f" editor and run it with `invoke notebook.run {notebook.name}`, or move it to notebooks/."
        )


def missing_file(path: Path, what: str, advice: str) -> NotebookInputError:
    """The error for a file or folder that a container needs and that does not exist."""
    return NotebookInputError(f"{what} does not exist: {path}. {advice}")

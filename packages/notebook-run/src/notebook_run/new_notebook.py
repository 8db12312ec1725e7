"""Starts a new notebook: a file that loads its datasets, without outputs, and a table in pyproject.toml."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from dataset_spec import DATASETS_FILE, selected
from env_spec import load_spec, parse_spec
from notebook_run.datasets import read_tables
from notebook_run.errors import NotebookInputError

_NAME: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_HEADER: Final = re.compile(r"^\[", flags=re.MULTILINE)
_TABLE: Final = re.compile(r"^\[tool\.env-spec\.(?:notebooks|images)\.[^\]]*\][^\n]*\n", flags=re.MULTILINE)


def new_notebook(root: Path, name: str, *, image: str, datasets: Sequence[str] = ()) -> Path:
    """Write a new notebook and add its table to pyproject.toml.

    Returns:
        The file of the notebook.

    Raises:
        EnvSpecError: pyproject.toml has mistakes, or declares no such image.
        DatasetSpecError: data/datasets.toml does not describe one of the datasets.
        NotebookInputError: The name cannot be used or is taken, or the table cannot be added without a change of
            another one.
    """
    check_name(name)
    pyproject, path = root / "pyproject.toml", Path("notebooks") / f"{name}.ipynb"
    text, spec = pyproject.read_text("utf-8"), load_spec(pyproject)
    spec.image(image)
    names = list(dict.fromkeys(datasets))
    tables = read_tables(root / DATASETS_FILE)
    selected(tables, names)
    if name in spec.notebooks or (root / path).exists():
        where = "in pyproject.toml" if name in spec.notebooks else str(path)
        raise NotebookInputError(f"a notebook {name} already exists ({where}). Choose another name.")
    changed = with_table(text, name, path=path.as_posix(), image=image, datasets=names)
    parse_spec(tomllib.loads(changed))
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(starter_notebook(name, names), "utf-8")
    pyproject.write_text(changed, "utf-8")
    return root / path


def check_name(name: str) -> None:
    """Check that a text can name a notebook, and with it a folder and a compose project.

    Raises:
        NotebookInputError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise NotebookInputError(
            f"'{name}' cannot name a notebook: use lower-case letters and digits, with '-' or '_' between them."
        )


def starter_notebook(name: str, datasets: Sequence[str]) -> str:
    """The text of the file: a title, and a cell that loads each dataset."""
    loads = [
        f'{_variable(dataset)} = experiment.load("{dataset}")\n{_variable(dataset)}.head()' for dataset in datasets
    ]
    cells = [
        _cell("markdown", f"# {name}\n\nThe question, and the answer in short."),
        _cell("code", "import experiment"),
        *(_cell("code", source) for source in loads),
    ]
    document = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def with_table(pyproject: str, name: str, *, path: str, image: str, datasets: Iterable[str]) -> str:
    """The text of pyproject.toml with the notebook's table after the last table of a notebook, or else of an image.

    Raises:
        NotebookInputError: The layout of the file does not allow it without another change.
    """
    lines = [f"path = {json.dumps(path)}", f"image = {json.dumps(image)}", f"datasets = {json.dumps(list(datasets))}"]
    table = "\n".join([f"[tool.env-spec.notebooks.{name}]", *lines])
    tables = list(_TABLE.finditer(pyproject))
    notebooks = [match for match in tables if "notebooks" in match[0]]
    if not tables:
        raise _unchanged("it has no table [tool.env-spec.images.NAME]")
    start = (notebooks or tables)[-1].end()
    following = _HEADER.search(pyproject, start)
    end = following.start() if following else len(pyproject)
    # A comment directly above the next table belongs to that table.
    body = re.sub(r"(?:^#[^\n]*\n)+\Z", "", pyproject[start:end], flags=re.MULTILINE)
    place = start + len(body.rstrip("\n"))
    changed = f"{pyproject[:place]}\n\n{table}\n\n{pyproject[start + len(body) :]}".rstrip("\n") + "\n"
    _check_difference(pyproject, changed, name)
    return changed


def _check_difference(before: str, after: str, name: str) -> None:
    """Check that the two texts differ only in the notebook's table."""
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
        del new["tool"]["env-spec"]["notebooks"][name]
        old["tool"]["env-spec"].setdefault("notebooks", {})
    except (tomllib.TOMLDecodeError, KeyError):
        raise _unchanged("the table could not be added; write it by hand") from None
    if old != new:
        raise _unchanged("the table could not be added without a change of another one; write it by hand")


def _unchanged(problem: str) -> NotebookInputError:
    return NotebookInputError(f"pyproject.toml was not changed: {problem}")


def _cell(kind: str, source: str) -> dict[str, object]:
    lines = source.splitlines(keepends=True)
    identity = hashlib.sha256(source.encode()).hexdigest()[:8]
    if kind == "markdown":
        return {"cell_type": kind, "id": identity, "metadata": {}, "source": lines}
    return {
        "cell_type": kind,
        "execution_count": None,
        "id": identity,
        "metadata": {},
        "outputs": [],
        "source": lines,
    }


def _variable(dataset: str) -> str:
    """A variable's name for a dataset."""
    name = re.sub(r"\W", "_", dataset)
    return f"data_{name}" if name[:1].isdigit() else name

"""A new notebook: a file that loads its datasets, without outputs, and a table in pyproject.toml."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Sequence

from notebook_run.errors import NotebookNameError, ProjectTableError

_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_HEADER = re.compile(r"^\[", flags=re.MULTILINE)
_TABLE = re.compile(r"^\[tool\.env-spec\.(?:notebooks|images)\.[^\]]*\][^\n]*\n", flags=re.MULTILINE)


def check_name(name: str) -> None:
    """See that it can name a notebook.

    Raises:
        NotebookNameError: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise NotebookNameError(name)


def starter_notebook(name: str, datasets: Sequence[str]) -> str:
    """The text of the file: a title, the parameters' cell, and each dataset as a frame."""
    loads = [
        f'{_variable(dataset)} = experiment.load("{dataset}")\n{_variable(dataset)}.head()' for dataset in datasets
    ]
    cells = [
        _cell("markdown", f"# {name}\n\nWhat is asked, and what came out."),
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
    """The text of pyproject.toml with the notebook's table behind the last one of notebooks, else of images.

    Raises:
        ProjectTableError: The file is laid out so that it would not be the same otherwise.
    """
    lines = [f"path = {json.dumps(path)}", f"image = {json.dumps(image)}", f"datasets = {json.dumps(list(datasets))}"]
    table = "\n".join([f"[tool.env-spec.notebooks.{name}]", *lines])
    tables = list(_TABLE.finditer(pyproject))
    notebooks = [match for match in tables if "notebooks" in match[0]]
    if not tables:
        raise ProjectTableError("it has no table [tool.env-spec.images.NAME]")
    start = (notebooks or tables)[-1].end()
    following = _HEADER.search(pyproject, start)
    end = following.start() if following else len(pyproject)
    # What stands directly above the next table belongs to it.
    body = re.sub(r"(?:^#[^\n]*\n)+\Z", "", pyproject[start:end], flags=re.MULTILINE)
    place = start + len(body.rstrip("\n"))
    changed = f"{pyproject[:place]}\n\n{table}\n\n{pyproject[start + len(body) :]}".rstrip("\n") + "\n"
    _see_that_only_it_is_new(pyproject, changed, name)
    return changed


def _see_that_only_it_is_new(before: str, after: str, name: str) -> None:
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
        del new["tool"]["env-spec"]["notebooks"][name]
        old["tool"]["env-spec"].setdefault("notebooks", {})
    except (tomllib.TOMLDecodeError, KeyError):
        raise ProjectTableError("the table could not be added; write it by hand") from None
    if old != new:
        raise ProjectTableError("the table could not be added without a change to another; write it by hand")


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
    """A dataset's name as a variable's."""
    name = re.sub(r"\W", "_", dataset)
    return f"data_{name}" if name[:1].isdigit() else name

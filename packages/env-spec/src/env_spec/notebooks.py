"""Which notebooks a project declares in `[tool.env-spec.notebooks.NAME]`, and what each needs to run."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.errors import SpecError, UnknownNameError
from env_spec.images import size_bytes
from env_spec.tables import (
    Report,
    Table,
    bool_at,
    key_path,
    report_unknown_keys,
    string_at,
    strings_in,
    tables_in,
    type_name,
)

NOTEBOOKS = ("tool", "env-spec", "notebooks")
_KEYS = ("path", "image", "datasets", "parameters", "network", "memory", "timeout_s")
_DATASET_KEYS = ("name", "columns", "parts")
# It names a folder of results, a capsule and a compose project, which takes nothing else.
_NOTEBOOK_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")

Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class NotebookDataset:
    """A dataset that a notebook reads.

    Attributes:
        columns: Those it reads; None for all.
        parts: Names or globs of the part files it reads, below the dataset's output folder; None for all.
    """

    name: str
    columns: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class NotebookSpec:
    """One notebook.

    Attributes:
        path: Its file, relative to pyproject.toml.
        image: Name of the image it runs in.
        parameters: Defaults of what its cell tagged `parameters` assigns.
        network: A run without a browser may use the network.
        memory_bytes: Limit of its container; None for no limit of its own.
        timeout_s: Time limit of one cell; None for no limit of its own.
    """

    name: str
    path: str
    image: str
    datasets: tuple[NotebookDataset, ...] = ()
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    network: bool = False
    memory_bytes: int | None = None
    timeout_s: int | None = None


def parse_notebooks(pyproject: Table, images: Collection[str], report: Report) -> dict[str, NotebookSpec]:
    """The notebooks, in the order of their declaration; whether their files exist is not looked at."""
    notebooks = {
        name: _notebook(name, table, images, report) for name, table in tables_in(pyproject, NOTEBOOKS, report)
    }
    paths: dict[str, str] = {}
    for name, notebook in notebooks.items():
        first = paths.setdefault(notebook.path, name)
        if notebook.path and first != name:
            report(SpecError(key_path(*NOTEBOOKS, name, "path"), f"'{notebook.path}' is the file of '{first}' too"))
    return notebooks


def notebook_mistakes(notebooks: Mapping[str, NotebookSpec], root: Path, datasets: Collection[str]) -> list[SpecError]:
    """What only the rest of the project can tell: notebooks whose file is missing, datasets that are not declared."""
    mistakes: list[SpecError] = []
    for name, notebook in notebooks.items():
        if not (root / notebook.path).is_file():
            problem = f"there is no file {root / notebook.path}"
            mistakes.append(SpecError(key_path(*NOTEBOOKS, name, "path"), problem))
        for index, dataset in enumerate(notebook.datasets):
            if dataset.name not in datasets:
                key = key_path(*NOTEBOOKS, name, "datasets", index)
                mistakes.append(UnknownNameError(key, kind="dataset", name=dataset.name, known=datasets))
    return mistakes


def _notebook(name: str, table: Table, images: Collection[str], report: Report) -> NotebookSpec:
    path = (*NOTEBOOKS, name)
    if not _NOTEBOOK_NAME.fullmatch(name):
        problem = f"'{name}' cannot name a notebook: use lower-case letters and digits, with '-' or '_' between them"
        report(SpecError(key_path(*path), problem))
    report_unknown_keys(table, path, _KEYS, report)
    return NotebookSpec(
        name=name,
        path=_file(table, (*path, "path"), report),
        image=_image(table, (*path, "image"), images, report),
        datasets=_datasets(table.get("datasets", []), (*path, "datasets"), report),
        parameters=_parameters(table.get("parameters", {}), (*path, "parameters"), report),
        network=bool_at(table, (*path, "network"), report) or False,
        memory_bytes=_memory(table, (*path, "memory"), report),
        timeout_s=_timeout(table, (*path, "timeout_s"), report),
    )


def _file(table: Table, path: tuple[str, ...], report: Report) -> str:
    file = string_at(table, path, report)
    if "path" not in table:
        report(SpecError(key_path(*path), 'a notebook needs its file, like path = "notebooks/eda.ipynb"'))
    if file is None:
        return ""
    parts = file.split("/")
    if "\\" in file or not all(parts) or {".", ".."} & set(parts) or not file.endswith(".ipynb"):
        report(SpecError(key_path(*path), f"'{file}' is not a notebook (.ipynb) below pyproject.toml"))
    return file


def _image(table: Table, path: tuple[str, ...], known: Collection[str], report: Report) -> str:
    image = string_at(table, path, report)
    if "image" not in table:
        report(SpecError(key_path(*path), "a notebook needs an image of tool.env-spec.images to run in"))
    elif image is not None and image not in known:
        report(UnknownNameError(key_path(*path), kind="image", name=image, known=known))
    return image or ""


def _datasets(value: object, path: tuple[str, ...], report: Report) -> tuple[NotebookDataset, ...]:
    if not isinstance(value, list):
        problem = f"must be an array of names, or of tables with a name, not {type_name(value)}"
        report(SpecError(key_path(*path), problem))
        return ()
    datasets = tuple(_dataset(item, (*path, index), report) for index, item in enumerate(value))
    first: dict[str, int] = {}
    for index, dataset in enumerate(datasets):
        if dataset.name and first.setdefault(dataset.name, index) != index:
            problem = f"repeats the dataset '{dataset.name}' of {key_path(*path, first[dataset.name])}"
            report(SpecError(key_path(*path, index), problem))
    return datasets


def _dataset(item: object, path: tuple[str | int, ...], report: Report) -> NotebookDataset:
    if isinstance(item, str):
        return NotebookDataset(name=item)
    if not isinstance(item, Mapping):
        report(SpecError(key_path(*path), f"must be a string, or a table with a name, not {type_name(item)}"))
        return NotebookDataset(name="")
    report_unknown_keys(item, path, _DATASET_KEYS, report)
    if "name" not in item:
        report(SpecError(key_path(*path, "name"), "says which dataset, and is not there"))
    parts = _selection(item, (*path, "parts"), report)
    for index, part in enumerate(parts or ()):
        if part.startswith("/") or "\\" in part or ".." in part.split("/"):
            problem = f"'{part}' is not a name or glob below the dataset's output folder"
            report(SpecError(key_path(*path, "parts", index), problem))
    columns = _selection(item, (*path, "columns"), report)
    return NotebookDataset(name=string_at(item, (*path, "name"), report) or "", columns=columns, parts=parts)


def _selection(table: Table, path: tuple[str | int, ...], report: Report) -> tuple[str, ...] | None:
    """The strings of an array that must not be empty; None if there is no array."""
    value = table.get(str(path[-1]))
    if value is None:
        return None
    if value == []:
        report(SpecError(key_path(*path), "is empty; leave it out for all of them"))
    return tuple(text for _, text in strings_in(value, path, report))


def _parameters(value: object, path: tuple[str, ...], report: Report) -> dict[str, Scalar]:
    if not isinstance(value, Mapping):
        report(SpecError(key_path(*path), f"must be a table, not {type_name(value)}"))
        return {}
    parameters: dict[str, Scalar] = {}
    for name, default in value.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            report(SpecError(key_path(*path, name), f"'{name}' cannot name a variable of Python"))
        if not isinstance(default, str | int | float | bool):
            problem = f"must be a string, a number or a boolean, not {type_name(default)}"
            report(SpecError(key_path(*path, name), problem))
        else:
            parameters[name] = default
    return parameters


def _memory(table: Table, path: tuple[str, ...], report: Report) -> int | None:
    text = string_at(table, path, report)
    size = size_bytes(text) if text is not None else None
    if text is not None and not size:
        report(SpecError(key_path(*path), f"'{text}' is not a size, like 4GB or 2GiB"))
    return size


def _timeout(table: Table, path: tuple[str, ...], report: Report) -> int | None:
    value: Any = table.get(path[-1])
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        report(SpecError(key_path(*path), f"must be whole seconds, not {type_name(value)}"))
        return None
    if value < 1:
        report(SpecError(key_path(*path), f"must be at least 1 second, not {value}"))
    return value

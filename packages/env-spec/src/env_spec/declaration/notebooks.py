"""Reads the notebooks that a project declares in `[tool.env-spec.notebooks.NAME]`, and what each needs to run."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.declaration.images import ImageSpec, size_at
from env_spec.declaration.tables import (
    Report,
    Table,
    bool_at,
    key_path,
    report_unknown_keys,
    string_at,
    strings_in,
    tables_in,
    type_name,
    unknown_name_error,
)
from env_spec.errors import SpecError

NOTEBOOKS = ("tool", "env-spec", "notebooks")
_KEYS = ("path", "image", "datasets", "parameters", "network", "memory", "timeout_s", "max_text", "max_output")
_DATASET_KEYS = ("name", "columns", "parts")
# The name is also that of a results folder, a capsule and a compose project; the last is the strictest.
_NOTEBOOK_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")

Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class NotebookDataset:
    """A dataset that a notebook reads.

    Attributes:
        columns: Columns that it reads; None for all.
        parts: Names or globs of the part files that it reads, relative to the dataset's output folder; None for all.
    """

    name: str
    columns: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None

    @property
    def selections(self) -> tuple[str, ...]:
        """The dataset, or each of the globs for its parts, as `--dataset` selects it."""
        return tuple(f"{self.name}/{glob}" for glob in self.parts) if self.parts else (self.name,)


@dataclass(frozen=True, kw_only=True)
class NotebookSpec:
    """One notebook.

    Attributes:
        path: Its file, relative to pyproject.toml: a notebook (.ipynb), or a script (.py) with `# %%` blocks as cells.
        image: Name of the image it runs in.
        parameters: Default values of the variables in its cell tagged `parameters`.
        own: How it has the project's own package, as in `ImageSpec`.
        network: Whether a headless run has access to the network.
        memory_bytes: Memory limit of its container; None for no limit.
        timeout_s: Time limit of each cell; None for no limit.
        max_text_bytes: Of the text that a cell prints to one stream in a run; the middle of more is cut. None for 1 MB.
        max_output_bytes: Of all other outputs of a cell in a run; more is left out. None for 10 MB.
    """

    name: str
    path: str
    image: str
    datasets: tuple[NotebookDataset, ...] = ()
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    network: bool = False
    memory_bytes: int | None = None
    timeout_s: int | None = None
    max_text_bytes: int | None = None
    max_output_bytes: int | None = None
    own: str | None = None

    @property
    def selections(self) -> tuple[str, ...]:
        """Everything that it reads, as `--dataset` selects it."""
        return tuple(selection for dataset in self.datasets for selection in dataset.selections)


def parse_notebooks(pyproject: Table, images: Mapping[str, ImageSpec], report: Report) -> dict[str, NotebookSpec]:
    """The notebooks, in the order of their declaration; does not check that their files exist."""
    notebooks = {
        name: _notebook(name, table, images, report) for name, table in tables_in(pyproject, NOTEBOOKS, report)
    }
    paths: dict[str, str] = {}
    for name, notebook in notebooks.items():
        first = paths.setdefault(notebook.path, name)
        if notebook.path and first != name:
            report(SpecError(key_path(*NOTEBOOKS, name, "path"), f"'{notebook.path}' is also the file of '{first}'"))
    return notebooks


def notebook_mistakes(notebooks: Mapping[str, NotebookSpec], root: Path, datasets: Collection[str]) -> list[SpecError]:
    """Mistakes that only show against the rest of the project: missing notebook files, undeclared datasets."""
    mistakes: list[SpecError] = []
    for name, notebook in notebooks.items():
        if not (root / notebook.path).is_file():
            problem = f"the file {root / notebook.path} does not exist"
            mistakes.append(SpecError(key_path(*NOTEBOOKS, name, "path"), problem))
        for index, dataset in enumerate(notebook.datasets):
            if dataset.name not in datasets:
                key = key_path(*NOTEBOOKS, name, "datasets", index)
                mistakes.append(unknown_name_error(key, "dataset", dataset.name, datasets))
    return mistakes


def _notebook(name: str, table: Table, images: Mapping[str, ImageSpec], report: Report) -> NotebookSpec:
    path = (*NOTEBOOKS, name)
    if not _NOTEBOOK_NAME.fullmatch(name):
        problem = f"'{name}' cannot name a notebook: use lower-case letters and digits, separated by '-' or '_'"
        report(SpecError(key_path(*path), problem))
    report_unknown_keys(table, path, _KEYS, report)
    file, image = _file(table, (*path, "path"), report), _image(table, (*path, "image"), images, report)
    return NotebookSpec(
        name=name,
        path=file,
        image=image,
        datasets=_datasets(table.get("datasets", []), (*path, "datasets"), report),
        parameters=_parameters(table.get("parameters", {}), (*path, "parameters"), report),
        network=bool_at(table, (*path, "network"), report) or False,
        memory_bytes=size_at(table, (*path, "memory"), "4GB or 2GiB", report),
        timeout_s=_timeout(table, (*path, "timeout_s"), report),
        max_text_bytes=size_at(table, (*path, "max_text"), "1MB or 200kB", report),
        max_output_bytes=size_at(table, (*path, "max_output"), "10MB or 1GB", report),
        own=images[image].own if image in images else None,
    )


def _file(table: Table, path: tuple[str, ...], report: Report) -> str:
    file = string_at(table, path, report)
    if "path" not in table:
        report(SpecError(key_path(*path), 'a notebook needs a file, like path = "notebooks/eda.ipynb"'))
    if file is None:
        return ""
    parts = file.split("/")
    if "\\" in file or not all(parts) or {".", ".."} & set(parts) or not file.endswith((".ipynb", ".py")):
        problem = f"'{file}' is neither a notebook (.ipynb) nor a script (.py) below pyproject.toml"
        report(SpecError(key_path(*path), problem))
    return file


def _image(table: Table, path: tuple[str, ...], known: Collection[str], report: Report) -> str:
    image = string_at(table, path, report)
    if "image" not in table:
        report(SpecError(key_path(*path), "a notebook needs an image from tool.env-spec.images to run in"))
    elif image is not None and image not in known:
        report(unknown_name_error(key_path(*path), "image", image, known))
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
            problem = f"repeats the dataset '{dataset.name}' at {key_path(*path, first[dataset.name])}"
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
        report(SpecError(key_path(*path, "name"), "is missing; it names the dataset"))
    parts = _selection(item, (*path, "parts"), report)
    for index, part in enumerate(parts or ()):
        if part.startswith("/") or "\\" in part or ".." in part.split("/"):
            problem = f"'{part}' is not a name or glob below the dataset's output folder"
            report(SpecError(key_path(*path, "parts", index), problem))
    columns = _selection(item, (*path, "columns"), report)
    return NotebookDataset(name=string_at(item, (*path, "name"), report) or "", columns=columns, parts=parts)


def _selection(table: Table, path: tuple[str | int, ...], report: Report) -> tuple[str, ...] | None:
    """The strings of an array, which must not be empty; None if there is no array."""
    value = table.get(str(path[-1]))
    if value is None:
        return None
    if value == []:
        report(SpecError(key_path(*path), "is empty; omit it to select all"))
    return tuple(text for _, text in strings_in(value, path, report))


def _parameters(value: object, path: tuple[str, ...], report: Report) -> dict[str, Scalar]:
    if not isinstance(value, Mapping):
        report(SpecError(key_path(*path), f"must be a table, not {type_name(value)}"))
        return {}
    parameters: dict[str, Scalar] = {}
    for name, default in value.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            report(SpecError(key_path(*path, name), f"'{name}' is not a valid name for a Python variable"))
        if not isinstance(default, str | int | float | bool):
            problem = f"must be a string, a number or a boolean, not {type_name(default)}"
            report(SpecError(key_path(*path, name), problem))
        else:
            parameters[name] = default
    return parameters


def _timeout(table: Table, path: tuple[str, ...], report: Report) -> int | None:
    value: Any = table.get(path[-1])
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        report(SpecError(key_path(*path), f"must be an integer number of seconds, not {type_name(value)}"))
        return None
    if value < 1:
        report(SpecError(key_path(*path), f"must be at least 1 second, not {value}"))
    return value

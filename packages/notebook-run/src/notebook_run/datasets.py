"""The datasets of notebooks: their tables, their parts, which of them are missing locally, and how they are pulled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from dataset_spec import DATASETS_FILE, DatasetTable, parse_datasets, selected
from env_spec import NotebookDataset, NotebookSpec
from notebook_run.errors import MissingDataError, NotebookInputError


def read_tables(path: Path) -> dict[str, DatasetTable]:
    """The datasets of a datasets.toml, which must exist.

    Raises:
        NotebookInputError: The file cannot be read.
        DatasetSpecError: It is not a valid datasets.toml.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookInputError(f"{path} cannot be read: {error}") from None
    return parse_datasets(text, source=str(path))


def notebook_tables(data: Path, notebook: NotebookSpec) -> dict[str, DatasetTable]:
    """The tables of the datasets that a notebook reads, by name.

    Args:
        data: The folder that holds datasets.toml.

    Raises:
        NotebookInputError: The file cannot be read, or the Parquet of a dataset is in a bucket.
        DatasetSpecError: It is not valid or does not describe one of the datasets.
    """
    path = data / Path(DATASETS_FILE).name
    names = [dataset.name for dataset in notebook.datasets]
    tables = read_tables(path)
    found = selected(tables, names, source=str(path)) if names else []
    for table in found:
        if table.is_output_in_bucket:
            raise NotebookInputError(
                f"{notebook.name}: its dataset '{table.name}' is in {table.output}, and a notebook's container reads"
                " the Parquet of folders alone. Give the dataset an `output` that is a folder."
            )
    return {table.name: table for table in found}


def table_hash(table: Mapping[str, Any]) -> str:
    """The hash of a dataset's table: of its content, whatever its layout."""
    text = json.dumps(dict(table), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def parts_in(folder: Path) -> list[str]:
    """The part files below a folder, relative to it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))


def selected_parts(names: Sequence[str], dataset: NotebookDataset) -> list[str]:
    """The part files that a notebook reads."""
    if dataset.parts is None:
        return list(names)
    return [name for name in names if any(fnmatchcase(name, glob) for glob in dataset.parts)]


def missing_locally(root: Path, notebook: NotebookSpec) -> tuple[str, ...]:
    """What a notebook reads and the working tree does not have, as `--dataset` of a pull selects it.

    A dataset that data/dvc.lock does not record was just created; then any part is enough. Contents are not compared:
    DVC does that when it pulls.

    Raises:
        DatasetSpecError: data/datasets.toml does not describe a dataset.
        DataShareError: data/dvc.lock or a cached list cannot be read.
    """
    from data_share import PartRequest, read_presence

    tables = notebook_tables(root / "data", notebook)
    requests = [
        PartRequest(dataset=dataset.name, folder=tables[dataset.name].output_path, patterns=dataset.parts)
        for dataset in notebook.datasets
    ]
    found = zip(notebook.datasets, read_presence(root, requests), strict=True)
    return tuple(
        selection for dataset, presence in found if not presence.is_complete for selection in dataset.selections
    )


def pull_missing_data(root: Path, notebook: NotebookSpec, on_line: Callable[[str], None]) -> None:
    """Pull what a notebook reads and the working tree does not have; without it, nothing is started.

    Raises:
        MissingDataError: It is not recorded, or the remote does not have it.
    """
    missing = missing_locally(root, notebook)
    if not missing:
        return
    from data_share import DataShareError, TransferRequest, plan_text, pull, result_text

    if not (root / "data/dvc.lock").exists():
        raise MissingDataError(
            notebook.name, missing, reason="data/dvc.lock does not exist, so no version is recorded."
        )
    on_line(f"{notebook.name}: {', '.join(missing)} is missing locally; pulling it")
    try:
        result = pull(root, TransferRequest(selections=missing), on_plan=lambda plan: on_line(plan_text(plan)))
    except DataShareError as error:
        raise MissingDataError(notebook.name, missing, reason=f"The pull failed: {_sentence(str(error))}") from None
    on_line(result_text(result))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."

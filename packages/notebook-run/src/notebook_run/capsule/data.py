"""The data of a run: its parts with their hashes, and how a clean checkout gets the same parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from data_share import (
    DataShareError,
    RecordedOutput,
    TransferRequest,
    lock_outputs,
    md5_of_file,
    pull,
    read_folder_list,
    read_outputs,
)
from dataset_spec import DATASETS_FILE
from env_spec import NotebookSpec
from notebook_run.capsule.record import DatasetRecord
from notebook_run.datasets import (
    notebook_tables,
    parts_in,
    read_tables,
    selected_parts,
    table_hash,
)
from notebook_run.errors import NotebookInputError, NotebookRunError, indented
from terminal import count_text

LOCK_FILE: Final = "data/dvc.lock"


def recorded_data(project: Path, notebook: NotebookSpec) -> dict[str, DatasetRecord]:
    """The local parts that a notebook reads, by dataset.

    Returns:
        For each part the MD5 of its content, which is DVC's name for it.
    """
    data = project / "data"
    tables = notebook_tables(data, notebook)
    found = {}
    for dataset in notebook.datasets:
        folder = data / tables[dataset.name].output
        parts = {name: md5_of_file(folder / name) for name in selected_parts(parts_in(folder), dataset)}
        found[dataset.name] = DatasetRecord(table=table_hash(tables[dataset.name].table), parts=parts)
    return found


def folder_oids(outputs: Iterable[RecordedOutput]) -> dict[str, str]:
    """The recorded version of each folder, by its path relative to the project."""
    return {output.path: output.oid for output in outputs if output.is_folder}


def require_recorded_data(notebook: NotebookSpec, data: Path, lock_text: str | None, *, commit: str) -> None:
    """Check that a commit records a version of each dataset.

    Args:
        data: The folder that holds datasets.toml.
        lock_text: Text of data/dvc.lock in the commit.

    Raises:
        NotebookInputError: It does not.
    """
    tables, recorded = notebook_tables(data, notebook), folder_oids(lock_outputs(lock_text))
    unrecorded = [name for name, table in tables.items() if table.output_path not in recorded]
    if unrecorded:
        raise NotebookInputError(
            f"{LOCK_FILE} of commit {commit[:12]} records no version of {', '.join(unrecorded)}."
            " Create it from raw files with `invoke data.compress`, commit data/dvc.lock, and try again."
        )


def pull_data(checkout: Path, notebook: NotebookSpec, *, expected: Mapping[str, DatasetRecord] | None = None) -> None:
    """Place the parts that a notebook reads in a checkout: from the cache, or else from the remote.

    Args:
        expected: The parts that must be present afterwards; None for those that the lock records.

    Raises:
        NotebookRunError: Some parts are neither in the cache nor on the remote.
    """
    if not notebook.datasets:
        return
    # All users of a machine share the folder in which DVC remembers checkouts; this checkout is removed soon.
    environment = {"DVC_SITE_CACHE_DIR": str(checkout / ".dvc/tmp/site")}
    problem: DataShareError | None = None
    try:
        pull(checkout, TransferRequest(selections=notebook.selections), environment=environment)
    except DataShareError as error:
        problem = error
    # The list of missing parts says more than the error of the first one.
    if missing := _missing(checkout, notebook, expected):
        raise _missing_parts(missing, problem)
    if problem is not None:
        raise problem


def require_recorded_parts(checkout: Path, notebook: NotebookSpec, data: Mapping[str, DatasetRecord]) -> None:
    """Check that the parts are those that data/dvc.lock records.

    Raises:
        NotebookRunError: Some are not.
    """
    tables = notebook_tables(checkout / "data", notebook)
    listed = _recorded_parts(checkout, [table.output_path for table in tables.values()])
    changed = [
        f"{name}/{part} (recorded {oid}, found {md5})"
        for name, record in data.items()
        for part, md5 in record.parts.items()
        if (oid := listed.get(tables[name].output_path, {}).get(part, md5)) != md5
    ]
    if changed:
        lines = [
            "these parts differ from data/dvc.lock of the commit:",
            *indented(changed),
            "  Their copy in DVC's cache was changed or damaged: remove it, then run `invoke data.pull`.",
        ]
        raise NotebookRunError("\n".join(lines))


def _missing(checkout: Path, notebook: NotebookSpec, expected: Mapping[str, DatasetRecord] | None) -> list[str]:
    folders = {name: table.output_path for name, table in read_tables(checkout / DATASETS_FILE).items()}
    if expected is not None:
        named = {name: list(record.parts) for name, record in expected.items() if name in folders}
    else:
        listed = _recorded_parts(checkout, folders.values())
        named = {
            dataset.name: selected_parts(sorted(listed.get(folders[dataset.name], {})), dataset)
            for dataset in notebook.datasets
        }
    parts = [
        f"{name}/{part}"
        for name, parts in named.items()
        for part in parts
        if not (checkout / folders[name] / part).is_file()
    ]
    empty = [each.name for each in notebook.datasets if not named.get(each.name)]
    return [*parts, *(f"{name} (all parts)" for name in empty if not parts_in(checkout / folders[name]))]


def _recorded_parts(checkout: Path, folders: Iterable[str]) -> dict[str, dict[str, str]]:
    """The recorded parts of each folder with their MD5; a folder whose list is not cached is left out."""
    outputs = {output.path: output for output in read_outputs(checkout)}
    found = {}
    for folder in folders:
        entries = read_folder_list(checkout, outputs[folder]) if folder in outputs else None
        if entries is not None:
            found[folder] = {entry.path: entry.oid for entry in entries if entry.path.endswith(".parquet")}
    return found


def _missing_parts(parts: Sequence[str], problem: DataShareError | None) -> NotebookRunError:
    lines = [
        f"{count_text(len(parts), 'part')} of the data cannot be pulled: neither the cache of this machine nor the"
        " remote has them.",
        *indented(parts),
        "  A user who has that version can run `invoke data.push`; a user who has the raw files can create it again.",
    ]
    return NotebookRunError("\n".join([*lines, *([f"  The pull failed: {problem}"] if problem else [])]))

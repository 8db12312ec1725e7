"""The data of a run: which parts, their hashes, and how a clean checkout gets exactly these."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from data_share.objects import folder_entries, key, md5_of_file
from data_share.repository import Repository
from env_spec import NotebookSpec
from notebook_run.capsule import DatasetRecord
from notebook_run.capsule_errors import DataChangedError, DataMissingError, NoDataVersionError
from notebook_run.errors import SiblingFailedError
from notebook_run.needs import chosen_parts, output_folders, parts_in, selections
from notebook_run.processes import told

DATASETS_FILE: Final = "data/datasets.toml"
LOCK_FILE: Final = "data/dvc.lock"


def recorded_data(project: Path, notebook: NotebookSpec) -> dict[str, DatasetRecord]:
    """The parts that a notebook may read as they are on disk, by dataset.

    Returns:
        For each part the MD5 of its content, which is what DVC calls it.
    """
    data = project / "data"
    folders = output_folders(data / "datasets.toml")
    tables = tomllib.loads((data / "datasets.toml").read_text("utf-8")).get("datasets", {})
    found = {}
    for dataset in notebook.datasets:
        folder = data / folders[dataset.name]
        parts = {name: md5_of_file(folder / name) for name in chosen_parts(parts_in(folder), dataset)}
        found[dataset.name] = DatasetRecord(table=table_hash(tables[dataset.name]), parts=parts)
    return found


def table_hash(table: Mapping[str, Any]) -> str:
    """Hash of a dataset's table by what it says, not by how it is written."""
    text = json.dumps(table, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def locked_folders(lock_text: str | None) -> dict[str, str]:
    """The MD5 that dvc.lock records for each output folder, by its path relative to data/.

    The lock is YAML as DVC writes it, and only two keys of its outs are needed, so no YAML reader is.
    """
    found, path = {}, None
    for line in (lock_text or "").splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if key == "path":
            path = value.strip("'\"")
        elif key == "md5" and path and value.endswith(".dir"):
            found[path] = value.strip("'\"")
    return found


def require_locked(notebook: NotebookSpec, datasets_toml: Path, lock_text: str | None, *, commit: str) -> None:
    """See that a commit records a version of each dataset.

    Raises:
        NoDataVersionError: It does not.
    """
    folders, locked = output_folders(datasets_toml), locked_folders(lock_text)
    lacking = [dataset.name for dataset in notebook.datasets if folders.get(dataset.name) not in locked]
    if lacking:
        raise NoDataVersionError(lacking, commit=commit)


def share_cache(root: Path, checkout: Path) -> None:
    """Let a checkout use this clone's cache and remotes, as they are set here now: buckets move, commits do not."""
    here = Repository(root)
    settings = here.config()
    with Repository(checkout).edited_config(is_local=True) as config:
        # Never a symbolic link: it would point out of what a container is given.
        config["cache"] = {"dir": str(here.cache(settings).resolve()), "type": ["reflink", "hardlink", "copy"]}
        config["remote"] = {name: dict(remote) for name, remote in settings.get("remote", {}).items()}
        if default := settings.get("core", {}).get("remote"):
            config.setdefault("core", {})["remote"] = default


def pull(checkout: Path, notebook: NotebookSpec, *, wanted: Mapping[str, DatasetRecord] | None = None) -> None:
    """Put the parts that a notebook reads into a checkout: from the cache, else from the remote.

    Args:
        wanted: The parts that must be there afterwards, if that is known.

    Raises:
        DataMissingError: Some are neither here nor on the remote.
    """
    flags = [word for dataset in notebook.datasets for each in selections(dataset) for word in ("--dataset", each)]
    if not flags:
        return
    # DVC keeps what it learned of a folder in a place that all users share; a checkout that goes away needs none.
    environment = {"DVC_SITE_CACHE_DIR": str(checkout / ".dvc/tmp/site")}
    said = told("data_share", "pull", "--json", *flags, folder=checkout, environment=environment)
    if missing := _missing(checkout, notebook, wanted):
        raise DataMissingError(missing)
    if said.exit_code:
        raise SiblingFailedError("the transfer of the data", said.exit_code)


def require_as_locked(checkout: Path, notebook: NotebookSpec, data: Mapping[str, DatasetRecord]) -> None:
    """See that the parts are what dvc.lock says.

    Raises:
        DataChangedError: Some are not.
    """
    folders = output_folders(checkout / DATASETS_FILE)
    listed = _listed(checkout, [folders[dataset.name] for dataset in notebook.datasets])
    changed = [
        f"{name}/{part} (locked as {locked}, found {md5})"
        for name, record in data.items()
        for part, md5 in record.parts.items()
        if (locked := listed.get(folders[name], {}).get(part, md5)) != md5
    ]
    if changed:
        raise DataChangedError(changed)


def _missing(checkout: Path, notebook: NotebookSpec, wanted: Mapping[str, DatasetRecord] | None) -> list[str]:
    data = checkout / "data"
    folders = output_folders(data / "datasets.toml")
    if wanted is not None:
        named = {name: list(record.parts) for name, record in wanted.items() if name in folders}
    else:
        listed = _listed(checkout, folders.values())
        named = {
            dataset.name: chosen_parts(sorted(listed.get(folders[dataset.name], {})), dataset)
            for dataset in notebook.datasets
        }
    lacking = [
        f"{name}/{part}"
        for name, parts in named.items()
        for part in parts
        if not (data / folders[name] / part).is_file()
    ]
    empty = [d.name for d in notebook.datasets if not named.get(d.name) and not parts_in(data / folders[d.name])]
    return [*lacking, *(f"{name} (all of it)" for name in empty)]


def _listed(checkout: Path, folders: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the cache's lists say is in each folder: MD5 by part; a folder whose list is not here is left out."""
    lock = checkout / LOCK_FILE
    locked = locked_folders(lock.read_text("utf-8") if lock.is_file() else None)
    repository = Repository(checkout)
    cache = repository.cache(repository.config())
    found = {}
    for folder in folders:
        md5 = locked.get(folder, "")
        path = cache / key(md5)
        if md5 and path.is_file():
            entries = folder_entries(path.read_bytes(), md5)
            found[folder] = {entry.path: entry.oid for entry in entries if entry.path.endswith(".parquet")}
    return found

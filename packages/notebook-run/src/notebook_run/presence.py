"""Whether a notebook's data is here, told from data/dvc.lock and the names of files, without loading DVC."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.errors import UnknownDatasetError
from notebook_run.needs import chosen_parts, output_folders, parts_in, selections

_OUT = re.compile(
    r"^    - path: (?P<path>\S+)\n      hash: md5\n      md5: (?P<md5>[0-9a-f]{32})\.dir\n"
    r"      size: (?P<size>\d+)\n      nfiles: (?P<files>\d+)$",
    flags=re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A folder as data/dvc.lock knows it.

    Attributes:
        md5: Of the listing of its files.
    """

    md5: str
    size_bytes: int
    files: int


def recorded_folders(lock: str) -> dict[str, Recorded]:
    """The folders in the text of data/dvc.lock, by their path relative to it."""
    return {
        match["path"]: Recorded(md5=match["md5"], size_bytes=int(match["size"]), files=int(match["files"]))
        for match in _OUT.finditer(lock)
    }


def lacking(root: Path, notebook: NotebookSpec) -> tuple[str, ...]:
    """What of its datasets is not here, as `--dataset` of a pull selects it.

    A folder is taken as it is if it has the recorded number of files and bytes, or if nothing is recorded: then it was
    just made. Contents are not read; DVC does that when it pulls.

    Raises:
        UnknownDatasetError: data/datasets.toml does not describe a dataset.
    """
    data = root / "data"
    folders = output_folders(data / "datasets.toml")
    lock = data / "dvc.lock"
    recorded = recorded_folders(lock.read_text("utf-8")) if lock.exists() else {}
    missing: list[str] = []
    for dataset in notebook.datasets:
        if dataset.name not in folders:
            raise UnknownDatasetError(dataset.name, known=folders, source=str(data / "datasets.toml"))
        folder = folders[dataset.name]
        if not _is_here(root, data / folder, dataset, recorded.get(folder)):
            missing += selections(dataset)
    return tuple(missing)


def _is_here(root: Path, folder: Path, dataset: NotebookDataset, recorded: Recorded | None) -> bool:
    here = chosen_parts(parts_in(folder), dataset)
    if recorded is None:
        return bool(here)
    if dataset.parts is None:
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        return (len(sizes), sum(sizes)) == (recorded.files, recorded.size_bytes)
    listing = root / ".dvc/cache/files/md5" / recorded.md5[:2] / f"{recorded.md5[2:]}.dir"
    if not listing.is_file():
        return False
    names = [str(entry["relpath"]) for entry in json.loads(listing.read_text("utf-8"))]
    wanted = chosen_parts([name for name in names if name.endswith(".parquet")], dataset)
    return bool(wanted) and set(wanted) <= set(here)

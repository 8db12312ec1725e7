"""What of a project a notebook is given in its container: folders, files, environment, user."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.errors import (
    DatasetsFileError,
    MissingDataError,
    MissingPathError,
    ResultsNotWrittenError,
    UnknownDatasetError,
)

PROJECT = "/project"
DATASETS_FILE = "data/datasets.toml"
LIB = "notebooks/lib"
# The user that runs in the container is the host's, which its image does not know: it has no home there.
HOME = "/tmp"


@dataclass(frozen=True, kw_only=True)
class Mount:
    """Something of this machine in a container."""

    source: Path
    target: str
    is_writable: bool = False


def out_folder(root: Path, name: str) -> Path:
    """Where the results of a notebook go."""
    return root / "notebooks" / "out" / name


def make_out_folder(folder: Path) -> None:
    """Make the folder for results, if it is not there.

    Raises:
        ResultsNotWrittenError: It cannot be made, or the user may not write to it: told before a notebook runs for it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsNotWrittenError(str(folder), str(error.strerror)) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ResultsNotWrittenError(str(folder), "Permission denied")


def environment(notebook: NotebookSpec) -> dict[str, str]:
    """The variables of its container."""
    return {
        "HOME": HOME,
        # Without them getpass.getuser() looks into /etc/passwd, where the host's user is not.
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "PYTHONPATH": f"{PROJECT}/{LIB}",
        # On mounted folders they would be written as the host's files.
        "PYTHONDONTWRITEBYTECODE": "1",
        "SHRINKWRAP_DATA": f"{PROJECT}/data",
        "SHRINKWRAP_OUT": f"{PROJECT}/notebooks/out/{notebook.name}",
    }


def output_folders(datasets_toml: Path) -> dict[str, str]:
    """The folder of each dataset's Parquet, relative to that of the file.

    Raises:
        DatasetsFileError: The file is missing, not readable or not TOML.
    """
    try:
        document: dict[str, Any] = tomllib.loads(datasets_toml.read_text("utf-8"))
    except OSError as error:
        raise DatasetsFileError(str(datasets_toml), f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DatasetsFileError(str(datasets_toml), f"is not TOML: {error}") from None
    tables = document.get("datasets", {})
    return {name: str(PurePosixPath(table.get("output", f"raw/parquet/{name}"))) for name, table in tables.items()}


def mounts(root: Path, notebook: NotebookSpec, *, data: Path | None = None) -> tuple[Mount, ...]:
    """The code and the data that a notebook is given, all of it read-only; its own file and results are not in it.

    Args:
        root: The checkout.
        data: Its folder `data`, if that is elsewhere.

    Raises:
        MissingPathError: Something is not there: Docker would make a folder of root's in its place.
        MissingDataError: A dataset, or parts of it, is not there.
        UnknownDatasetError: data/datasets.toml does not describe a dataset.
    """
    data = data or root / "data"
    lib = Mount(source=root / LIB, target=f"{PROJECT}/{LIB}")
    datasets = Mount(source=data / "datasets.toml", target=f"{PROJECT}/{DATASETS_FILE}")
    for mount, advice in ((lib, "It holds the code that notebooks share."), (datasets, "It describes the datasets.")):
        if not mount.source.exists():
            raise MissingPathError(str(mount.source), what="what every notebook is given", advice=advice)
    return (lib, datasets, *data_mounts(data, notebook))


def data_mounts(data: Path, notebook: NotebookSpec) -> Iterator[Mount]:
    """The datasets, or the parts of them, that a notebook reads."""
    folders = output_folders(data / "datasets.toml")
    lacking = []
    for dataset in notebook.datasets:
        if dataset.name not in folders:
            raise UnknownDatasetError(dataset.name, known=folders, source=str(data / "datasets.toml"))
        folder = data / folders[dataset.name]
        paths = [folder / part for part in chosen_parts(parts_in(folder), dataset)]
        # DVC may link into its cache, which is not there in a container: then each part is given by what it links to.
        if dataset.parts is None and paths and not any(path.is_symlink() for path in paths):
            paths = [folder]
        if not paths:
            lacking.append(" and ".join(selections(dataset)))
        for path in paths:
            yield Mount(source=path, target=f"{PROJECT}/data/{path.relative_to(data).as_posix()}")
    if lacking:
        raise MissingDataError(notebook.name, lacking)


def parts_in(folder: Path) -> list[str]:
    """The part files below a folder, relative to it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))


def chosen_parts(names: list[str], dataset: NotebookDataset) -> list[str]:
    """Those of the part files that a notebook reads."""
    if dataset.parts is None:
        return names
    return [name for name in names if any(fnmatchcase(name, glob) for glob in dataset.parts)]


def selections(dataset: NotebookDataset) -> tuple[str, ...]:
    """A dataset, or each of the globs for its parts, as command lines select it."""
    return tuple(f"{dataset.name}/{glob}" for glob in dataset.parts) if dataset.parts else (dataset.name,)


def container_user(*, uid: int, gid: int, is_rootless: bool) -> str:
    """Who runs in a container so that what it writes belongs to the host's user.

    In a rootless engine, root of a container is that user, and every other number stands for somebody else.
    """
    return "0:0" if is_rootless else f"{uid}:{gid}"


def shown_memory(limit_bytes: int | None) -> str | None:
    """As people write it."""
    if limit_bytes is None:
        return None
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if limit_bytes >= factor:
            return f"{limit_bytes / factor:.3g} {unit}"
    return f"{limit_bytes} B"

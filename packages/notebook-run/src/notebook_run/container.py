"""What a notebook's container has: folders and files of the project, environment variables, user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dataset_spec import DATASETS_FILE
from env_spec import OWN_FOLDER, NotebookSpec
from notebook_run.columns import columns_variable
from notebook_run.datasets import notebook_tables, parts_in, selected_parts
from notebook_run.errors import MissingDataError
from notebook_run.project import LIB, missing_file

PROJECT: Final = "/project"
# The container runs as the host's user, who has no home in the image.
_HOME: Final = "/tmp"


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file or folder of this machine in a container."""

    source: Path
    target: str
    is_writable: bool = False


def environment(notebook: NotebookSpec) -> dict[str, str]:
    """The environment variables of a notebook's container."""
    return {
        "HOME": _HOME,
        # Without these, getpass.getuser() searches /etc/passwd, which does not have the host's user.
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "PYTHONPATH": python_path(notebook),
        # On mounted folders, bytecode would become files of the host.
        "PYTHONDONTWRITEBYTECODE": "1",
        "SHRINKWRAP_COLUMNS": columns_variable(notebook),
        "SHRINKWRAP_DATA": f"{PROJECT}/data",
        "SHRINKWRAP_OUT": f"{PROJECT}/notebooks/out/{notebook.name}",
    }


def python_path(notebook: NotebookSpec) -> str:
    """The folders of a container from which a notebook imports, besides the packages of its image."""
    folders = [LIB, *([OWN_FOLDER] if notebook.own == "mount" else [])]
    return ":".join(f"{PROJECT}/{folder}" for folder in folders)


def own_mounts(root: Path, notebook: NotebookSpec) -> tuple[Mount, ...]:
    """The source folder of the project's own package, if it is mounted.

    Raises:
        NotebookInputError: It does not exist.
    """
    if notebook.own != "mount":
        return ()
    if not (root / OWN_FOLDER).is_dir():
        raise missing_file(root / OWN_FOLDER, "the source folder of this project", 'Or remove own = "mount".')
    return (Mount(source=root / OWN_FOLDER, target=f"{PROJECT}/{OWN_FOLDER}"),)


def mounts(root: Path, notebook: NotebookSpec, *, data: Path | None = None) -> tuple[Mount, ...]:
    """The code and the data that a notebook reads, all read-only; its own file and its results are not included.

    Args:
        root: The checkout.
        data: Its folder `data`, if that is elsewhere.

    Raises:
        NotebookInputError: A path does not exist; Docker would make a folder in its place, which belongs to root.
        DatasetSpecError: data/datasets.toml does not describe a dataset.
        MissingDataError: A dataset, or parts of it, is missing.
    """
    data = data or root / "data"
    lib = Mount(source=root / LIB, target=f"{PROJECT}/{LIB}")
    datasets = Mount(source=data / "datasets.toml", target=f"{PROJECT}/{DATASETS_FILE}")
    for mount, advice in ((lib, "It holds the code that notebooks share."), (datasets, "It describes the datasets.")):
        if not mount.source.exists():
            raise missing_file(mount.source, "a file or folder that every notebook needs", advice)
    return (lib, datasets, *own_mounts(root, notebook), *data_mounts(data, notebook))


def data_mounts(data: Path, notebook: NotebookSpec) -> Iterator[Mount]:
    """The datasets, or the parts of them, that a notebook reads."""
    tables = notebook_tables(data, notebook)
    missing = []
    for dataset in notebook.datasets:
        folder = data / tables[dataset.name].output
        paths = [folder / part for part in selected_parts(parts_in(folder), dataset)]
        # DVC may link into its cache, which the container does not have: then each part is mounted from the target of
        # its link.
        if dataset.parts is None and paths and not any(path.is_symlink() for path in paths):
            paths = [folder]
        if not paths:
            missing.append(" and ".join(dataset.selections))
        for path in paths:
            yield Mount(source=path, target=f"{PROJECT}/data/{path.relative_to(data).as_posix()}")
    if missing:
        raise MissingDataError(notebook.name, missing)


def container_user(*, uid: int, gid: int, is_rootless: bool) -> str:
    """The user of a container whose files belong to the host's user.

    In a rootless engine, root of a container is that user, and every other number is a different one.
    """
    return "0:0" if is_rootless else f"{uid}:{gid}"

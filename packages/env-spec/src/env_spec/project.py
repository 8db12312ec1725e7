"""A project's files as they are on disk: the one place where images' inputs are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.content import Content, counts, folder_digest
from env_spec.errors import FileError
from env_spec.lock import is_up_to_date, load_lock, lock_slice
from env_spec.spec import EnvSpec, parse_spec
from env_spec.tables import Table, read_toml

DigestFolder: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class ProjectFiles:
    """All that the images of a project are made from.

    Attributes:
        lock: The parsed poetry.lock.
        folders: Digests by path relative to the project: Dockerfile folders, packages of the project.
        is_lock_current: poetry.lock was made from this pyproject.toml.
        lock_source: What messages call the lock.
    """

    spec: EnvSpec
    lock: Mapping[str, Any]
    folders: Mapping[str, str]
    is_lock_current: bool = True
    lock_source: str = "poetry.lock"


def read_project(root: Path) -> ProjectFiles:
    """What is on disk now.

    Raises:
        FileError: pyproject.toml, poetry.lock or a folder that an image is made from cannot be read.
        SpecErrors: Every mistake in pyproject.toml.
    """
    pyproject = read_toml(root / "pyproject.toml")
    spec = parse_spec(pyproject, source=str(root / "pyproject.toml"))
    lock = load_lock(root / "poetry.lock")
    for image in spec.images.values():
        if not (root / image.dockerfile / "Dockerfile").is_file():
            problem = f"there is no such file; image '{image.name}' is built from it"
            raise FileError(str(root / image.dockerfile / "Dockerfile"), problem)
    return project_files(
        pyproject, spec, lock, lambda path: _digest_on_disk(root / path), lock_source=str(root / "poetry.lock")
    )


def project_files(
    pyproject: Table, spec: EnvSpec, lock: Table, digest: DigestFolder, *, lock_source: str
) -> ProjectFiles:
    """Parsed files, with the digests of the paths that images are made from."""
    return ProjectFiles(
        spec=spec,
        lock=lock,
        folders={path: digest(path) for path in source_paths(spec, lock, lock_source)},
        is_lock_current=is_up_to_date(pyproject, lock),
        lock_source=lock_source,
    )


def source_paths(spec: EnvSpec, lock: Table, lock_source: str = "poetry.lock") -> list[str]:
    """Dockerfile folders, and packages of the project that are in any image's slice."""
    groups = spec.expanded({group: None for image in spec.images.values() for group in image.groups})
    packages = lock_slice(lock, groups, source=lock_source)
    paths = {image.dockerfile for image in spec.images.values()}
    return sorted(paths | {package.path for package in packages if package.path})


def _digest_on_disk(path: Path) -> str:
    try:
        if path.is_file():
            return folder_digest({path.name: _content(path)})
        files = {}
        for folder, names, filenames in os.walk(path):
            names[:] = [name for name in names if counts(name)]
            links = [name for name in names if (Path(folder) / name).is_symlink()]
            for file in (Path(folder) / name for name in (*filenames, *links)):
                files[file.relative_to(path).as_posix()] = _content(file)
        return folder_digest(files)
    except OSError as error:
        raise FileError(str(path), f"cannot be read: {error.strerror}") from error


def _content(path: Path) -> Content:
    if path.is_symlink():
        return Content(data=os.fsencode(path.readlink()), is_link=True)
    return Content(data=path.read_bytes(), is_executable=os.access(path, os.X_OK))

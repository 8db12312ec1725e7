"""Reads the files that images are built from, as they are on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.declaration.locks import lock_of
from env_spec.declaration.own import OWN_FOLDER
from env_spec.declaration.spec import EnvSpec, load_spec, lock_folders, parse_spec
from env_spec.declaration.tables import Table, read_toml
from env_spec.errors import FileError, LockError, SpecError
from env_spec.lock.further import further_lock
from env_spec.lock.lockfile import is_up_to_date, load_lock, parse_lock
from env_spec.lock.slice import LockedPackage, lock_slice
from env_spec.project.content import EMPTY_DIGEST, Content, folder_digest, is_hashed, is_in_project

DigestFolder: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class ProjectFiles:
    """Everything that the images of a project are built from.

    Attributes:
        lock: The parsed poetry.lock.
        folders: Digests of Dockerfile folders and of the project's own packages, by path relative to the project.
        is_lock_current: Each poetry.lock matches its pyproject.toml.
        lock_source: The lock's name in messages; of a lock that is not current, if there is one.
        further_locks: The other locks by name, in the terms of the project (`further_lock`).
    """

    spec: EnvSpec
    lock: Mapping[str, Any]
    folders: Mapping[str, str]
    is_lock_current: bool = True
    lock_source: str = "poetry.lock"
    further_locks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def lock_for(self, groups: Iterable[str]) -> Mapping[str, Any]:
        """The lock that groups of one image are in."""
        return self.further_locks.get(next(map(lock_of, groups), ""), self.lock)


@dataclass(frozen=True, kw_only=True)
class LockedFolder:
    """A pyproject.toml with its lock, both parsed.

    Attributes:
        source: The lock's name in messages.
    """

    pyproject: Table
    lock: Table
    source: str


def read_project(root: Path, *, locks: Mapping[str, bytes] | None = None) -> ProjectFiles:
    """The project's files on disk.

    Args:
        locks: The content of each poetry.lock, in place of those on disk: by name, "" for the project's own.

    Raises:
        FileError: pyproject.toml, poetry.lock or a folder that an image is built from cannot be read.
        SpecErrors: pyproject.toml has mistakes; all are listed.
    """
    return _read_project(root, must_have_images=False, locks=locks)


def read_current_project(root: Path) -> ProjectFiles:
    """The project's files on disk, which must declare an image and have an up-to-date lock.

    Raises:
        SpecError: pyproject.toml declares no image.
        LockError: poetry.lock is older than pyproject.toml.
        FileError, SpecErrors: As for `read_project`.
    """
    files = _read_project(root, must_have_images=True)
    if not files.is_lock_current:
        raise LockError(files.lock_source, "is older than pyproject.toml; update it with `./run invoke env.lock`")
    return files


def read_slice(root: Path, groups: Iterable[str]) -> tuple[LockedPackage, ...]:
    """The locked packages that groups of the project need.

    Raises:
        UnknownNameError: Some groups are not declared; the message lists all of them.
        FileError, SpecErrors: As for `read_project`.
    """
    spec = load_spec(root / "pyproject.toml")
    expanded = spec.expanded(groups)
    name = next(map(lock_of, expanded), "")
    path = root / spec.locks.get(name, "") / "poetry.lock"
    lock = load_lock(path)
    return lock_slice(
        further_lock(lock, name=name, folder=spec.locks[name]) if name else lock, expanded, source=str(path)
    )


def project_files(
    own: LockedFolder, spec: EnvSpec, further: Mapping[str, LockedFolder], digest: DigestFolder
) -> ProjectFiles:
    """Parsed files with the digests of the paths that images are built from."""
    stale = [each.source for each in (own, *further.values()) if not is_up_to_date(each.pyproject, each.lock)]
    files = ProjectFiles(
        spec=spec,
        lock=own.lock,
        folders={},
        is_lock_current=not stale,
        lock_source=stale[0] if stale else own.source,
        further_locks={
            name: further_lock(each.lock, name=name, folder=spec.locks[name]) for name, each in further.items()
        },
    )
    paths = source_paths(files)
    return replace(files, folders={path: digest(path) if is_in_project(path) else EMPTY_DIGEST for path in paths})


def source_paths(files: ProjectFiles) -> list[str]:
    """The Dockerfile folders, and the project's own packages that are in an image's slice."""
    paths = {image.dockerfile for image in files.spec.images.values()}
    paths |= {OWN_FOLDER for image in files.spec.images.values() if image.own == "wheel"}
    by_lock: dict[str, dict[str, None]] = {}
    for image in files.spec.images.values():
        for group in image.groups:
            by_lock.setdefault(lock_of(group), {})[group] = None
    extras = {extra for image in files.spec.images.values() for extra in image.extras}
    for groups in by_lock.values():
        lock, expanded = files.lock_for(groups), files.spec.expanded(groups)
        packages = lock_slice(lock, expanded, extras=extras, source=files.lock_source)
        paths |= {package.path for package in packages if package.path}
    return sorted(paths)


def _read_project(root: Path, *, must_have_images: bool, locks: Mapping[str, bytes] | None = None) -> ProjectFiles:
    source = root / "pyproject.toml"
    pyproject = read_toml(source)
    further = {name: read_toml(root / folder / "pyproject.toml") for name, folder in lock_folders(pyproject).items()}
    spec = parse_spec(pyproject, source=str(source), locks=further)
    if must_have_images and not spec.images:
        problem = f'{source} declares no image; add [tool.env-spec.images.NAME] with groups = ["main"]'
        raise SpecError("tool.env-spec.images", problem)
    for image in spec.images.values():
        dockerfile = root / image.dockerfile / "Dockerfile"
        if not dockerfile.is_file():
            raise FileError(str(dockerfile), f"does not exist; image '{image.name}' is built from it")
    folders = {"": pyproject, **further}
    parsed = {
        name: _locked_folder(root / spec.locks.get(name, "") / "poetry.lock", table, (locks or {}).get(name))
        for name, table in folders.items()
    }
    return project_files(parsed.pop(""), spec, parsed, lambda path: _digest_on_disk(root / path))


def _locked_folder(lock: Path, pyproject: Table, content: bytes | None) -> LockedFolder:
    return LockedFolder(
        pyproject=pyproject, lock=load_lock(lock) if content is None else parse_lock(content), source=str(lock)
    )


def _digest_on_disk(path: Path) -> str:
    try:
        if path.is_file():
            return folder_digest({path.name: _content(path)})
        files = {}
        for folder, names, filenames in os.walk(path):
            names[:] = [name for name in names if is_hashed(name)]
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

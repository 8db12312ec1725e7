"""Removes local environments of earlier locks, which no notebook and no process uses."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from env_make import exclusive_lock
from env_spec import image_environment, read_current_project
from notebook_run.errors import NotWrittenError
from notebook_run.local.environment import COMPLETE, ENVIRONMENTS, environment_key
from terminal import note


@dataclass(frozen=True, kw_only=True)
class CleanedEnvironment:
    """A local environment that no notebook of the current lock uses.

    Attributes:
        process: Number of a process that uses it, so that it was kept; None if it was removed or only listed.
    """

    folder: Path
    size_bytes: int
    process: int | None


def clean_environments(
    root: Path, *, is_dry_run: bool = False, on_line: Callable[[str], None] = note
) -> tuple[CleanedEnvironment, ...]:
    """Remove the environments that no notebook of the current lock and no process uses; list them, if `is_dry_run`.

    Raises:
        EnvSpecError: pyproject.toml has mistakes, or the lock is stale; then it is unknown what is used.
        NotWrittenError: A folder could not be removed.
    """
    used = _used_keys(root)
    # No environment is made at the same time.
    with exclusive_lock(root / ".shrinkwrap/lock", on_line):
        found = tuple(_unused(root.resolve() / ENVIRONMENTS, used))
        for environment in found:
            if not is_dry_run and environment.process is None:
                _remove(environment.folder)
    return found


def _used_keys(root: Path) -> set[str]:
    files = read_current_project(root)
    images = {notebook.image for notebook in files.spec.notebooks.values()}
    return {environment_key(files, image_environment(files, image)) for image in images}


def _unused(store: Path, used: Collection[str]) -> Iterator[CleanedEnvironment]:
    folders = sorted(store.iterdir()) if store.is_dir() else []
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink() and folder.name not in used:
            yield CleanedEnvironment(folder=folder, size_bytes=_size_bytes(folder), process=_process_of(folder))


def _process_of(folder: Path) -> int | None:
    """A process that was started with a program of an environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            # The Python of an environment is a link, so the program's file would be that of the machine.
            if any(word.startswith(f"{folder}/") for word in process.cmdline()):
                return int(process.pid)
    return None


def _size_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _remove(folder: Path) -> None:
    try:
        # First, so that an interrupted removal leaves no environment that seems complete.
        (folder / COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(folder)
    except OSError as error:
        raise NotWrittenError(str(error.filename or folder), error) from None

"""Updates the lock, and reports what that changes in the images."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from env_make import LOCK_BEFORE, lock_problem
from env_spec.declaration.locks import lock_of
from env_spec.declaration.spec import load_spec
from env_spec.errors import EnvSpecError, LockError
from env_spec.image.diff import ImageDiff, image_diffs
from env_spec.project.files import ProjectFiles, read_current_project, read_project


def lock_project(root: Path, *, package: str | None = None, group: str | None = None) -> tuple[ImageDiff, ...]:
    """Lock again, after adding a package to a group if both are given.

    Returns:
        What changed in each image.

    Raises:
        EnvSpecError: Only one of the two is given, or the project's files have mistakes.
        UnknownNameError: The group is not declared.
        PoetryError: Poetry is missing or failed; pyproject.toml and poetry.lock are unchanged.
    """
    from env_spec.lock.relock import add_package, relock

    spec = load_spec(root / "pyproject.toml")
    if (package is None) != (group is None):
        given, missing = ("--add", "--group") if group is None else ("--group", "--add")
        raise EnvSpecError(f"{given} needs {missing}: `env.lock --add PACKAGE --group NAME`")
    expanded_name = spec.expanded([group])[0] if group else None
    chosen = lock_of(expanded_name or "")
    before = root / LOCK_BEFORE
    further = {name: root / folder / "poetry.lock" for name, folder in spec.locks.items()}
    contents = {name: lock.read_bytes() for name, lock in further.items() if lock.exists()}
    try:
        # The front door has locked if the lock before exists: without a lock that fits, it cannot start this command.
        if lock_problem(root) or not (package or before.exists()):
            relock(root)
        if not before.exists():
            shutil.copyfile(root / "poetry.lock", before)
        for name, lock in further.items():
            if lock_problem(lock.parent) or not package:
                relock(root, folder=spec.locks[name])
        if package and expanded_name:
            add_package(root, package, expanded_name.rpartition(":")[2], folder=spec.locks.get(chosen, "."))
        return image_diffs(_project_before(root, {"": before.read_bytes(), **contents}), read_current_project(root))
    finally:
        before.unlink(missing_ok=True)


def _project_before(root: Path, locks: Mapping[str, bytes]) -> ProjectFiles | None:
    """The project with its locks as they were before this command; None if one could not be read."""
    try:
        return read_project(root, locks=locks)
    except LockError:
        return None

"""Clean checkouts of a commit."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from notebook_run.capsule.git import git
from notebook_run.errors import NotebookRunError
from notebook_run.folder_lock import exclusive_lock, lock_folder
from notebook_run.processes import CommandResult

# Below the project, so that DVC can link from its cache and Docker Desktop can mount them. Git ignores the folder.
CHECKOUTS: Final = Path(".shrinkwrap/checkouts")


@contextmanager
def clean_checkout(root: Path, commit: str, *, name: str) -> Iterator[Path]:
    """A folder that holds the files of a commit and no others; it is removed when the block ends.

    It is a repository that borrows the objects of this one. Unlike a worktree, it leaves nothing in the records of this
    repository, however the process ends. It has all commits of this repository, also those that are on no branch, and
    is as shallow. The folders of processes that were killed are removed when the next checkout is made.

    Raises:
        NotebookRunError: git failed.
    """
    place = root / CHECKOUTS
    place.mkdir(parents=True, exist_ok=True)
    # Meanwhile no other process makes or removes a checkout.
    with exclusive_lock(place):
        _remove_abandoned(place)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place))
        descriptor = lock_folder(folder, fcntl.LOCK_SH)
    try:
        _borrow(root, folder, commit)
        # Images have a label with the address of their repository; a rebuilt image must have the same one.
        if origin := git(root, "config", "--get", "remote.origin.url").stdout.strip():
            _succeeded(git(folder, "config", "remote.origin.url", origin), commit)
        switch(folder, commit)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def switch(checkout: Path, commit: str) -> None:
    """Check out another commit in a checkout.

    Raises:
        NotebookRunError: git failed.
    """
    _succeeded(git(checkout, "checkout", "--quiet", "--force", "--detach", commit), commit)


def _borrow(root: Path, folder: Path, commit: str) -> None:
    """Make a folder a repository with the objects of another one; a clone would leave out commits on no branch."""
    kind = git(root, "rev-parse", "--show-object-format").stdout.strip() or "sha1"
    _succeeded(git(folder, "init", "--quiet", f"--object-format={kind}"), commit)
    words = (word for place in ("objects", "shallow") for word in ("--git-path", place))
    result = _succeeded(git(root, "rev-parse", *words), commit)
    objects, shallow = ((root / line).resolve() for line in result.stdout.splitlines())
    (folder / ".git/objects/info/alternates").write_text(f"{_quoted(str(objects))}\n", "utf-8")
    if shallow.is_file():
        shutil.copy(shallow, folder / ".git/shallow")


def _quoted(path: str) -> str:
    """A path as git reads it in the file `alternates`."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _remove_abandoned(place: Path) -> None:
    """Remove the folders that no process has locked."""
    for folder in place.iterdir():
        try:
            descriptor = lock_folder(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # In use, or another user's.
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _succeeded(result: CommandResult, commit: str) -> CommandResult:
    if result.exit_code:
        raise NotebookRunError(f"a clean checkout of {commit[:12]} could not be made: {result.stderr}")
    return result

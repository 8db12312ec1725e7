"""The git repository: what is committed, what is not, and a clean checkout of a commit."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from notebook_run.capsule_errors import CheckoutError, CommitGoneError, NoGitError
from notebook_run.folder_lock import held, lock
from notebook_run.processes import Answer, answer

CHECKOUTS: Final = Path(".shrinkwrap/checkouts")
"""Below the repository, so that DVC can link from its cache and Docker Desktop may mount it; git ignores it."""


def head_commit(root: Path) -> str:
    """The commit that is checked out.

    Raises:
        NoGitError: There is none.
    """
    said = _git(root, "rev-parse", "--verify", "HEAD^{commit}")
    if said.exit_code:
        raise NoGitError(said.problem or "there is no commit yet")
    return said.output.strip()


def uncommitted(root: Path, paths: Iterable[str]) -> list[str]:
    """Which of these paths, or of the files below them, are not as committed; as `what: path`."""
    named = [f":(top,literal){path}" for path in paths]
    said = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *named)
    if said.exit_code:
        raise NoGitError(said.problem)
    words = {"?": "not in git", "D": "deleted", "A": "added, not committed"}
    return [
        f"{entry[3:]} ({words.get(entry[:2].strip()[:1], 'changed')})" for entry in said.output.split("\0") if entry
    ]


def committed_text(root: Path, commit: str, path: str) -> str | None:
    """A file as a commit has it; None if it has none."""
    said = _git(root, "show", f"{commit}:{path}")
    return None if said.exit_code else said.output


def changed_files(root: Path, since: str) -> list[str]:
    """Files that differ between a commit and what is here, those that are new included."""
    said = _git(root, "diff", "--name-only", "-z", "--no-renames", since, "--")
    if said.exit_code:
        raise CommitGoneError(since, is_shallow=_is_shallow(root))
    new = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return sorted(filter(None, (said.output + new.output).split("\0")))


def is_published(root: Path, commit: str) -> bool:
    """A branch of a remote has the commit, as far as this clone knows."""
    return bool(_git(root, "branch", "--remotes", "--contains", commit).output.strip())


def require_commit(root: Path, commit: str) -> None:
    """See that a commit is here.

    Raises:
        CommitGoneError: It is not.
        NoGitError: This is no repository.
    """
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}").exit_code:
        if (said := _git(root, "rev-parse", "--git-dir")).exit_code:
            raise NoGitError(said.problem)
        raise CommitGoneError(commit, is_shallow=_is_shallow(root))


@contextmanager
def clean_checkout(root: Path, commit: str, *, name: str) -> Iterator[Path]:
    """A folder that holds what a commit holds and nothing else, gone afterwards.

    It is a repository that borrows this one's objects: however this process ends, nothing of it stays in the
    repository's own records, as a worktree would. It has all commits that this one has, also those that no branch leads
    to, and is as shallow. The folders of processes that were killed go when the next one is made.

    Raises:
        CheckoutError: git could not make it.
    """
    place = root / CHECKOUTS
    place.mkdir(parents=True, exist_ok=True)
    # Nobody else makes or removes a checkout meanwhile.
    with held(place):
        _remove_abandoned(place)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place))
        handle = lock(folder, fcntl.LOCK_SH)
    try:
        _borrow(root, folder, commit)
        # Images carry the address of their repository; one that is rebuilt here must carry the same.
        if origin := _git(root, "config", "--get", "remote.origin.url").output.strip():
            _must(_git(folder, "config", "remote.origin.url", origin), commit)
        switch(folder, commit)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _borrow(root: Path, folder: Path, commit: str) -> None:
    """Make a folder a repository with the objects of another; a clone would leave out what no branch leads to."""
    kind = _git(root, "rev-parse", "--show-object-format").output.strip() or "sha1"
    _must(_git(folder, "init", "--quiet", f"--object-format={kind}"), commit)
    places = ("objects", "shallow")
    said = _must(_git(root, "rev-parse", *(word for place in places for word in ("--git-path", place))), commit)
    objects, shallow = ((root / line).resolve() for line in said.output.splitlines())
    (folder / ".git/objects/info/alternates").write_text(f"{_quoted(str(objects))}\n", "utf-8")
    if shallow.is_file():
        shutil.copy(shallow, folder / ".git/shallow")


def _quoted(path: str) -> str:
    """As git reads a line of its alternates."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _remove_abandoned(place: Path) -> None:
    """Remove what no process has a lock on."""
    for folder in place.iterdir():
        try:
            handle = lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # in use, or somebody else's
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def switch(checkout: Path, commit: str) -> None:
    """Make a checkout hold another commit."""
    _must(_git(checkout, "checkout", "--quiet", "--force", "--detach", commit), commit)


def _must(said: Answer, commit: str) -> Answer:
    if said.exit_code:
        raise CheckoutError(commit, said.problem)
    return said


def _is_shallow(root: Path) -> bool:
    return _git(root, "rev-parse", "--is-shallow-repository").output.strip() == "true"


def _git(root: Path, *words: str) -> Answer:
    try:
        return answer(["git", *words], folder=root)
    except FileNotFoundError:
        raise NoGitError("there is no git on PATH") from None

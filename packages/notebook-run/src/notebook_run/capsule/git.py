"""The git repository of a project: commits, uncommitted changes, files of commits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from notebook_run.errors import NotebookInputError, NotebookRunError
from notebook_run.processes import CommandResult, run_command


def git(root: Path, *words: str) -> CommandResult:
    """Run git.

    Raises:
        NotebookInputError: git is not installed.
    """
    try:
        return run_command(["git", *words], folder=root)
    except FileNotFoundError:
        raise _no_repository("git is not on PATH") from None


def head_commit(root: Path) -> str:
    """The commit that is checked out.

    Raises:
        NotebookInputError: There is none, or this is not a git repository.
    """
    result = git(root, "rev-parse", "--verify", "HEAD^{commit}")
    if result.exit_code:
        raise _no_repository(result.stderr or "there is no commit yet")
    return result.stdout.strip()


def uncommitted_changes(root: Path, paths: Iterable[str]) -> list[str]:
    """The paths, or files below them, that differ from the commit, each with the kind of change.

    Raises:
        NotebookInputError: This is not a git repository.
    """
    named = [f":(top,literal){path}" for path in paths]
    result = git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *named)
    if result.exit_code:
        raise _no_repository(result.stderr)
    words = {"?": "not in git", "D": "deleted", "A": "added, not committed"}
    return [
        f"{entry[3:]} ({words.get(entry[:2].strip()[:1], 'changed')})" for entry in result.stdout.split("\0") if entry
    ]


def committed_text(root: Path, commit: str, path: str) -> str | None:
    """A file as it is in a commit; None if the commit does not have it."""
    result = git(root, "show", f"{commit}:{path}")
    return None if result.exit_code else result.stdout


def changed_files(root: Path, since: str) -> list[str]:
    """The files that differ between a commit and the working tree, new ones included.

    Raises:
        NotebookRunError: This clone does not have the commit.
    """
    result = git(root, "diff", "--name-only", "-z", "--no-renames", since, "--")
    if result.exit_code:
        raise _missing_commit(root, since)
    new = git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return sorted(filter(None, (result.stdout + new.stdout).split("\0")))


def is_published(root: Path, commit: str) -> bool:
    """Whether a branch of a remote has the commit, as far as this clone knows."""
    return bool(git(root, "branch", "--remotes", "--contains", commit).stdout.strip())


def require_commit(root: Path, commit: str) -> None:
    """Check that this clone has a commit.

    Raises:
        NotebookRunError: It does not.
        NotebookInputError: This is not a git repository.
    """
    if git(root, "cat-file", "-e", f"{commit}^{{commit}}").exit_code:
        if (result := git(root, "rev-parse", "--git-dir")).exit_code:
            raise _no_repository(result.stderr)
        raise _missing_commit(root, commit)


def _missing_commit(root: Path, commit: str) -> NotebookRunError:
    is_shallow = git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"
    command = "git fetch --unshallow" if is_shallow else f"git fetch --all, or git fetch origin {commit}"
    return NotebookRunError(
        f"this clone has no commit {commit[:12]}, which the capsule was made from. Fetch it with `{command}`."
        " If no remote has it (a branch that was never pushed, or history that was rewritten), the author of the"
        " capsule must push it, or freeze the notebook again."
    )


def _no_repository(problem: str) -> NotebookInputError:
    return NotebookInputError(f"a capsule names a commit, so this must be run in a git repository: {problem}")

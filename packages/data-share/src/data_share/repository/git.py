"""What git knows: records at a commit, commits that need data, the folder of hooks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from data_share.errors import FailedError, RecordError, RevisionError
from data_share.records.outputs import LOCK_FILE, LOCK_NAME, STAGES_FILE, STAGES_NAME, is_record
from data_share.repository.processes import run_command
from data_share.repository.repository import Repository

_SUBMODULE = "160000"


def record_texts(repository: Repository, revision: str | None = None) -> dict[str, str]:
    """The text of every `dvc.lock`, `dvc.yaml` and `*.dvc` of a commit, or of the working tree, by path.

    Raises:
        RevisionError: The commit does not exist, or the working tree is not one of git.
        RecordError: A record of the working tree cannot be read.
    """
    if revision is None:
        root = repository.root
        return {path: read_record(root, path) for path in _record_paths(repository) if (root / path).is_file()}
    return blob_texts(repository, record_blobs(repository, revision))


def read_record(root: Path, path: str) -> str:
    """The text of a record in the working tree.

    Raises:
        RecordError: The file cannot be read.
    """
    try:
        return (root / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(path, f"cannot be read: {error}") from error


def record_blobs(repository: Repository, revision: str) -> dict[str, str]:
    """The blob of each record at a commit, by path."""
    return records_of(file_blobs(repository, revision))


def records_of(blobs: Mapping[str, str]) -> dict[str, str]:
    """The blobs of records and of the stages next to them."""
    return {path: blob for path, blob in blobs.items() if is_record(path) or PurePosixPath(path).name == STAGES_NAME}


def file_blobs(repository: Repository, revision: str) -> dict[str, str]:
    """The blob of each file at a commit, by path."""
    commit = commit_id(repository, revision)
    listing = run_git(repository, "ls-tree", "-r", "-z", "--full-tree", commit).decode("utf-8", "surrogateescape")
    blobs = {}
    for line in filter(None, listing.split("\0")):
        facts, _, path = line.partition("\t")
        # A submodule is a commit, which this repository does not have.
        if facts.split()[1] == "blob":
            blobs[path] = facts.split()[2]
    return blobs


def staged_blobs(repository: Repository) -> dict[str, str]:
    """The blob of each file that is staged for the next commit, by path; files in conflict are left out."""
    listing = run_git(repository, "ls-files", "--stage", "-z", "--full-name").decode("utf-8", "surrogateescape")
    blobs = {}
    for line in filter(None, listing.split("\0")):
        facts, _, path = line.partition("\t")
        mode, blob, stage = facts.split()
        if stage == "0" and mode != _SUBMODULE:
            blobs[path] = blob
    return blobs


def blob_texts(repository: Repository, blobs: Mapping[str, str]) -> dict[str, str]:
    """The text of each blob, under the same keys."""
    return {path: _blob(repository, blob).decode("utf-8", "replace") for path, blob in blobs.items()}


def commit_id(repository: Repository, revision: str) -> str:
    """The full name of a commit.

    Raises:
        RevisionError: The commit does not exist.
    """
    try:
        # Without --end-of-options, a revision that starts with a dash is an option.
        found = run_git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except RevisionError:
        raise RevisionError(revision, "git does not know this commit; is it fetched?") from None
    return found.decode().strip()


def require_history(repository: Repository) -> None:
    """Check that the clone has all commits of its branches.

    Raises:
        RevisionError: The clone is shallow, so other commits are unknown.
    """
    if run_git(repository, "rev-parse", "--is-shallow-repository").strip() == b"true":
        raise RevisionError(
            "--all", "this clone is shallow, so the data that other commits need are unknown; `git fetch --unshallow`"
        )


def kept_commits(repository: Repository, days: int, others: Iterable[str] = ()) -> list[str]:
    """The commits whose data must stay: tips of branches and tags, stashes, checked-out and recent commits.

    Args:
        days: All commits of this many last days are recent.
        others: More tips.
    """
    # A detached HEAD, also in another worktree of this repository, may be on no branch.
    checked_out = worktrees(repository).values()
    known = list(dict.fromkeys([*_tips(repository), *_stashes(repository), *checked_out, *others]))
    return list(dict.fromkeys([*known, *(_recent_commits(repository, known, days) if days else ())]))


def _tips(repository: Repository) -> Iterable[str]:
    """The commits of local and remote branches and of tags, also of a tag of a tag."""
    names = run_git(repository, "for-each-ref", "--format=%(objectname)^{commit}").decode()
    answer = run_git(repository, "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=names).decode()
    # A tag of a tree or of a file has no commit.
    return [words[1] for line in answer.splitlines() if (words := line.split())[0] == "commit"]


def _stashes(repository: Repository) -> Iterable[str]:
    """The commits of every `git stash`: a ref names only the newest one.

    A stash is a commit, whose parents have what was staged and what was untracked.
    """
    return run_git(repository, "stash", "list", "--format=%H %P").decode().split()


def _recent_commits(repository: Repository, tips: Iterable[str], days: int) -> Iterable[str]:
    # Git's --since stops at the first old commit of a branch, but a wrong clock can put one before recent commits.
    lines = run_git(repository, "rev-list", "--timestamp", "--stdin", stdin="".join(f"{tip}\n" for tip in tips))
    oldest = time.time() - days * 86400
    for time_text, commit in (line.split() for line in lines.decode().splitlines()):
        if int(time_text) >= oldest:
            yield commit


def hooks_folder(repository: Repository) -> Path:
    """Where git looks for hooks: the folder that `core.hooksPath` names, else its own."""
    return _git_path(repository, "--git-path", "hooks")


def is_shared_folder(repository: Repository, folder: Path) -> bool:
    """Whether a folder is outside of the repository, so that other repositories may use it, too."""
    common = _git_path(repository, "--git-common-dir")
    return not folder.is_relative_to(repository.root) and not folder.is_relative_to(common)


def _git_path(repository: Repository, *words: str) -> Path:
    answer = run_git(repository, "rev-parse", *words).rstrip(b"\n")
    return (repository.root / os.fsdecode(answer)).resolve()


def working_files(repository: Repository, *patterns: str) -> Iterable[str]:
    """The files of the working tree that match a pattern and that git does not ignore.

    Raises:
        RevisionError: The working tree is not one of git.
    """
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
    listed = run_git(repository, *words).decode("utf-8", "surrogateescape")
    return [path for path in listed.split("\0") if path and (repository.root / path).is_file()]


def worktrees(repository: Repository) -> Mapping[Path, str]:
    """The commit that each worktree of the repository has checked out, by folder; only those that have one."""
    lines = os.fsdecode(run_git(repository, "worktree", "list", "--porcelain")).splitlines()
    found: dict[Path, str] = {}
    folder = repository.root
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "worktree":
            folder = Path(value)
        elif key == "HEAD" and value.strip("0"):
            found[folder] = value
    return found


def _record_paths(repository: Repository) -> Iterable[str]:
    try:
        return working_files(repository, f"*{STAGES_NAME}", f"*{LOCK_NAME}", "*.dvc")
    except (RevisionError, FailedError):
        return (STAGES_FILE, LOCK_FILE)


def _blob(repository: Repository, blob: str) -> bytes:
    return run_git(repository, "cat-file", "blob", blob)


def run_git(repository: Repository, *words: str, environment: Mapping[str, str] = os.environ, stdin: str = "") -> bytes:
    """What a git command prints.

    Raises:
        RevisionError: It failed.
    """
    # Inside a hook, git's own variables lead to another worktree.
    variables = {name: value for name, value in environment.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    result = run_command(["git", *words], cwd=repository.root, environment=variables, stdin=stdin.encode())
    if result.exit_code:
        raise RevisionError(words[-1], result.message or f"git {words[0]} failed")
    return result.stdout

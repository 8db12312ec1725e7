"""Checking that the remote has every object that a commit records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_share.checks.comparison import RemoteCheck, RemoteComparison
from data_share.checks.hooks import pushed_commits
from data_share.errors import files_text
from data_share.records.outputs import RecordedOutput, recorded_outputs
from data_share.remotes.remotes import read_remotes
from data_share.repository.cache import open_cache
from data_share.repository.git import record_texts
from data_share.repository.repository import WORKING_TREE, Repository
from data_share.stores.opening import open_store
from terminal import count_text, progress_if_slow


def check_remote(
    root: Path, *, revision: str | None = None, remote: str | None = None, is_deep: bool = False
) -> RemoteCheck:
    """Check that the remote has all data of a commit, or of the working tree.

    Args:
        is_deep: Read every object; otherwise names and sizes are compared.

    Raises:
        DataShareError: The commit or the remote does not exist.
        StoreError: The remote refuses or cannot be reached.
    """
    repository = Repository(root)
    return _checked(repository, recorded_outputs(record_texts(repository, revision)), revision, remote, is_deep)


def check_pushed(root: Path, lines: Iterable[str], *, remote: str | None = None) -> tuple[RemoteCheck, ...]:
    """Check each commit that a `git push` uploads.

    Args:
        lines: What git writes to a pre-push hook.

    Returns:
        One check per commit that records data; other commits can be pushed without a remote.

    Raises:
        DataShareError: The remote does not exist.
        StoreError: The remote refuses or cannot be reached.
    """
    repository = Repository(root)
    outputs = {commit: recorded_outputs(record_texts(repository, commit)) for commit in pushed_commits(lines)}
    return tuple(_checked(repository, recorded, commit, remote) for commit, recorded in outputs.items() if recorded)


def check_json(check: RemoteCheck) -> dict[str, Any]:
    """The check for programs."""
    return {
        "revision": check.revision,
        "remote": check.where,
        "files": check.objects,
        "missing_on_remote": _paths_json(check.missing_on_remote),
        "damaged_on_remote": _paths_json(check.damaged_on_remote),
    }


def check_text(check: RemoteCheck) -> str:
    """The check for the user."""
    if not check.objects:
        return f"{check.revision}: records no data"
    if check.is_complete:
        return f"{check.revision}: all {check.objects:,} objects of its data are on {check.where}"
    parts = []
    if check.missing_objects:
        parts.append(
            f"{check.revision}: {check.where} does not have {check.missing_objects:,} of"
            f" {count_text(check.objects, 'object')}:{files_text(check.missing_on_remote)}\n"
            "  A colleague who has them runs `invoke data.push`."
        )
    if check.damaged_on_remote:
        parts.append(
            f"{check.revision}: {check.where} has files with a wrong size or content:"
            f"{files_text(check.damaged_on_remote)}\n"
            "  `invoke data.check --deep` reads all of them; a colleague who has the right ones runs"
            " `invoke data.push --repair`."
        )
    return "\n".join(parts)


def _paths_json(paths: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    return [{"dataset": dataset, "files": list(files)} for dataset, files in paths.items()]


def _checked(
    repository: Repository,
    outputs: Sequence[RecordedOutput],
    revision: str | None,
    remote: str | None,
    is_deep: bool = False,
) -> RemoteCheck:
    store = open_store(read_remotes(repository).remote(remote), repository)
    comparison = RemoteComparison(repository.root, open_cache(repository), store, is_deep=is_deep)
    with progress_if_slow(f"asking {store.where} for {count_text(len(outputs), 'output')}"):
        return comparison.compare(outputs, revision or WORKING_TREE)

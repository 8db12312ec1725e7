"""What the commits of a repository need: the data that they record, and the data of the capsules in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from data_share.errors import RecordError
from data_share.records.capsules import CapsuleRecord, capsule_record
from data_share.records.outputs import RecordedOutput, recorded_outputs
from data_share.repository.branches import object_kinds
from data_share.repository.git import (
    blob_texts,
    file_blobs,
    kept_commits,
    record_texts,
    records_of,
    staged_blobs,
    working_files,
    worktrees,
)
from data_share.repository.repository import Repository


@dataclass(frozen=True, kw_only=True)
class NeededData:
    """The data that commits and the working tree need.

    Attributes:
        outputs: What they record, and what the commits of capsules record of the capsules' datasets.
        parts: The objects of the parts that capsules name.
        lost: Capsules whose commit this clone does not have, so that the lists of their folders are unknown.
        commits: How many commits were read, in addition to the working tree.
    """

    outputs: frozenset[RecordedOutput]
    parts: frozenset[str]
    lost: tuple[CapsuleRecord, ...]
    commits: int


@dataclass(frozen=True, kw_only=True)
class _CommitData:
    outputs: frozenset[RecordedOutput]
    capsules: tuple[CapsuleRecord, ...]


def read_needed(repository: Repository, days: int, server_commits: Iterable[str] = ()) -> NeededData:
    """The data of the working tree, of what is staged or stashed, of all branches and tags, and of recent commits.

    Args:
        server_commits: Commits of branches that git's remotes have now.

    Raises:
        RecordError: The records or a capsule of a commit cannot be read, so what it needs is unknown.
    """
    commits = kept_commits(repository, days, server_commits)
    reader = _CommitReader(repository)
    folders = {repository.root, *worktrees(repository)}
    trees = [Repository(folder) for folder in folders if (folder / ".dvc").is_dir()]
    found = [*map(_working_tree_data, trees), *map(reader.read_staged, trees), *map(reader.read, commits)]
    capsules = {capsule for data in found for capsule in data.capsules}
    kinds = object_kinds(repository, {capsule.commit for capsule in capsules})
    outputs = {output for data in found for output in data.outputs}
    for capsule in capsules:
        if kinds[capsule.commit] == "commit":
            outputs |= {output for output in reader.read(capsule.commit).outputs if output.dataset in capsule.datasets}
    return NeededData(
        outputs=frozenset(outputs),
        parts=frozenset[str]().union(*(capsule.parts for capsule in capsules)),
        lost=tuple(sorted((each for each in capsules if kinds[each.commit] != "commit"), key=lambda each: each.source)),
        commits=len(commits),
    )


def united(needed: Iterable[NeededData]) -> NeededData:
    """The data that any of several repositories needs."""
    needed = tuple(needed)
    return NeededData(
        outputs=frozenset[RecordedOutput]().union(*(each.outputs for each in needed)),
        parts=frozenset[str]().union(*(each.parts for each in needed)),
        lost=tuple(capsule for each in needed for capsule in each.lost),
        commits=sum(each.commits for each in needed),
    )


class _CommitReader:
    """Reads what commits need; most commits have the same records and capsules as others."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._records: dict[tuple[tuple[str, str], ...], frozenset[RecordedOutput]] = {}
        self._capsules: dict[str, CapsuleRecord | None] = {}

    def read(self, commit: str) -> _CommitData:
        return self._read(file_blobs(self._repository, commit), f"commit {commit[:12]}")

    def read_staged(self, worktree: Repository) -> _CommitData:
        """What a worktree of the repository has staged for its next commit."""
        return self._read(staged_blobs(worktree), "staged for the next commit")

    def _read(self, blobs: Mapping[str, str], where: str) -> _CommitData:
        try:
            return _CommitData(
                outputs=self._outputs(records_of(blobs)),
                capsules=tuple(self._found_capsules(blobs)),
            )
        except RecordError as error:
            raise RecordError(f"{where}: {error.source}", f"{error}; nothing was removed") from error

    def _outputs(self, blobs: Mapping[str, str]) -> frozenset[RecordedOutput]:
        state = tuple(sorted(blobs.items()))
        if state not in self._records:
            self._records[state] = frozenset(recorded_outputs(blob_texts(self._repository, blobs)))
        return self._records[state]

    def _found_capsules(self, blobs: Mapping[str, str]) -> Iterator[CapsuleRecord]:
        for path, blob in blobs.items():
            if not path.endswith(".json"):
                continue
            if blob not in self._capsules:
                text = blob_texts(self._repository, {path: blob})[path]
                self._capsules[blob] = capsule_record(text, path)
            if capsule := self._capsules[blob]:
                yield capsule


def _working_tree_data(repository: Repository) -> _CommitData:
    capsules = []
    for path in working_files(repository, "*.json"):
        text = (repository.root / path).read_text(encoding="utf-8", errors="replace")
        if capsule := capsule_record(text, path):
            capsules.append(capsule)
    return _CommitData(outputs=frozenset(recorded_outputs(record_texts(repository))), capsules=tuple(capsules))

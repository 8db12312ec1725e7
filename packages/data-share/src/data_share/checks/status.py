"""The state of each dataset: its inputs, its files in the working tree, and what the remote does not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from data_share.checks.comparison import RemoteCheck, RemoteComparison
from data_share.errors import DataShareError, nothing_recorded
from data_share.records.objects import digest_of, folder_entries
from data_share.records.outputs import RecordedOutput, recorded_outputs
from data_share.records.selection import unknown_datasets
from data_share.remotes.remotes import read_remotes
from data_share.repository.cache import LocalCache, open_cache
from data_share.repository.dvc import changed_inputs
from data_share.repository.git import record_texts
from data_share.repository.repository import WORKING_TREE, Repository
from data_share.stores.opening import open_store
from data_share.transfer.planning import untracked_files
from s3_access import StoreError
from terminal import progress_if_slow

# Changed inputs by dataset; None for a dataset whose inputs are not local.
Changes: TypeAlias = Mapping[str, tuple[str, ...] | None]

_MAX_NAMED_FILES = 3


@dataclass(frozen=True, kw_only=True)
class DatasetStatus:
    """The state of a dataset.

    Attributes:
        is_recorded: False for a dataset that was never compressed and has raw data only.
        changed_inputs: Inputs that changed since the dataset was recorded.
        is_listed: Whether the list of its files is cached; without it, the files are unknown.
        files: Number of recorded files.
        missing_locally: Recorded files that are not in the working tree.
        changed: Recorded files whose content in the working tree is different.
        untracked: Files in the dataset's folder that are not recorded.
        missing_on_remote: Files that the remote does not have; the folder's path stands for its list. None if the
            remote could not be asked.
        damaged_on_remote: Files of which the remote has an object of another size; the folder's path stands for its
            list, and for files whose sizes add up to another sum.
        not_here: Recorded files and lists that are neither in the working tree nor in the cache.
    """

    dataset: str
    is_recorded: bool = True
    changed_inputs: tuple[str, ...] = ()
    is_listed: bool = True
    files: int = 0
    missing_locally: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    missing_on_remote: tuple[str, ...] | None = None
    damaged_on_remote: tuple[str, ...] = ()
    not_here: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class RepositoryStatus:
    """The state of all requested datasets.

    Attributes:
        remote: Name of the remote.
        error: Why the remote could not be asked; what is local is known anyway.
    """

    datasets: tuple[DatasetStatus, ...]
    remote: str
    error: DataShareError | StoreError | None = None


@dataclass(frozen=True, kw_only=True)
class _RemoteAnswer:
    """What the remote has, or why it could not be asked."""

    remote: str
    check: RemoteCheck | None = None
    error: DataShareError | StoreError | None = None


def status(root: Path, *, datasets: Sequence[str] = (), remote: str | None = None) -> RepositoryStatus:
    """Compare the working tree and the remote with the records.

    Args:
        datasets: Names; all datasets, if empty.

    Raises:
        DataShareError: A dataset is unknown, or nothing is recorded.
        FailedError: DVC cannot compare the inputs.
    """
    repository = Repository(root)
    cache = open_cache(repository)
    with ThreadPoolExecutor(1) as pool, progress_if_slow("comparing the working tree and the remote with the records"):
        # DVC needs a second to start; everything else happens in the meantime.
        comparing = pool.submit(changed_inputs, repository)
        recorded = recorded_outputs(record_texts(repository))
        outputs = [output for output in recorded if not datasets or output.dataset in datasets]
        found = local_statuses(outputs, repository.root, cache)
        cache.save_digests()
        answer = _ask_remote(repository, cache, outputs, remote)
        changes = comparing.result()
    if unknown := [name for name in datasets if not _is_known(name, recorded, changes)]:
        raise unknown_datasets(unknown, {output.dataset for output in recorded})
    statuses = with_changes(
        found, {name: inputs for name, inputs in changes.items() if not datasets or name in datasets}
    )
    if not statuses:
        raise nothing_recorded()
    if answer.check:
        statuses = with_check(statuses, answer.check)
    return RepositoryStatus(datasets=statuses, remote=answer.remote, error=answer.error)


def local_statuses(outputs: Iterable[RecordedOutput], root: Path, cache: LocalCache) -> tuple[DatasetStatus, ...]:
    """The files of each recorded dataset on this machine."""
    found: dict[str, DatasetStatus] = {}
    for output in outputs:
        before = found.get(output.dataset) or DatasetStatus(dataset=output.dataset)
        found[output.dataset] = _compare(before, output, root, cache)
    return tuple(found.values())


def with_changes(statuses: Iterable[DatasetStatus], changes: Changes) -> tuple[DatasetStatus, ...]:
    """The statuses with changed inputs; datasets that are not recorded, but whose inputs are local, come last."""
    recorded = tuple(replace(each, changed_inputs=changes.get(each.dataset) or ()) for each in statuses)
    names = {each.dataset for each in recorded}
    new = [name for name, inputs in changes.items() if name not in names and inputs is not None]
    return (*recorded, *(DatasetStatus(dataset=name, is_recorded=False) for name in new))


def with_check(datasets: Iterable[DatasetStatus], check: RemoteCheck) -> tuple[DatasetStatus, ...]:
    """The statuses of the recorded datasets with what the remote does not have."""
    return tuple(
        replace(
            each,
            missing_on_remote=tuple(check.missing_on_remote.get(each.dataset, ())),
            damaged_on_remote=tuple(check.damaged_on_remote.get(each.dataset, ())),
        )
        if each.is_recorded
        else each
        for each in datasets
    )


def _is_known(name: str, recorded: Iterable[RecordedOutput], changes: Changes) -> bool:
    return any(output.dataset == name for output in recorded) or changes.get(name) is not None


def _ask_remote(
    repository: Repository, cache: LocalCache, outputs: Sequence[RecordedOutput], name: str | None
) -> _RemoteAnswer:
    try:
        remote = read_remotes(repository).remote(name)
    except DataShareError as error:
        return _RemoteAnswer(remote=name or "", error=error)
    try:
        comparison = RemoteComparison(repository.root, cache, open_store(remote, repository))
        check = comparison.compare(outputs, WORKING_TREE)
    except (DataShareError, StoreError) as error:
        return _RemoteAnswer(remote=remote.name, error=error)
    return _RemoteAnswer(remote=remote.name, check=check)


def _compare(status: DatasetStatus, output: RecordedOutput, root: Path, cache: LocalCache) -> DatasetStatus:
    """The status with the files of one more output."""
    recorded = {output.path: digest_of(output.oid)}
    untracked: list[str] = []
    if output.is_folder:
        content = cache.folder_list(output.oid)
        if content is None:
            return replace(status, is_listed=False, not_here=status.not_here | {output.path})
        entries = folder_entries(content, output.oid)
        recorded = {f"{output.path}/{entry.path}": digest_of(entry.oid) for entry in entries}
        untracked = sorted(untracked_files(root, output.path, recorded))
    found = {path: cache.digest(root / path) for path in recorded}
    missing = [path for path, digest in found.items() if digest is None]
    not_here = {
        path for path, digest in found.items() if digest != recorded[path] and not cache.has_intact(recorded[path])
    }
    changed = [path for path, digest in found.items() if digest not in (None, recorded[path])]
    return replace(
        status,
        files=status.files + len(recorded),
        missing_locally=(*status.missing_locally, *missing),
        changed=(*status.changed, *changed),
        untracked=(*status.untracked, *untracked),
        not_here=status.not_here | not_here,
    )


def status_json(status: RepositoryStatus) -> dict[str, Any]:
    """The status for programs."""
    return {
        "remote": status.remote,
        "error": str(status.error) if status.error else None,
        "datasets": [
            {
                "name": each.dataset,
                "recorded": each.is_recorded,
                "changed_inputs": list(each.changed_inputs),
                "files": each.files if each.is_listed else None,
                "missing_locally": list(each.missing_locally),
                "changed": list(each.changed),
                "untracked": list(each.untracked),
                "missing_on_remote": None if each.missing_on_remote is None else list(each.missing_on_remote),
                "damaged_on_remote": list(each.damaged_on_remote),
            }
            for each in status.datasets
        ],
    }


def status_text(status: RepositoryStatus) -> str:
    """The status for the user."""
    return "\n".join(dataset_text(each, status.remote) for each in status.datasets)


def dataset_text(status: DatasetStatus, remote: str) -> str:
    """The status of a dataset: one line if there is nothing to do, else one line for each thing to do."""
    if not status.is_recorded:
        return f"{status.dataset}: raw data, not compressed yet (`invoke data.compress`)"
    lines = []
    if status.changed_inputs:
        lines.append(f"changed since the last data.compress (run it again): {', '.join(status.changed_inputs)}")
    lines += _local_lines(status)
    if status.changed:
        lines.append(f"different from its record: {_named(status.changed)}")
    if status.untracked and status.is_listed:
        lines.append(f"not recorded: {_named(status.untracked)}")
    lines += _remote_lines(status, remote)
    if not lines:
        places = "" if status.missing_on_remote is None else f", locally and on the remote '{remote}'"
        return f"{status.dataset}: up to date{places}"
    return "\n".join([f"{status.dataset}:", *(f"  {line}" for line in lines)])


def _local_lines(status: DatasetStatus) -> Iterable[str]:
    lost = status.not_here & set(status.missing_on_remote or ())
    missing = [path for path in status.missing_locally if path not in lost]
    if (not status.is_listed and not lost) or (status.files and len(missing) == status.files):
        yield "missing locally: all files (`invoke data.pull`)"
    elif missing:
        yield f"missing locally: {_named(missing)} (`invoke data.pull`)"


def _remote_lines(status: DatasetStatus, remote: str) -> Iterable[str]:
    missing = status.missing_on_remote or ()
    # The list of a folder can be written again from its files.
    lost = [path for path in missing if path in status.not_here]
    own = [path for path in missing if path not in status.not_here]
    if own:
        has_none = status.is_listed and len(missing) >= status.files and not lost
        files = "all files" if has_none else _named(own)
        yield f"missing on the remote '{remote}': {files} (`invoke data.push`)"
    if lost:
        files = "all files" if not own and not status.is_listed else _named(lost)
        yield (
            f"neither on this machine nor on the remote '{remote}': {files} (a colleague who has them runs"
            " `invoke data.push`; `invoke data.compress` creates them from raw files)"
        )
    if status.damaged_on_remote:
        yield (
            f"wrong size on the remote '{remote}': {_named(status.damaged_on_remote)} (`invoke data.push --repair` by"
            " a colleague who has the right files)"
        )


def _named(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MAX_NAMED_FILES:,} more" if len(paths) > _MAX_NAMED_FILES else ""
    return f"{', '.join(paths[:_MAX_NAMED_FILES])}{more}"

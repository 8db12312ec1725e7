"""Which parts of the recorded datasets are in the working tree, without loading DVC or hashing a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from data_share.records.objects import Entry, folder_entries, object_key
from data_share.records.outputs import LOCK_FILE, STAGES_FILE, RecordedOutput, lock_outputs
from data_share.repository.configuration import cache_folder
from data_share.repository.git import read_record

_PART_SUFFIX = ".parquet"


@dataclass(frozen=True, kw_only=True)
class PartRequest:
    """The parts of a dataset that are requested.

    Attributes:
        folder: The dataset's folder of parts, relative to the repository, such as `data/raw/parquet/climate`.
        patterns: Globs for paths below the folder; None for all parts.
    """

    dataset: str
    folder: str
    patterns: tuple[str, ...] | None = None

    def selected(self, names: Iterable[str]) -> tuple[str, ...]:
        """The requested parts of these, in order."""
        parts = sorted(name for name in names if name.endswith(_PART_SUFFIX))
        if self.patterns is None:
            return tuple(parts)
        return tuple(name for name in parts if any(fnmatchcase(name, glob) for glob in self.patterns))


@dataclass(frozen=True, kw_only=True)
class LocalFacts:
    """What records, cache and working tree have.

    Attributes:
        outputs: Recorded outputs by their path in the repository.
        lists: The cached lists of folders: files by object.
        sizes_bytes: Size of each file in the working tree, by folder and by path below the folder.
    """

    outputs: Mapping[str, RecordedOutput] = field(default_factory=dict)
    lists: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    sizes_bytes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PartPresence:
    """How much of a request is in the working tree.

    Attributes:
        is_recorded: Whether data/dvc.lock records the dataset.
        is_complete: Whether nothing has to be pulled. Names and sizes are compared, contents are not.
        present: Requested parts in the working tree.
        missing_locally: Recorded parts that are not in the working tree; unknown, so empty, if the list of the
            dataset's files is not cached.
    """

    dataset: str
    is_recorded: bool
    is_complete: bool
    present: tuple[str, ...]
    missing_locally: tuple[str, ...]


def part_presence(request: PartRequest, facts: LocalFacts) -> PartPresence:
    """How much of a request is in the working tree, from facts."""
    sizes = facts.sizes_bytes.get(request.folder, {})
    present = request.selected(sizes)
    output = facts.outputs.get(request.folder)
    entries = facts.lists.get(output.oid) if output else None
    recorded = request.selected(entry.path for entry in entries or ())
    missing = tuple(name for name in recorded if name not in sizes)
    if output is None:
        # Just created, and not by DVC.
        is_complete = bool(present)
    elif request.patterns is None and output.files is not None:
        is_complete = (len(sizes), sum(sizes.values())) == (output.files, output.size_bytes)
    else:
        is_complete = bool(recorded) and not missing
    return PartPresence(
        dataset=request.dataset,
        is_recorded=output is not None,
        is_complete=is_complete,
        present=present,
        missing_locally=missing,
    )


def read_presence(root: Path, requests: Iterable[PartRequest]) -> tuple[PartPresence, ...]:
    """How much of each request is in the working tree of a repository.

    Raises:
        RecordError: data/dvc.lock or a cached list cannot be read.
    """
    requests = tuple(requests)
    outputs = {output.path: output for output in read_outputs(root)}
    needed = [outputs[request.folder] for request in requests if request.folder in outputs]
    cache = cache_folder(root)
    lists = {output.oid: entries for output in needed if (entries := _cached_list(cache, output)) is not None}
    sizes = {request.folder: _file_sizes(root / request.folder) for request in requests}
    facts = LocalFacts(outputs=outputs, lists=lists, sizes_bytes=sizes)
    return tuple(part_presence(request, facts) for request in requests)


def read_outputs(root: Path) -> tuple[RecordedOutput, ...]:
    """The outputs that data/dvc.lock of the working tree records; none if it does not exist.

    Raises:
        RecordError: The file cannot be read.
    """
    if not (root / LOCK_FILE).is_file():
        return ()
    stages = read_record(root, STAGES_FILE) if (root / STAGES_FILE).is_file() else ""
    return lock_outputs(read_record(root, LOCK_FILE), stages)


def read_folder_list(root: Path, output: RecordedOutput) -> tuple[Entry, ...] | None:
    """The files of a recorded folder; None if their list is not in the cache.

    Raises:
        RecordError: The list cannot be read.
    """
    return _cached_list(cache_folder(root), output)


def _cached_list(cache: Path, output: RecordedOutput) -> tuple[Entry, ...] | None:
    try:
        content = (cache / object_key(output.oid)).read_bytes()
    except OSError:
        return None
    return folder_entries(content, output.oid) if output.is_folder else None


def _file_sizes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}

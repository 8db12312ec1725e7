"""Remembers which stages were up to date, so that DVC is started only if something may have changed.

DVC needs two seconds to find that a stage has nothing to do, nearly all of them for its imports. The state of a stage
is a digest of what DVC compares: the name, size and times of every file that data/dvc.lock records of it, and the
content of the files that define it. DVC itself takes a file for unchanged if its size and times are unchanged.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data_share import DataShareError, stage_paths
from shrinkwrap.stages import STAGES_FILE, stage_name

_DVC_FOLDER: Final = ".dvc"
_FOLDER: Final = f"{_DVC_FOLDER}/tmp/shrinkwrap"
_LOCK_FILE: Final = "data/dvc.lock"
_IN_BUCKET: Final = "in a bucket"
_DEFINITIONS: Final = (STAGES_FILE, _LOCK_FILE, "data/datasets.toml", ".dvcignore", "data/.dvcignore")


@dataclass(frozen=True, kw_only=True)
class StageState:
    """The digests of a stage at one time.

    Attributes:
        raw: Of names, sizes and times of the raw files.
        files: The same of the other recorded files; None if data/dvc.lock does not record the stage.
        definitions: Of the content of the files that define the stage.
    """

    raw: str
    files: str | None
    definitions: str


def stage_state(root: Path, dataset: str, source: str, raw_digest: str) -> StageState:
    """The present state of the stage of a dataset; reads no raw file and no Parquet.

    Args:
        source: Folder of the raw files, relative to the root, or their URL.
        raw_digest: The digest of the raw files' listing.
    """
    texts = [_content(root / name) for name in _DEFINITIONS]
    try:
        paths = stage_paths(texts[1].decode("utf-8", "replace"), stage_name(dataset))
    except DataShareError:
        paths = ()  # DVC reports what is wrong with the record.
    others = [root / path for path in paths if root / path != root / source]
    return StageState(
        raw=raw_digest,
        files=_digest(line for path in others for line in _listing(path)) if paths else None,
        definitions=_digest(texts),
    )


def folder_digest(folder: Path) -> str:
    """The digest of the names, sizes and times of all files below a folder."""
    return _digest(_listing(folder))


def bucket_state(record: Mapping[str, Any]) -> StageState:
    """The state of a dataset whose output is in a bucket, by its record for data/buckets.lock."""
    digest = _digest([json.dumps(record, sort_keys=True).encode()])
    return StageState(raw=digest, files=digest, definitions=_IN_BUCKET)


def remembered_report(root: Path, dataset: str, state: StageState) -> dict[str, Any] | None:
    """What was remembered with this state; None if the stage was in another state when it was last up to date."""
    if state.files is None:
        return None
    try:
        record = json.loads(_file(root, dataset).read_bytes())
        return record["report"] if record["state"] == vars(state) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(root: Path, dataset: str, state: StageState, report: dict[str, Any]) -> None:
    """Record that the stage is up to date in this state, with what the report shows of it."""
    if state.definitions == _IN_BUCKET and not (root / _DVC_FOLDER).is_dir():
        return  # A project whose Parquet is in buckets alone needs no DVC.
    file = _file(root, dataset)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"state": vars(state), "report": report}), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)  # The next run asks DVC again.


def _file(root: Path, dataset: str) -> Path:
    return root / _FOLDER / f"{dataset}.json"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b"is missing"


def _digest(parts: Iterator[bytes] | Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def _listing(path: Path) -> Iterator[bytes]:
    """A line for the file, or for each file below the folder, links followed."""
    if path.is_dir():
        yield from _folder_listing(os.fspath(path), set())
    else:
        yield _line(os.fspath(path), path.stat)


def _folder_listing(folder: str, above: set[tuple[int, int]]) -> Iterator[bytes]:
    found = Path(folder).stat()
    identity = (found.st_dev, found.st_ino)
    if identity in above:
        return  # A link to a folder above it would be followed forever.
    # Entries of scandir are several times faster than paths, which matters for ten thousand files.
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _folder_listing(entry.path, above | {identity})
            else:
                yield _line(entry.path, entry.stat)


def _line(path: str, stat: Callable[[], os.stat_result]) -> bytes:
    try:
        found = stat()
    except OSError as error:
        return b"%s %d" % (os.fsencode(path), error.errno or 0)
    facts = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
    return b"%s %d %d %d %d" % (os.fsencode(path), *facts)

"""A dataset's raw folder: what in it is ours, and replacing that without touching anything else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_sample.errors import FolderNotOursError
from data_sample.file import SampleFile
from data_sample.marker import OWN_NAMES, Marker, Request, Written, read_marker, write_marker

# Files that version control and desktops leave behind; they are neither data nor ours.
_BYSTANDERS = frozenset({".gitignore", ".gitkeep", ".DS_Store"})

Progress = Callable[[int, int], None]


def checked_marker(folder: Path) -> Marker | None:
    """The marker of a folder that holds nothing but unchanged samples; None for an empty or missing folder.

    Raises:
        FolderNotOursError: if any other file is there, or one of ours has changed.
        MarkerError: if the marker cannot be read.
    """
    if not folder.is_dir():
        if folder.exists() or folder.is_symlink():
            raise FolderNotOursError(folder.parent, foreign=[folder.name], changed=[])
        return None
    marker = read_marker(folder)
    files = marker.files if marker else {}
    leftovers = {temporary_name(name) for name in marker.planned} if marker else set()
    names = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in names if name not in OWN_NAMES | _BYSTANDERS | leftovers and name not in files]
    changed = [name for name in names if name in files and not _is_unchanged(folder / name, files[name])]
    if foreign or changed:
        raise FolderNotOursError(folder, foreign=foreign, changed=changed)
    return marker


def is_answered(folder: Path, marker: Marker | None, request: Request) -> bool:
    """True if all files of this very request are there; `checked_marker` has found them unchanged."""
    if marker is None or marker.request != request or not marker.is_complete:
        return False
    return all((folder / name).is_file() for name in marker.files)


def replace_samples(
    folder: Path, old: Marker | None, request: Request, files: Sequence[SampleFile], progress: Progress | None
) -> Marker:
    """Remove the samples that the old marker lists and write new ones; `checked_marker` must have passed.

    At any moment the marker on disk lists every sample file that has its final name, so a run that was killed
    leaves nothing that the next one could not tell apart from foreign data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if old is not None:
        _remove(folder, old)
    marker = Marker(request=request, planned=tuple(file.name for file in files))
    write_marker(folder, marker)
    done = 0
    for file in files:
        written = _write_temporary(folder, file, request.size_bytes, done, progress)
        marker = replace(marker, files={**marker.files, file.name: written})
        write_marker(folder, marker)
        _give_name(folder, file.name)
        done += written.size_bytes
    return marker


def temporary_name(name: str) -> str:
    """The name under which a file is written before it gets its own."""
    return f".sample.{name}.tmp"


def _remove(folder: Path, marker: Marker) -> None:
    for name in marker.planned:
        (folder / temporary_name(name)).unlink(missing_ok=True)
    for name in marker.files:
        (folder / name).unlink(missing_ok=True)


def _give_name(folder: Path, name: str) -> None:
    # A file that appeared under this name since the check is somebody else's.
    if (folder / name).exists():
        raise FolderNotOursError(folder, foreign=[name], changed=[])
    (folder / temporary_name(name)).rename(folder / name)


def _write_temporary(folder: Path, file: SampleFile, wanted: int, done: int, progress: Progress | None) -> Written:
    digest, size_bytes = hashlib.sha256(), 0
    with (folder / temporary_name(file.name)).open("wb") as stream:
        for block in file.blocks(wanted - done):
            stream.write(block)
            digest.update(block)
            size_bytes += len(block)
            if progress is not None:
                progress(done + size_bytes, wanted)
        stream.flush()
        os.fsync(stream.fileno())
    return Written(size_bytes=size_bytes, sha256=digest.hexdigest())


def _is_unchanged(path: Path, written: Written) -> bool:
    if not path.is_file() or path.stat().st_size != written.size_bytes:
        return False
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest() == written.sha256


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            yield block

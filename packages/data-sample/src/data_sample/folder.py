"""The raw folder of a dataset: which files in it are samples, and replacing these without touching others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from data_sample.errors import FolderError
from data_sample.marker import OWN_NAMES, Marker, Request, Written, read_marker, write_marker
from data_sample.sample_file import SampleFile
from terminal import OnBytes

# Files of version control and desktops, which are neither data nor ours.
_IGNORED = frozenset({".gitignore", ".gitkeep", ".DS_Store"})
_MOST_NAMES = 5


def checked_marker(folder: Path) -> Marker | None:
    """The marker of a folder whose files are all unchanged samples; None for an empty or missing folder.

    Raises:
        FolderError: The folder holds another file, one of its samples has changed, or the marker is invalid.
    """
    if not folder.is_dir():
        if folder.exists() or folder.is_symlink():
            raise _refusal(folder.parent, foreign=[folder.name])
        return None
    marker = read_marker(folder)
    files = marker.files if marker else {}
    leftovers = {temporary_name(name) for name in marker.planned} if marker else set()
    names = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in names if name not in OWN_NAMES | _IGNORED | leftovers and name not in files]
    changed = [name for name in names if name in files and not _is_unchanged(folder / name, files[name])]
    if foreign or changed:
        raise _refusal(folder, foreign=foreign, changed=changed)
    return marker


def is_complete(folder: Path, marker: Marker | None, request: Request) -> bool:
    """True if every file of this request exists; `checked_marker` has verified their content."""
    if marker is None or marker.request != request or not marker.is_complete:
        return False
    return all((folder / name).is_file() for name in marker.files)


def replace_samples(
    folder: Path, old: Marker | None, request: Request, files: Sequence[SampleFile], on_bytes: OnBytes
) -> Marker:
    """Remove the samples that the old marker lists and write new ones. Call `checked_marker` first.

    At any moment the marker on disk lists every sample that has its final name. So an interrupted run leaves nothing
    that the next run would take for foreign data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if old is not None:
        _remove(folder, old)
    marker = Marker(request=request, planned=tuple(file.name for file in files))
    write_marker(folder, marker)
    done_bytes = 0
    for file in files:
        written = _write_temporary(folder, file, request.size_bytes - done_bytes, on_bytes)
        marker = replace(marker, files={**marker.files, file.name: written})
        write_marker(folder, marker)
        _rename(folder, file.name)
        done_bytes += written.size_bytes
    return marker


def temporary_name(name: str) -> str:
    """The name of a file until its content is complete."""
    return f".sample.{name}.tmp"


def _remove(folder: Path, marker: Marker) -> None:
    for name in marker.planned:
        (folder / temporary_name(name)).unlink(missing_ok=True)
    for name in marker.files:
        (folder / name).unlink(missing_ok=True)


def _rename(folder: Path, name: str) -> None:
    # A file that has appeared under this name since the check is not ours.
    if (folder / name).exists():
        raise _refusal(folder, foreign=[name])
    (folder / temporary_name(name)).rename(folder / name)


def _write_temporary(folder: Path, file: SampleFile, needed_bytes: int, on_bytes: OnBytes) -> Written:
    digest, size_bytes = hashlib.sha256(), 0
    with (folder / temporary_name(file.name)).open("wb") as stream:
        for block in file.blocks(needed_bytes):
            stream.write(block)
            digest.update(block)
            size_bytes += len(block)
            on_bytes(len(block))
        stream.flush()
        os.fsync(stream.fileno())
    return Written(size_bytes=size_bytes, sha256=digest.hexdigest())


def _is_unchanged(path: Path, written: Written) -> bool:
    if not path.is_file() or path.stat().st_size != written.size_bytes:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == written.sha256


def _refusal(folder: Path, *, foreign: Sequence[str] = (), changed: Sequence[str] = ()) -> FolderError:
    """The error for a folder with files that data.sample did not write, or that were changed since."""
    found = [f"{_names_text(foreign)} not written by data.sample"] if foreign else []
    found += [f"{_names_text(changed)} changed since data.sample wrote them"] if changed else []
    return FolderError(
        f"no sample was written to {folder}: it holds {' and '.join(found)}. Raw data is never overwritten. Move these"
        " files to another folder and run data.sample again, or skip data.sample and use these files."
    )


def _names_text(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more

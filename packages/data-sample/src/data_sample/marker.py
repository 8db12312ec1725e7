"""The marker file: which files of a folder are samples, and of which request."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from data_sample.errors import FolderError

MARKER_NAME = ".sample.json"
_TEMPORARY_NAME = ".sample.json.tmp"
OWN_NAMES = frozenset({MARKER_NAME, _TEMPORARY_NAME})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the caller requested; the same request gives the same bytes."""

    dataset: str
    seed: int
    size_bytes: int
    version: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """Size and digest of a sample file."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A request, the names of its files, and the files written so far.

    A file is listed in `files` before it is renamed to its name. So a file that has a planned name and is not listed
    is not ours.
    """

    request: Request
    planned: tuple[str, ...]
    files: Mapping[str, Written] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True once every planned file is listed."""
        return set(self.planned) == set(self.files)


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder, or None if there is none.

    Raises:
        FolderError: The file is invalid, or names a file outside the folder.
    """
    path = folder / MARKER_NAME
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        marker = Marker(
            request=Request(**document["request"]),
            planned=tuple(document["planned"]),
            files={name: Written(**written) for name, written in document["files"].items()},
        )
        stray = [name for name in (*marker.planned, *marker.files) if Path(name).name != name]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _invalid(path, f"{type(error).__name__}: {error}") from error
    if stray:
        raise _invalid(path, f"it names {stray[0]!r}, which is not a file of this folder")
    return marker


def write_marker(folder: Path, marker: Marker) -> None:
    """Replace the marker atomically; it is on disk when this returns."""
    document = {
        "about": "Sample data written by data.sample. It may be deleted and written again.",
        "request": asdict(marker.request),
        "planned": list(marker.planned),
        "files": {name: asdict(written) for name, written in marker.files.items()},
    }
    temporary = folder / _TEMPORARY_NAME
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(json.dumps(document, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(folder / MARKER_NAME)


def _invalid(path: Path, reason: str) -> FolderError:
    return FolderError(
        f"{path} cannot be read ({reason}), so it is unknown which files of this folder are samples. Move the folder"
        " away and run data.sample again."
    )

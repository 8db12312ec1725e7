"""The marker file that says which files of a folder are samples, and which request they answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from data_sample.errors import MarkerError

MARKER_NAME = ".sample.json"
_TEMPORARY_NAME = ".sample.json.tmp"
OWN_NAMES = frozenset({MARKER_NAME, _TEMPORARY_NAME})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for; the same request gives the same bytes."""

    dataset: str
    seed: int
    size_bytes: int
    version: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a sample file holds."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A request, the names it leads to, and the files made so far.

    A file is listed in `files` before it gets its name, so whatever has a planned name but is not listed with
    its hash was put there by somebody else.
    """

    request: Request
    planned: tuple[str, ...]
    files: Mapping[str, Written] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True once every planned file is listed."""
        return set(self.planned) == set(self.files)


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder, or None if it has none.

    Raises:
        MarkerError: if the file is there but does not name sample files.
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
        raise MarkerError(path, f"{type(error).__name__}: {error}") from error
    if stray:
        raise MarkerError(path, f"it names {stray[0]!r}, which is no file of this folder")
    return marker


def write_marker(folder: Path, marker: Marker) -> None:
    """Replace the marker as a whole, safe on disk before this returns."""
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

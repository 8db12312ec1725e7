"""The rejects file of a part: the rows that do not fit, for datasets with `on_reject = "keep"`.

It is outside the dataset's output folder: its readers expect Parquet files only, and DVC would push raw rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Self

from data_convert.errors import OutputError
from data_convert.reading.rejects import Reject
from data_convert.storage.opening import REJECTS_FOLDER, rejects_name
from data_convert.storage.output_place import OutputPlace, PendingFile

REJECTS_HEADER: Final = ("source", "line", "column", "reason", "row")
_HEADER_LINE: Final = ",".join(REJECTS_HEADER).encode() + b"\n"
_FORMER_SUFFIX: Final = ".rejects.csv"
_TEMPORARY_PREFIX: Final = ".rejects-"


def rejects_folder(data_folder: Path, dataset: str) -> Path:
    """The folder of a dataset's rejects files."""
    return data_folder / REJECTS_FOLDER / dataset


def rejects_path(data_folder: Path, dataset: str, part: str) -> Path:
    """The rejects file of the part of this name; it exists only if the part has rejects."""
    return rejects_folder(data_folder, dataset) / rejects_name(part)


def former_rejects_path(part: Path) -> Path:
    """Where the rejects of the part at this path were until format 2: next to it."""
    return part.with_name(part.name.removesuffix(".parquet") + _FORMER_SUFFIX)


def former_rejects_files(output: Path) -> Iterator[tuple[str, Path]]:
    """The rejects files in an output folder, each with the name of its part."""
    for path in sorted(output.rglob(f"*{_FORMER_SUFFIX}")):
        if is_rejects_file(path):
            name = path.relative_to(output).as_posix().removesuffix(_FORMER_SUFFIX)
            yield f"{PurePosixPath(name)}.parquet", path


def is_rejects_file(path: Path) -> bool:
    """Whether this tool wrote the file."""
    try:
        with path.open("rb") as file:
            return has_rejects_header(file)
    except OSError:
        return False


def has_rejects_header(file: BinaryIO) -> bool:
    """Whether an open file starts as a rejects file does."""
    return file.read(len(_HEADER_LINE)) == _HEADER_LINE


def digest_of_rejects(path: Path) -> str | None:
    """The digest of the rejects file; None if it does not exist."""
    try:
        with path.open("rb") as file:
            return digest_of_open_rejects(file)
    except OSError:
        return None


def digest_of_open_rejects(file: BinaryIO) -> str:
    """The digest of an open rejects file."""
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def move_rejects_file(former: Path, path: Path) -> None:
    """Move a rejects file out of the output folder, unless the part has a newer one."""
    if not path.exists():
        temporary = path.with_name(f"{_TEMPORARY_PREFIX}{path.name}")
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Copied, because DVC may have made the file a link into its cache.
            shutil.copyfile(former, temporary)
            temporary.replace(path)
    former.unlink()


class RejectsFile:
    """Writes rejects to a pending file, so that they need no memory, until `complete` makes it the rejects file.

    Leaving the context without it discards the file.

    Args:
        place: Where the rejects files of the dataset are.
        name: The name of this one.
    """

    def __init__(self, place: OutputPlace, name: str) -> None:
        self._place = place
        self._name = name
        self._file: PendingFile | None = None
        self._digest = hashlib.sha256()
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.discard()

    @property
    def sha256(self) -> str | None:
        """Digest of the file; None if there are no rejects."""
        return self._digest.hexdigest() if self.count else None

    def add(self, rejects: Sequence[Reject]) -> None:
        """Write the next rejects."""
        if not rejects:
            return
        with _writing(self._place.where_is(self._name)):
            if self._file is None:
                self._file = self._place.pending(self._name)
                self._write(_HEADER_LINE)
            self._write(b"".join(map(_line, rejects)))
        self.count += len(rejects)

    def _write(self, lines: bytes) -> None:
        if self._file is not None:
            self._file.write(lines)
            self._digest.update(lines)

    def complete(self) -> None:
        """Make the file the rejects file of the part, durably; without rejects, remove that of an earlier run."""
        with _writing(self._place.where_is(self._name)):
            if self._file is None:
                self._place.remove([self._name])
            else:
                self._file.complete()


@contextmanager
def _writing(path: Path | str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(path, error) from error


def _line(reject: Reject) -> bytes:
    buffer = io.StringIO()
    # Before Python 3.13, csv.writer quotes a cell with a bare CR only if the writer's own line end has a CR.
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([reject.source, reject.line, reject.column or "", reject.reason, reject.raw])
    return (buffer.getvalue().removesuffix("\r\n") + "\n").encode("utf-8", "surrogateescape")

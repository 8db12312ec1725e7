"""A folder as the place of parts or rejects files: each is written to a temporary file, which is then renamed."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from data_convert.errors import DataConvertError, OutputError
from data_convert.storage.output_place import CheckStop, OutputFile, keep_going


@dataclass(frozen=True, kw_only=True)
class OutputFolder:
    """The files of one ending below a folder.

    Attributes:
        suffix: The ending of all names.
        temporary_prefix: How the names of incomplete files start.
    """

    folder: Path
    suffix: str
    temporary_prefix: str

    @property
    def where(self) -> str:
        return str(self.folder)

    def where_is(self, name: str) -> str:
        return str(self.path(name))

    def path(self, name: str) -> Path:
        """The path of a file."""
        return self.folder / name

    def pending(self, name: str, *, check_stop: CheckStop = keep_going) -> TemporaryFile:
        return TemporaryFile(self.path(name), self.temporary_prefix)

    def files(self) -> Mapping[str, OutputFile]:
        paths = sorted(self.folder.rglob(f"*{self.suffix}")) if self.folder.is_dir() else []
        found = (path for path in paths if not path.name.startswith(self.temporary_prefix) and path.is_file())
        names = {path.relative_to(self.folder).as_posix(): path for path in found}
        return {name: OutputFile(name=name, size_bytes=path.stat().st_size) for name, path in names.items()}

    def open(self, file: OutputFile) -> BinaryIO:
        return self.path(file.name).open("rb")

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        for path in self.folder.rglob(f"{self.temporary_prefix}*"):
            path.unlink(missing_ok=True)

    @contextmanager
    def exclusive_use(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise OutputError(self.folder, error) from error
        # A lock on the folder itself needs no lock file, which a killed process would leave behind.
        with locked(descriptor, self.where):
            yield


class TemporaryFile:
    """A file next to its final place, made by the first write."""

    def __init__(self, path: Path, temporary_prefix: str) -> None:
        self.where = str(path)
        self.size_bytes = 0
        self._path = path
        # A worker that a scheduler takes for dead may still write: two of them must not write to one file.
        self._temporary = path.with_name(f"{temporary_prefix}{secrets.token_hex(3)}-{path.name}")
        self._file: BinaryIO | None = None
        self._is_over = False

    def write(self, data: bytes | memoryview) -> int:
        view = memoryview(data).cast("B")
        if self._is_over:
            return len(view)
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = cast(BinaryIO, self._temporary.open("wb", buffering=0))
        # An unbuffered file may write less than requested.
        written = 0
        while written < len(view):
            written += self._file.write(view[written:])
        self.size_bytes += written
        return written

    def flush(self) -> None:
        if self._file is not None and not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def complete(self) -> None:
        self.flush()
        self._is_over = True
        self._temporary.replace(self._path)
        # A rename is durable only once its folder is flushed.
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def discard(self) -> None:
        self._is_over = True
        if self._file is not None:
            self._file.close()
            self._temporary.unlink(missing_ok=True)


@contextmanager
def locked(descriptor: int, where: str) -> Iterator[None]:
    """Hold the lock of an open file, and close it at the end; the system releases the lock of a killed process.

    Raises:
        DataConvertError: Another process holds it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataConvertError(f"another conversion is writing to {where}. Wait until it ends.") from None
    finally:
        os.close(descriptor)

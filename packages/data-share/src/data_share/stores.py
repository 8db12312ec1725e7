"""What a remote can do for us, and the remote that is a folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from data_share.errors import StoreError
from data_share.objects import AREA, key, oid_of

# Told how many bytes went since it was last told; may raise to stop.
Told = Callable[[int], None]
CHUNK_BYTES = 256 * 1024
# Reading a remote's list folder by folder pays until that many objects are asked for.
_FEW = 64


class Store(Protocol):
    """Objects of a remote, by their names. What it raises is a `StoreError`."""

    where: str
    jobs: int

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        """Size in bytes of those of the objects that are there."""

    def all_sizes(self) -> dict[str, int]:
        """Size in bytes of every object that is there."""

    def younger(self, age_s: float) -> set[str]:
        """Objects that came within the last so many seconds."""

    def read(self, oid: str) -> bytes:
        """A small object."""

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        """An object's content from an offset on."""

    def put(self, oid: str, path: Path, told: Told) -> None:
        """Send a file; the object appears whole or not at all."""

    def sent_bytes(self, oid: str, size_bytes: int) -> int:
        """How much of an object of that size is there from a push that was interrupted."""

    def remove(self, oids: Collection[str]) -> dict[str, str]:
        """Remove objects; why one was refused, by object, as far as the store says so."""

    def probe_up(self, size_bytes: int) -> float:
        """Seconds that sending so many bytes takes, leaving nothing behind."""

    def probe_down(self, oid: str, size_bytes: int) -> tuple[int, float]:
        """Bytes got of an object (so many, or all) and the seconds it took."""

    def describe(self, oid: str) -> str:
        """Where an object is, for people."""


class FolderStore:
    """A remote that is a folder: a shared drive, or the default beside the data."""

    jobs = 4

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)
        self._mode = 0o666 & ~_umask()

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        with self._faults("read"):
            return {oid: path.stat().st_size for oid in oids if (path := self._path(oid)).is_file()}

    def all_sizes(self) -> dict[str, int]:
        with self._faults("read"):
            files = (path for path in (self.folder / AREA).glob("??/*") if path.is_file())
            return {oid: path.stat().st_size for path in files if (oid := oid_of(path.as_posix()))}

    def younger(self, age_s: float) -> set[str]:
        oldest = time.time() - age_s
        with self._faults("read"):
            files = (path for path in (self.folder / AREA).glob("??/*") if path.stat().st_mtime > oldest)
            return {oid for path in files if (oid := oid_of(path.as_posix()))}

    def read(self, oid: str) -> bytes:
        with self._faults("read"):
            return self._path(oid).read_bytes()

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        with self._faults("read"), self._path(oid).open("rb") as file:
            file.seek(offset)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def put(self, oid: str, path: Path, told: Told) -> None:
        target = self._path(oid)
        with self._faults("written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(target.parent)
            handle, partial = tempfile.mkstemp(prefix=".part-", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as out, path.open("rb") as file:
                    _copy(file, out, told)
                    out.flush()
                    os.fsync(out.fileno())
                # As a new file of this user would be, so that colleagues can read it.
                Path(partial).chmod(self._mode)
                Path(partial).replace(target)
            finally:
                Path(partial).unlink(missing_ok=True)

    def sent_bytes(self, oid: str, size_bytes: int) -> int:
        return 0

    def remove(self, oids: Collection[str]) -> dict[str, str]:
        kept = {}
        for oid in oids:
            try:
                self._path(oid).unlink(missing_ok=True)
            except OSError as error:
                kept[oid] = str(error.strerror)
        return kept

    def probe_up(self, size_bytes: int) -> float:
        with self._faults("written"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                content = os.urandom(size_bytes)
                began = time.perf_counter()
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                return time.perf_counter() - began

    def probe_down(self, oid: str, size_bytes: int) -> tuple[int, float]:
        began = time.perf_counter()
        with self._faults("read"), self._path(oid).open("rb") as file:
            return len(file.read(size_bytes)), time.perf_counter() - began

    def describe(self, oid: str) -> str:
        return str(self._path(oid))

    def _path(self, oid: str) -> Path:
        return self.folder / key(oid)

    @contextmanager
    def _faults(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                "folder",
                f"the remote's folder could not be {what}: {error.strerror}: {error.filename or self.folder}",
                where=self.where,
                mend="mount it, make room or get the rights on it, then run it again: it continues",
            ) from error


def spread(jobs: int, call: Callable[[str], dict[str, int]], names: Collection[str]) -> dict[str, int]:
    """What a call answers for each of several names, asked at once, as one."""
    with ThreadPoolExecutor(jobs) as pool:
        return {oid: size for part in pool.map(call, names) for oid, size in part.items()}


def folders_of(oids: Collection[str]) -> list[str] | None:
    """The two-letter folders that hold the objects; None if listing all is less work."""
    return sorted({oid[:2] for oid in oids}) if len(oids) <= _FEW else None


def _copy(source: BinaryIO, target: BinaryIO, told: Told) -> None:
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        told(len(chunk))


def _sweep(folder: Path) -> None:
    """Remove what pushes that were killed left there, if it is old enough to be nobody's."""
    for path in folder.glob(".part-*"):
        if path.stat().st_mtime < time.time() - 86400:
            path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def free_bytes(folder: Path) -> int:
    """Free space where a folder is or would be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free

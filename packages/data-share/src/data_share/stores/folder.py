"""The remote that is a folder: a shared drive, or the default one in the repository."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from data_share.records.objects import OBJECTS_FOLDER, object_key, oid_of
from data_share.stores.store import CHUNK_BYTES, ListingCost, OnSent, Probe
from s3_access import StoreError

_PARTIAL_PREFIX = ".part-"
# A partial file of this age belongs to no running push.
_ABANDONED_S = 86400
# Clocks of shared drives are often some minutes off.
_MAX_CLOCK_DIFFERENCE_S = 43200


class FolderStore:
    """A folder with the same layout as DVC's cache."""

    jobs = 4
    is_link = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)
        self._mode = 0o666 & ~_umask()

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        with self._faults("read"):
            return {oid: status.st_size for oid in oids if (status := _status(self._path(oid)))}

    def all_sizes(self) -> dict[str, int]:
        with self._faults("read"):
            return {oid: status.st_size for oid, status in self._objects()}

    def recent(self, age_s: float) -> set[str]:
        self._require_same_clock()
        oldest = time.time() - age_s
        with self._faults("read"):
            return {oid for oid, status in self._objects() if status.st_mtime > oldest}

    def read(self, oid: str) -> bytes:
        with self._faults("read"):
            return self._path(oid).read_bytes()

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        with self._faults("read"), self._path(oid).open("rb") as file:
            file.seek(offset)
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def put(self, oid: str, path: Path, on_sent: OnSent) -> None:
        target = self._path(oid)
        with self._faults("written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target.parent)
            handle, partial = tempfile.mkstemp(prefix=_PARTIAL_PREFIX, dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as out, path.open("rb") as file:
                    _copy(file, out, on_sent)
                    out.flush()
                    os.fsync(out.fileno())
                # mkstemp gives a file to its user alone; colleagues must be able to read this one.
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

    def probe_up(self, size_bytes: int) -> Probe:
        # Measuring does not create the folder: the nearest one that exists is on the same disk.
        with self._faults("written"), tempfile.TemporaryFile(dir=self.existing_folder()) as file:
            content = os.urandom(size_bytes)
            started = time.perf_counter()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            return Probe(size_bytes=size_bytes, duration_s=time.perf_counter() - started)

    def probe_down(self, oid: str, size_bytes: int) -> Probe:
        started = time.perf_counter()
        with self._faults("read"), self._path(oid).open("rb") as file:
            read_bytes = len(file.read(size_bytes))
        return Probe(size_bytes=read_bytes, duration_s=time.perf_counter() - started)

    def listing_cost(self, oids: Collection[str], *, added: int) -> ListingCost:
        # A folder has no rate, and no requests.
        return ListingCost()

    @contextmanager
    def trial_puts(self) -> Iterator[Callable[[str, Path], None]]:
        yield lambda _oid, _path: None

    def describe(self, oid: str) -> str:
        return str(self._path(oid))

    def free_bytes(self) -> int:
        """Free space where the folder is or will be."""
        return shutil.disk_usage(self.existing_folder()).free

    def existing_folder(self) -> Path:
        """The folder, or the nearest one above it that exists."""
        return next(folder for folder in (self.folder, *self.folder.parents) if folder.exists())

    def _path(self, oid: str) -> Path:
        return self.folder / object_key(oid)

    def _objects(self) -> Iterator[tuple[str, os.stat_result]]:
        for path in (self.folder / OBJECTS_FOLDER).glob("??/*"):
            if (oid := oid_of(path.as_posix())) and (status := _status(path)):
                yield oid, status

    def _require_same_clock(self) -> None:
        """Check that this machine and the machine of the folder agree on the time; ages mean nothing otherwise."""
        try:
            # A file without a name: it leaves nothing behind.
            with tempfile.TemporaryFile(dir=self.existing_folder()) as file:
                difference_s = time.time() - os.fstat(file.fileno()).st_mtime
        except OSError:
            # The user may only read the folder, so nothing will be removed.
            return
        if abs(difference_s) > _MAX_CLOCK_DIFFERENCE_S:
            direction = "ahead of" if difference_s > 0 else "behind"
            raise StoreError(
                "clock",
                f"the clock of this machine is {abs(difference_s) / 86400:,.0f} days {direction} the clock of the"
                " folder, so the age of its objects is unknown; nothing was removed",
                where=self.where,
                fix="set the clock of this machine (`date` shows it), then run it again",
            )

    @contextmanager
    def _faults(self, verb: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                "folder",
                f"the remote's folder could not be {verb}: {error.strerror}: {error.filename or self.folder}",
                where=self.where,
                fix="mount it, make room or get the permission, then run it again: it continues",
            ) from error


def _copy(source: BinaryIO, target: BinaryIO, on_sent: OnSent) -> None:
    while chunk := source.read(CHUNK_BYTES):
        target.write(chunk)
        on_sent(len(chunk))


def _remove_abandoned(folder: Path) -> None:
    """Remove partial files that killed pushes left."""
    for path in folder.glob(f"{_PARTIAL_PREFIX}*"):
        if (status := _status(path)) and status.st_mtime < time.time() - _ABANDONED_S:
            path.unlink(missing_ok=True)


def _status(path: Path) -> os.stat_result | None:
    """The status of a file; None if there is none, or not any more: other pushes rename and remove files meanwhile."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _umask() -> int:
    # The system has no call that only reads it.
    mask = os.umask(0)
    os.umask(mask)
    return mask

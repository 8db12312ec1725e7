"""DVC's cache on this machine, and the digests of files."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_share.errors import FailedError
from data_share.records.objects import OBJECTS_FOLDER, digest_of, md5_of, md5_of_file, object_key, oid_of
from data_share.repository.configuration import cache_folder
from data_share.repository.repository import Repository
from terminal import note


class LocalCache:
    """DVC's cache of a repository.

    Args:
        folder: The folder of the cache.
        memory: File with the digests of files that were hashed before.
    """

    def __init__(self, folder: Path, memory: Path) -> None:
        self.folder = folder
        self._memory = memory
        self._known = _read_digests(memory)

    def path(self, oid: str) -> Path:
        """Where the cache has an object, if it has it."""
        return self.folder / object_key(oid)

    def size_bytes(self, oid: str) -> int | None:
        """The size of a cached object, intact or not; None if it is not cached."""
        try:
            return self.path(oid).stat().st_size
        except OSError:
            return None

    def recent(self, age_s: float) -> set[str]:
        """The objects that were added within this many last seconds."""
        oldest = time.time() - age_s
        found = set()
        for path in (self.folder / OBJECTS_FOLDER).glob("??/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                # DVC moves files here with their old time of modification.
                if max(stat.st_mtime, stat.st_ctime) > oldest and (oid := oid_of(path.as_posix())):
                    found.add(oid)
        return found

    def partial(self, oid: str) -> Path:
        """Where an object is while it is fetched; the next fetch continues a file that an interruption left there."""
        return self.folder / "parts" / oid

    def partial_bytes(self, oid: str) -> int:
        """How much of an object an interrupted fetch left."""
        try:
            return self.partial(oid).stat().st_size
        except OSError:
            return 0

    def has_intact(self, oid: str) -> bool:
        """Whether the cache has the object, with the content that its name promises."""
        return self.digest(self.path(oid)) == digest_of(oid)

    def folder_list(self, oid: str) -> bytes | None:
        """The list of a folder's files; None if the cache does not have it intact."""
        try:
            content = self.path(oid).read_bytes()
        except OSError:
            return None
        return content if md5_of(content) == digest_of(oid) else None

    def digest(self, path: Path) -> str | None:
        """The MD5 of a file; None if the file does not exist.

        A file is hashed again only if its size, inode or one of its times changed. A program can set the time of
        modification, but not that of the last change.
        """
        try:
            stat = path.stat()
            if not path.is_file():
                return None
            facts = [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]
            known = self._known.get(str(path))
            if known is None or known[:-1] != facts:
                self._known[str(path)] = [*facts, md5_of_file(path)]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FailedError(f"{path} cannot be read: {error.strerror}") from error
        return str(self._known[str(path)][-1])

    def read_digest(self, path: Path) -> str | None:
        """The MD5 of what the file contains now; None if the file does not exist."""
        self._known.pop(str(path), None)
        return self.digest(path)

    def add_fetched(self, oid: str, partial: Path) -> None:
        """Move a complete partial file to its place in the cache, read-only as DVC keeps it."""
        target = self.path(oid)
        with self.writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.chmod(0o444)
            partial.replace(target)

    def add_copy(self, oid: str, source: Path) -> None:
        """Copy a file of the working tree into the cache.

        Raises:
            FailedError: The content of the file is not that of the object.
        """
        partial = self.partial(oid)
        with self.writing(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, partial)
        if md5_of_file(partial) != digest_of(oid):
            partial.unlink()
            self._known.pop(str(source), None)
            self.save_digests()
            raise FailedError(f"{source} changed since it was hashed; run it again")
        self.add_fetched(oid, partial)

    def save_digests(self) -> None:
        """Remember the digests for the next run; if that fails, the next run hashes again."""
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            partial = self._memory.with_name(f".{self._memory.name}.{os.getpid()}")
            partial.write_text(json.dumps(self._known))
            partial.replace(self._memory)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let only one transfer at a time work on this cache; others wait.

        A cache that this user may only read needs no lock: what must be written fails when it is written.
        """
        parts = self.folder / "parts"
        try:
            with self.writing(parts):
                parts.mkdir(parents=True, exist_ok=True)
                file = (parts / ".lock").open("w")
        except FailedError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            yield
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note("waiting for another transfer, which is using this cache")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Explain a failure to write.

        Raises:
            FailedError: The disk is full, or the system refuses.
        """
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FailedError(
                    f"the disk is full: {path} could not be written.\n"
                    "  Make room (`invoke data.gc --local --days 0` removes what no branch needs), then run it again:"
                    " it continues."
                ) from error
            raise FailedError(f"{error.filename or path} cannot be written: {error.strerror}") from error


def open_cache(repository: Repository) -> LocalCache:
    """DVC's cache of a repository."""
    return LocalCache(cache_folder(repository.root), repository.own_folder / "digests.json")


def _read_digests(memory: Path) -> dict[str, list[int | str]]:
    try:
        content = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

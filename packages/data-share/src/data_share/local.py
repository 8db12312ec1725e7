"""The objects that are here: DVC's cache, and files of the working tree that have the same content."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_share.errors import DiskFullError, FileAccessError
from data_share.objects import digest_of, key, md5_of, md5_of_file


class LocalObjects:
    """DVC's cache of a repository.

    Args:
        cache: The cache's folder.
        memory: File in which digests of unchanged files are kept.
    """

    def __init__(self, cache: Path, memory: Path) -> None:
        self.cache = cache
        self._memory = memory
        self._known = _read_known(memory)

    def path(self, oid: str) -> Path:
        return self.cache / key(oid)

    def partial(self, oid: str) -> Path:
        """Where an object is while it is fetched; what an interruption leaves there is used by the next fetch."""
        return self.cache / "parts" / oid

    def partial_bytes(self, oid: str) -> int:
        try:
            return self.partial(oid).stat().st_size
        except OSError:
            return 0

    def is_whole(self, oid: str) -> bool:
        """Whether the cache has the object with the content that its name says."""
        return self.digest(self.path(oid)) == digest_of(oid)

    def folder_list(self, oid: str) -> bytes | None:
        """A folder's list, if the cache has it whole."""
        try:
            content = self.path(oid).read_bytes()
        except OSError:
            return None
        return content if md5_of(content) == digest_of(oid) else None

    def digest(self, path: Path) -> str | None:
        """MD5 of a file, remembered while size, inode and time of change stay; None if there is no such file."""
        try:
            stat = path.stat()
            if not path.is_file():
                return None
            facts = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
            known = self._known.get(str(path))
            if known is None or known[:3] != facts:
                self._known[str(path)] = [*facts, md5_of_file(path)]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileAccessError(f"{path} cannot be read: {error.strerror}") from error
        return str(self._known[str(path)][3])

    def keep(self, oid: str, partial: Path) -> None:
        """Make a whole partial file the object, as DVC keeps it: for reading only."""
        target = self.path(oid)
        with self.writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.chmod(0o444)
            partial.replace(target)

    def copy_in(self, oid: str, source: Path) -> bool:
        """Put a file of the working tree into the cache.

        Returns:
            False if its content is not the object's any more.
        """
        partial = self.partial(oid)
        with self.writing(partial):
            partial.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, partial)
        if md5_of_file(partial) != digest_of(oid):
            partial.unlink()
            return False
        self.keep(oid, partial)
        return True

    def remember(self) -> None:
        """Write down the digests; that it cannot be done is no reason to fail."""
        with suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            partial = self._memory.with_name(f".{self._memory.name}.{os.getpid()}")
            partial.write_text(json.dumps(self._known))
            partial.replace(self._memory)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Only one transfer works on this cache at a time; the others wait."""
        parts = self.cache / "parts"
        with self.writing(parts):
            parts.mkdir(parents=True, exist_ok=True)
            file = (parts / ".lock").open("w")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("another transfer is at work on this cache; waiting for it", file=sys.stderr)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Say what a failure to write means."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(str(path)) from error
            raise FileAccessError(f"{error.filename or path} cannot be written: {error.strerror}") from error


def _read_known(memory: Path) -> dict[str, list[int | str]]:
    try:
        content = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

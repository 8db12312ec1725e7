"""A folder as the place of raw files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_convert.errors import SourceError
from data_convert.storage.local_file import LocalFile


@dataclass(frozen=True)
class SourceFolder:
    """The files below a folder. Links are followed."""

    folder: Path

    @property
    def where(self) -> str:
        return str(self.folder)

    @property
    def is_single_file(self) -> bool:
        return self.folder.is_file()

    def names(self) -> Iterator[str]:
        for parent, folders, files in os.walk(self.folder, followlinks=True, onerror=_raise_unreadable):
            here = Path(parent).resolve()
            inner = ((name, (here / name).resolve()) for name in folders if not name.startswith("."))
            # A link to one of its own parent folders would be followed forever.
            folders[:] = sorted(name for name, path in inner if path != here and path not in here.parents)
            below = Path(parent).relative_to(self.folder)
            yield from ((below / name).as_posix() for name in files)

    def file(self, name: str) -> LocalFile:
        path = self.folder / name
        if not name.isprintable() and any("\udc80" <= character <= "\udcff" for character in name):
            raise SourceError(repr(str(path)), "the file name is not valid UTF-8. Rename it.")
        try:
            found = path.stat()
        except FileNotFoundError:
            raise SourceError(path, "cannot be read: it is a link to a file that does not exist") from None
        except OSError as error:
            raise SourceError(path, f"cannot be read: {error.strerror or error}") from error
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(path, "is not a file with content (it is a pipe, a socket or a device). Move it away.")
        return LocalFile(path=path, size_bytes=found.st_size)


def _raise_unreadable(error: OSError) -> None:
    # Without this, os.walk would skip a folder that cannot be read, and its files would be lost.
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise SourceError(error.filename, f"the folder cannot be read: {error.strerror}") from error

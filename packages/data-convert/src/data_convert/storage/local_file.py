"""Files of a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from data_convert.errors import SourceChangedError


@dataclass(frozen=True, kw_only=True)
class LocalFile:
    """A file on this machine."""

    path: Path
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> Self:
        """The file at `path`, which must exist."""
        return cls(path=path, size_bytes=path.stat().st_size)

    @property
    def where(self) -> str:
        return str(self.path)

    @property
    def version(self) -> None:
        """None: only reading the file shows that its content changed."""

    def open(self) -> OpenedLocalFile:
        return OpenedLocalFile(self.path)


class OpenedLocalFile:
    """A file that is open, and its identity at that moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.raw = path.open("rb", buffering=0)
        self._stat = os.fstat(self.raw.fileno())

    @property
    def size_bytes(self) -> int:
        return self._stat.st_size

    def check_unchanged(self) -> None:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            raise SourceChangedError(self._path) from None
        if _identity(now) != _identity(self._stat):
            raise SourceChangedError(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.raw.close()


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns

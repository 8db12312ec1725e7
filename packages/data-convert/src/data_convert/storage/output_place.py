"""Where a dataset's parts and rejects files are written: a folder, or a prefix of a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

CheckStop: TypeAlias = Callable[[], None]
"""Raises an error once the user has interrupted the work."""


def keep_going() -> None:
    """A `CheckStop` for work that is not interrupted."""


@dataclass(frozen=True, kw_only=True)
class OutputFile:
    """A complete file of an output place.

    Attributes:
        name: Its path below the place, with forward slashes.
        version: The ETag of an object; None for a file of a folder.
    """

    name: str
    size_bytes: int
    version: str | None = None


class PendingFile(Protocol):
    """A file while it is written. It appears under its name once it is complete, and not before.

    Attributes:
        where: Path or URL of the complete file, for messages.
        size_bytes: Bytes written so far.
    """

    where: str
    size_bytes: int

    def write(self, data: bytes | memoryview) -> int:
        """Append all of the bytes. After `discard` they are ignored."""

    def flush(self) -> None:
        """Make everything that was written durable; nothing may be written afterwards."""

    def complete(self) -> None:
        """Make the file appear, in place of an earlier one of its name."""

    def discard(self) -> None:
        """Remove what was written, unless the file is complete."""


class OutputPlace(Protocol):
    """A folder or a prefix. Places are values: they can be compared, and sent to another process.

    Attributes:
        where: Path or URL, for messages.
    """

    @property
    def where(self) -> str: ...

    def where_is(self, name: str) -> str:
        """Path or URL of a file, for messages."""

    def pending(self, name: str, *, check_stop: CheckStop = keep_going) -> PendingFile:
        """A new file, which replaces the one of this name once it is complete.

        Args:
            check_stop: Called while the file waits for a server; what it raises ends the wait.
        """

    def files(self) -> Mapping[str, OutputFile]:
        """The complete files of the place by name, sorted; none if the place does not exist."""

    def open(self, file: OutputFile) -> BinaryIO:
        """The bytes of a file, which can be read at any position.

        Raises:
            OSError: It cannot be read.
        """

    def remove(self, names: Iterable[str]) -> None:
        """Remove files. Those that do not exist are ignored."""

    def remove_leftovers(self) -> None:
        """Remove what a killed conversion left of incomplete files."""

    def exclusive_use(self) -> AbstractContextManager[None]:
        """Keep a second conversion of this machine out for as long as the block runs.

        Raises:
            DataConvertError: Another conversion writes there.
        """

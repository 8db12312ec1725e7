"""A raw file wherever it is: what is known of it before it is opened, and its bytes."""

from __future__ import annotations

from io import RawIOBase
from types import TracebackType
from typing import Protocol, Self


class OpenedFile(Protocol):
    """A file that is open for reading.

    Attributes:
        raw: The bytes, unbuffered. They can be read from any place.
        size_bytes: The size of the file when it was opened.
    """

    @property
    def raw(self) -> RawIOBase: ...

    @property
    def size_bytes(self) -> int: ...

    def check_unchanged(self) -> None:
        """Check that the file is still the one that was opened.

        Raises:
            SourceChangedError: It was replaced, changed or removed.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class StoredFile(Protocol):
    """A file that can be opened. It is a value: it can be compared, and sent to another process.

    Attributes:
        where: Path or URL, for messages.
        size_bytes: Its size when it was listed, compressed or not.
        version: The ETag of an object; None for a file of a folder.
    """

    @property
    def where(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def version(self) -> str | None: ...

    def open(self) -> OpenedFile:
        """Open the file.

        Raises:
            OSError: It cannot be read.
        """

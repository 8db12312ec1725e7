"""Where the raw files of a dataset are: a folder, or a prefix of a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from data_convert.storage.source_bucket import SourceBucket
from data_convert.storage.source_folder import SourceFolder
from data_convert.storage.stored_file import StoredFile
from s3_access import is_s3_url


class SourcePlace(Protocol):
    """A folder or a prefix.

    Attributes:
        where: Path or URL, for messages.
    """

    @property
    def where(self) -> str: ...

    @property
    def is_single_file(self) -> bool:
        """Whether it is one file, and so has no files below it."""

    def names(self) -> Iterator[str]:
        """The names of all files in any depth, with forward slashes; those in hidden folders are left out.

        Raises:
            SourceError: A folder cannot be read.
            StoreError: The server refuses the listing, or cannot be reached.
        """

    def file(self, name: str) -> StoredFile:
        """The file of this name.

        Raises:
            SourceError: It cannot be a raw file.
        """


def source_place(data_folder: Path, source: str) -> SourceFolder | SourceBucket:
    """The place of `source` in datasets.toml.

    Args:
        data_folder: Folder of datasets.toml.
        source: A path relative to it, or an URL.
    """
    return SourceBucket(source) if is_s3_url(source) else SourceFolder(data_folder / source)

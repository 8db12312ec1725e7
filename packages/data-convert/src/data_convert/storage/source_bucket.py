"""A prefix of a bucket as the place of raw files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from data_convert.errors import SourceError
from data_convert.storage.bucket_object import BucketObject
from data_convert.storage.object_listing import list_objects
from data_convert.storage.object_state import current_object
from s3_access import S3_SCHEME, bucket_address

_NO_NAMES: Final = frozenset(("", ".", ".."))


class SourceBucket:
    """The objects below a prefix, as one listing has them.

    Raises:
        S3AccessError: The text is no URL of a bucket.
    """

    def __init__(self, url: str) -> None:
        self._address = bucket_address(url)
        self._objects: dict[str, BucketObject] = {}

    @property
    def where(self) -> str:
        return self._address.url

    @property
    def is_single_file(self) -> bool:
        return bool(self._address.prefix) and current_object(self.where) is not None

    def names(self) -> Iterator[str]:
        for found in list_objects(self.where):
            if any(folder.startswith(".") and folder not in _NO_NAMES for folder in found.name.split("/")[:-1]):
                continue
            self._objects[found.name] = BucketObject(
                bucket=self._address.bucket,
                key=f"{self._address.prefix}{found.name}",
                size_bytes=found.size_bytes,
                version=found.version,
            )
            yield found.name

    def file(self, name: str) -> BucketObject:
        found = self._objects[name]
        # The name of a part is made of it, and that could lead out of the output folder.
        if _NO_NAMES.intersection(name.split("/")) or "\0" in name:
            where = f"{S3_SCHEME}{found.bucket}/{found.key}"
            raise SourceError(
                repr(where), "the key has an empty name, '.' or '..' between its slashes, or a zero byte. Rename it."
            )
        return found

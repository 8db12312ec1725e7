"""A prefix of a bucket as the place of parts or rejects files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from data_convert.errors import OutputError
from data_convert.storage.object_listing import list_begun_uploads, list_objects
from data_convert.storage.object_upload import ObjectUpload
from data_convert.storage.output_folder import locked
from data_convert.storage.output_place import CheckStop, OutputFile, keep_going
from data_convert.storage.ranged_object import RangedObject
from s3_access import BucketAddress, StoreError, bucket_address, shared_session

# The limit of the S3 API for one request.
_MAX_DELETIONS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class OutputBucket:
    """The objects of one ending below a prefix.

    Attributes:
        url: `s3://BUCKET/PREFIX`.
        suffix: The ending of all names.
    """

    url: str
    suffix: str

    @property
    def where(self) -> str:
        return self.url

    @property
    def address(self) -> BucketAddress:
        """Bucket and prefix."""
        return bucket_address(self.url)

    def where_is(self, name: str) -> str:
        return f"{self.url}/{name}"

    def pending(self, name: str, *, check_stop: CheckStop = keep_going) -> ObjectUpload:
        return ObjectUpload(self.address.bucket, self._key(name), check_stop)

    def files(self) -> Mapping[str, OutputFile]:
        return {name: file for name, file in self.all_files().items() if name.endswith(self.suffix)}

    def all_files(self) -> Mapping[str, OutputFile]:
        """All objects below the prefix, with any ending."""
        listed = (
            OutputFile(name=found.name, size_bytes=found.size_bytes, version=found.version)
            for found in list_objects(self.url)
        )
        return {file.name: file for file in listed}

    def open(self, file: OutputFile) -> BinaryIO:
        return cast(
            BinaryIO,
            RangedObject(
                self.address.bucket, self._key(file.name), size_bytes=file.size_bytes, version=file.version or ""
            ),
        )

    def remove(self, names: Iterable[str]) -> None:
        session, keys = shared_session(self.url), [{"Key": self._key(name)} for name in names]
        for start in range(0, len(keys), _MAX_DELETIONS):
            request = {"Objects": keys[start : start + _MAX_DELETIONS], "Quiet": True}
            with session.faults("DeleteObjects", where=self.url):
                answer = session.client.delete_objects(Bucket=self.address.bucket, Delete=request)
            for error in answer.get("Errors", []):
                raise _kept(self.address.bucket, error)

    def remove_leftovers(self) -> None:
        session = shared_session(self.url)
        for upload in list_begun_uploads(self.url):
            if upload.name.endswith(self.suffix):
                target = {"Bucket": self.address.bucket, "Key": upload.key, "UploadId": upload.upload_id}
                with suppress(StoreError), session.faults("AbortMultipartUpload", where=self.url):
                    session.client.abort_multipart_upload(**target)

    @contextmanager
    def exclusive_use(self) -> Iterator[None]:
        # S3 has no locks. Conversions on two machines do not damage an object, because each appears at once, but one
        # of them may abort the uploads of the other.
        name = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"shrinkwrap-{os.getuid()}-{name}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(path, error) from error
        with locked(descriptor, self.where):
            yield

    def _key(self, name: str) -> str:
        return f"{self.address.prefix}{name}"


def _kept(bucket: str, error: Mapping[str, str]) -> StoreError:
    where = f"s3://{bucket}/{error.get('Key', '')}"
    problem = f"an object cannot be removed: {error.get('Code', '')} {error.get('Message', '')}".strip()
    fix = "use credentials that may delete it (s3:DeleteObject), and run it again"
    return StoreError("denied", problem, where=where, action="s3:DeleteObject", fix=fix, place="address")

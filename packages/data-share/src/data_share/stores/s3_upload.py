"""Uploading a file to a bucket: in one request, or in parts that an interrupted push can continue."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from data_share.stores.begun_uploads import BegunUpload, BegunUploads
from data_share.stores.store import CHUNK_BYTES, OnSent
from s3_access import BucketSession, StoreError

# Larger files are uploaded in parts, so that a lost connection costs one part.
PART_BYTES = 16 * 1024 * 1024


class S3Uploader:
    """Uploads files to one bucket.

    Args:
        extra: Arguments of every upload, such as those for encryption.
        begun: Uploads that earlier pushes began.
    """

    def __init__(self, session: BucketSession, *, extra: Mapping[str, str], begun: BegunUploads) -> None:
        self._session = session
        self._bucket = session.remote.bucket
        self._extra = dict(extra)
        self._begun = begun

    def put(self, key: str, path: Path, on_sent: OnSent, *, md5: str) -> None:
        """Upload a file; the server compares it with its MD5."""
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            if size_bytes > PART_BYTES:
                self._put_in_parts(key, file, size_bytes, on_sent)
                return
            digest = base64.b64encode(bytes.fromhex(md5)).decode()
            body = FileSlice(file, 0, size_bytes, on_sent)
            where: dict[str, Any] = {"Bucket": self._bucket, "Key": key, **self._extra}
            with self._session.faults("PutObject"):
                self._client.put_object(**where, Body=body, ContentMD5=digest)

    def sent_bytes(self, key: str, size_bytes: int) -> int:
        """How much of a file an interrupted push has uploaded."""
        upload = self._begun.find(self._url(key), size_bytes=size_bytes, part_bytes=PART_BYTES)
        return upload.sent_bytes if upload else 0

    def begin(self, key: str) -> str:
        """Begin a multipart upload; returns its name."""
        with self._session.faults("CreateMultipartUpload"):
            answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **self._extra)
        return str(answer["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, body: Any, **headers: str) -> str:
        """Upload one part, counted from 1; returns its ETag."""
        where = {"Bucket": self._bucket, "Key": key, "UploadId": upload_id}
        with self._session.faults("UploadPart"):
            return str(self._client.upload_part(**where, PartNumber=number, Body=body, **headers)["ETag"])

    def put_trial_part(self, key: str, upload_id: str, number: int, path: Path, *, md5: str) -> None:
        """Upload a small file as a part, with the same work as `put`."""
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            body = FileSlice(file, 0, size_bytes, lambda _: None)
            self.put_part(key, upload_id, number, body, ContentMD5=base64.b64encode(bytes.fromhex(md5)).decode())

    def abort(self, key: str, upload_id: str) -> None:
        """Abort an upload; the server removes its parts."""
        with self._session.faults("AbortMultipartUpload"):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    def _put_in_parts(self, key: str, file: BinaryIO, size_bytes: int, on_sent: OnSent) -> None:
        url = self._url(key)
        begun = self._begun.find(url, size_bytes=size_bytes, part_bytes=PART_BYTES)
        try:
            self._continue(key, file, begun or self._new_upload(key, size_bytes), on_sent)
        except StoreError as error:
            if begun is None or error.kind != "gone":
                raise
            # The bucket aborted the upload in the meantime.
            self._begun.forget(url)
            self._continue(key, file, self._new_upload(key, size_bytes), on_sent)

    def _new_upload(self, key: str, size_bytes: int) -> BegunUpload:
        return BegunUpload(
            upload_id=self.begin(key), size_bytes=size_bytes, part_bytes=PART_BYTES, etags=(), at=time.time()
        )

    def _continue(self, key: str, file: BinaryIO, upload: BegunUpload, on_sent: OnSent) -> None:
        """Upload the parts that the server does not have, then complete the upload."""
        url = self._url(key)
        try:
            for start in range(len(upload.etags) * PART_BYTES, upload.size_bytes, PART_BYTES):
                etag = self._put_file_part(key, upload, file, start, on_sent)
                upload = replace(upload, etags=(*upload.etags, etag), at=time.time())
                self._begun.save(url, upload)
            parts = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(upload.etags, start=1)]
            where = {"Bucket": self._bucket, "Key": key, "UploadId": upload.upload_id}
            with self._session.faults("CompleteMultipartUpload"):
                self._client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        except StoreError as error:
            # Other faults may pass, and the upload continues then; a refusal stays one.
            if error.kind in ("denied", "refused"):
                self._begun.forget(url)
                with suppress(StoreError):
                    self.abort(key, upload.upload_id)
            raise
        self._begun.forget(url)

    def _put_file_part(self, key: str, upload: BegunUpload, file: BinaryIO, start: int, on_sent: OnSent) -> str:
        length = min(PART_BYTES, upload.size_bytes - start)
        # In pieces: many parts are hashed at the same time.
        hashed = hashlib.md5(usedforsecurity=False)
        file.seek(start)
        for at in range(0, length, CHUNK_BYTES):
            hashed.update(file.read(min(CHUNK_BYTES, length - at)))
        digest = base64.b64encode(hashed.digest()).decode()
        body = FileSlice(file, start, length, on_sent)
        return self.put_part(key, upload.upload_id, len(upload.etags) + 1, body, ContentMD5=digest)

    @property
    def _client(self) -> Any:
        return self._session.client

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"


class FileSlice(io.RawIOBase):
    """A stretch of a file as the body of a request; it reports the bytes that are sent.

    botocore reads a body once to sign it; these bytes are not sent. `watch_sending` marks the difference.
    """

    def __init__(self, file: BinaryIO, start: int, length: int, on_sent: OnSent) -> None:
        super().__init__()
        self._file, self._start, self._length, self._on_sent = file, start, length, on_sent
        self._at = 0
        self._sent = 0
        self.is_sending = False

    def __len__(self) -> int:
        return self._length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        left = self._length - self._at
        self._file.seek(self._start + self._at)
        chunk = self._file.read(left if size < 0 else min(size, left))
        self._at += len(chunk)
        if self.is_sending:
            # A repeated request sends the same bytes again; they count once, but the transfer can still be stopped.
            new_bytes = max(0, self._at - self._sent)
            self._on_sent(new_bytes)
            self._sent += new_bytes
        return chunk

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence] + offset
        return self._at


def watch_sending(client: Any) -> None:
    """Make a client of botocore mark each `FileSlice` while it is sent, and not while it is signed."""
    client.meta.events.register_first("request-created.s3", _mark_signing)
    client.meta.events.register_last("request-created.s3", _mark_sending)


def _mark_signing(request: Any, **_: Any) -> None:
    if isinstance(request.body, FileSlice):
        request.body.is_sending = False


def _mark_sending(request: Any, **_: Any) -> None:
    if isinstance(request.body, FileSlice):
        request.body.is_sending = True

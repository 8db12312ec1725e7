"""An object while it is written: it appears once all of it has been uploaded, and not before."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Final

from data_convert.storage.output_place import CheckStop, keep_going
from data_convert.storage.patience import with_patience
from s3_access import BucketSession, StoreError, shared_session

SINGLE_BYTES: Final = 8 << 20
"""A shorter object is uploaded in one request."""

PART_BYTES: Final = 16 << 20
_IN_FLIGHT: Final = 2
_CHECK_EVERY_S: Final = 0.2
_PARTS_PER_SIZE: Final = 1000
"""The parts get longer after this many, because an object may have 10,000: with 16 MiB it would end at 160 GB."""


class ObjectUpload:
    """A new object: one request if it is short, else a multipart upload with at most two parts in flight."""

    def __init__(self, bucket: str, key: str, check_stop: CheckStop = keep_going) -> None:
        self.where = f"s3://{bucket}/{key}"
        self.size_bytes = 0
        self._check_stop = check_stop
        self._target = {"Bucket": bucket, "Key": key}
        self._buffer = bytearray()
        self._upload_id = ""
        self._sending: deque[Future[tuple[str, bytes]]] = deque()
        self._sent: list[tuple[str, bytes]] = []
        self._senders: ThreadPoolExecutor | None = None
        self._is_over = False

    def write(self, data: bytes | memoryview) -> int:
        view = memoryview(data).cast("B")
        if not self._is_over:
            self._buffer += view
            self.size_bytes += len(view)
            while len(self._buffer) >= self._part_bytes:
                self._send(self._part_bytes)
        return len(view)

    @property
    def _part_bytes(self) -> int:
        count = len(self._sent) + len(self._sending)
        return PART_BYTES << (count // _PARTS_PER_SIZE)

    def flush(self) -> None:
        if self._upload_id or len(self._buffer) >= SINGLE_BYTES:
            if self._buffer:
                self._send(len(self._buffer))
            while self._sending:
                self._await_part()

    def complete(self) -> None:
        self.flush()
        if self._upload_id:
            self._complete_upload()
        else:
            self._put()
        self._is_over = True
        self._stop_senders()

    def discard(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._buffer = bytearray()
        for future in self._sending:
            future.cancel()
        # A part that arrives after the abort would stay on the server.
        self._stop_senders()
        if self._upload_id:
            # If the server cannot be reached, the next conversion aborts the upload.
            with suppress(StoreError), self._session.faults("AbortMultipartUpload", where=self.where):
                self._session.client.abort_multipart_upload(**self._target, UploadId=self._upload_id)

    @property
    def _session(self) -> BucketSession:
        return shared_session(self.where)

    def _request(self, operation: str, method: str, **arguments: Any) -> Any:
        def send() -> Any:
            with self._session.faults(operation, where=self.where):
                return getattr(self._session.client, method)(**self._target, **arguments)

        return with_patience(send, self._check_stop)

    def _put(self) -> None:
        body = bytes(self._buffer)
        self._request("PutObject", "put_object", Body=body, ContentMD5=_base64(_md5(body)))

    def _send(self, size_bytes: int) -> None:
        """Start to upload the first bytes of the buffer as the next part; wait for an earlier one if two are sent."""
        if not self._upload_id:
            answer = self._request("CreateMultipartUpload", "create_multipart_upload")
            self._upload_id = str(answer["UploadId"])
        if self._senders is None:
            self._senders = ThreadPoolExecutor(_IN_FLIGHT)
        if len(self._sending) == _IN_FLIGHT:
            self._await_part()
        body = bytes(self._buffer[:size_bytes])
        del self._buffer[:size_bytes]
        number = len(self._sent) + len(self._sending) + 1
        self._sending.append(self._senders.submit(self._send_part, number, body))

    def _await_part(self) -> None:
        """Wait until the oldest part has been uploaded."""
        while not self._sending[0].done():
            self._check_stop()
            wait([self._sending[0]], timeout=_CHECK_EVERY_S)
        self._sent.append(self._sending.popleft().result())

    def _send_part(self, number: int, body: bytes) -> tuple[str, bytes]:
        """Upload one part; returns its ETag and its MD5."""
        md5 = _md5(body)
        answer = self._request(
            *("UploadPart", "upload_part"),
            UploadId=self._upload_id,
            PartNumber=number,
            Body=body,
            ContentMD5=_base64(md5),
        )
        return str(answer["ETag"]), md5

    def _complete_upload(self) -> None:
        parts = [{"ETag": etag, "PartNumber": number} for number, (etag, _) in enumerate(self._sent, start=1)]
        try:
            self._request(
                *("CompleteMultipartUpload", "complete_multipart_upload"),
                UploadId=self._upload_id,
                MultipartUpload={"Parts": parts},
            )
        except StoreError as error:
            # A repeated request does not find the upload if the first one completed it and its answer was lost.
            if error.kind != "gone" or not self._is_there():
                raise

    def _is_there(self) -> bool:
        """Whether the object is what was uploaded: S3 makes its ETag of the MD5 of its parts."""
        expected = f"{_md5(b''.join(md5 for _, md5 in self._sent)).hex()}-{len(self._sent)}"
        with suppress(StoreError):
            return str(self._request("HeadObject", "head_object")["ETag"]).strip('"') == expected
        return False

    def _stop_senders(self) -> None:
        if self._senders is not None:
            self._senders.shutdown(cancel_futures=True)


def _md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()

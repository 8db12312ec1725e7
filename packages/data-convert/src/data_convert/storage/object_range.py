"""Gets a range of bytes of one version of an object, also if the connection is cut in the middle of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Any, Final

from data_convert.storage.patience import with_patience
from s3_access import BucketSession, StoreError, shared_session

_PIECE_BYTES: Final = 1 << 18
_REPLACED: Final = ("changed", "gone")
"""Kinds of StoreError for a version that does not exist any more."""


@dataclass(frozen=True, kw_only=True)
class ObjectRange:
    """Bytes of one version of an object, from `start` up to but without `stop`.

    Attributes:
        version: The ETag, without quotes.
    """

    bucket: str
    key: str
    version: str
    start: int
    stop: int

    @property
    def where(self) -> str:
        """The object, for messages."""
        return f"s3://{self.bucket}/{self.key}"


def range_bytes(needed: ObjectRange, is_stopped: Event) -> bytes | None:
    """The bytes of the range; None if the object has another version or does not exist any more.

    A connection that is cut is opened again, and continues behind the bytes that have arrived.

    Args:
        is_stopped: Set by a reader that does not need the bytes any more.

    Raises:
        StoreError: The server refuses the request, or could not be reached for more than a minute.
    """
    got = bytearray()
    session = shared_session(f"s3://{needed.bucket}")

    def receive() -> None:
        # Also between two attempts: a command that was interrupted does not end before its threads do.
        if not is_stopped.is_set():
            _receive(session, needed, got)

    try:
        while len(got) < needed.stop - needed.start:
            before = len(got)
            with_patience(receive)
            if is_stopped.is_set():
                return b""
            if len(got) == before:
                raise _short_answer(needed, len(got))
    except StoreError as error:
        if error.kind in _REPLACED:
            return None
        raise
    return bytes(got)


def _receive(session: BucketSession, needed: ObjectRange, got: bytearray) -> None:
    """Append the bytes of one answer. A cut connection is an error only if nothing has arrived."""
    before, start = len(got), needed.start + len(got)
    try:
        with session.faults("GetObject", where=needed.where):
            answer = session.client.get_object(
                Bucket=needed.bucket,
                Key=needed.key,
                Range=f"bytes={start}-{needed.stop - 1}",
                IfMatch=f'"{needed.version}"',
            )
            with closing(answer["Body"]) as body:
                _check_answer(answer, needed, start)
                read: Callable[[int], bytes] = body.read
                while len(got) < needed.stop - needed.start:
                    if not (piece := read(min(_PIECE_BYTES, needed.stop - needed.start - len(got)))):
                        return
                    got += piece
    except StoreError:
        if len(got) == before:
            raise


def _check_answer(answer: Mapping[str, Any], needed: ObjectRange, start: int) -> None:
    """Refuse the answer of a server that ignores `If-Match` or `Range`."""
    if str(answer.get("ETag", "")).strip('"') != needed.version:
        problem = "the object was replaced by another version"
        raise StoreError("changed", problem, where=needed.where, fix="run it again", place="address")
    if start and not str(answer.get("ContentRange", "")).startswith(f"bytes {start}-"):
        raise _short_answer(needed, 0)


def _short_answer(needed: ObjectRange, size_bytes: int) -> StoreError:
    problem = (
        f"the server sent other bytes than the requested range {needed.start}-{needed.stop - 1}"
        f" ({size_bytes:,} of {needed.stop - needed.start:,} bytes)"
    )
    fix = "use a server that supports ranged requests, or repair this one"
    return StoreError("refused", problem, where=needed.where, fix=fix, place="address")

"""Lists the objects of a prefix, and the multipart uploads that were begun below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from data_convert.storage.patience import with_patience
from s3_access import BucketAddress, StoreError, bucket_address, shared_session


@dataclass(frozen=True, kw_only=True)
class ListedObject:
    """One object of a listing.

    Attributes:
        name: Its key without the prefix.
        version: Its ETag, without quotes.
    """

    name: str
    size_bytes: int
    version: str


@dataclass(frozen=True, kw_only=True)
class BegunUpload:
    """A multipart upload that is not complete."""

    name: str
    key: str
    upload_id: str


def list_objects(url: str) -> Iterator[ListedObject]:
    """All objects below a prefix, in the order of their keys; objects that stand for folders are left out.

    Raises:
        StoreError: The server refuses, cannot be reached, or answers without an end.
    """
    address = bucket_address(url)
    for item in _items(address, "ListObjectsV2", "Contents"):
        if (name := str(item["Key"]).removeprefix(address.prefix)) and not name.endswith("/"):
            yield ListedObject(name=name, size_bytes=int(item["Size"]), version=str(item["ETag"]).strip('"'))


def first_names(url: str) -> list[str]:
    """The names of folders and objects in a prefix, from the first thousand of both.

    Raises:
        StoreError: The server refuses, or cannot be reached.
    """
    address, session = bucket_address(url), shared_session(url)
    with session.faults("ListObjectsV2", where=url):
        answer = session.client.list_objects_v2(Bucket=address.bucket, Prefix=address.prefix, Delimiter="/")
    folders = [str(item["Prefix"]) for item in answer.get("CommonPrefixes", [])]
    keys = [str(item["Key"]) for item in answer.get("Contents", [])]
    return [name for key in (*folders, *keys) if (name := key.removeprefix(address.prefix).rstrip("/"))]


def list_begun_uploads(url: str) -> Iterator[BegunUpload]:
    """All uploads below a prefix that are not complete."""
    address = bucket_address(url)
    for item in _items(address, "ListMultipartUploads", "Uploads"):
        key = str(item["Key"])
        yield BegunUpload(name=key.removeprefix(address.prefix), key=key, upload_id=str(item["UploadId"]))


# A page may be empty: a server looks at a limited number of keys for each, and some of these may be deleted.
_MOST_EMPTY_PAGES: Final = 1000

# Operation -> method of the client, and which fields of an answer continue the listing, by the argument that they are.
_METHODS = {"ListObjectsV2": "list_objects_v2", "ListMultipartUploads": "list_multipart_uploads"}
_CONTINUATIONS = {
    "ListObjectsV2": {"ContinuationToken": "NextContinuationToken"},
    "ListMultipartUploads": {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"},
}


def _items(address: BucketAddress, operation: str, field: str) -> Iterator[dict[str, Any]]:
    session = shared_session(address.url)
    arguments: dict[str, Any] = {}
    seen: set[tuple[str, ...]] = set()
    empty_pages = 0

    def page() -> dict[str, Any]:
        with session.faults(operation, where=address.url):
            method = getattr(session.client, _METHODS[operation])
            answer: dict[str, Any] = method(Bucket=address.bucket, Prefix=address.prefix, **arguments)
            return answer

    while True:
        answer = with_patience(page)
        items = answer.get(field, [])
        # Some servers give another token for the same page, so the first item of each page is remembered, too.
        first = (str(items[0]["Key"]), str(items[0].get("UploadId", ""))) if items else None
        empty_pages = 0 if items else empty_pages + 1
        if first in seen or empty_pages > _MOST_EMPTY_PAGES:
            raise _endless(address, operation)
        yield from items
        if not answer.get("IsTruncated"):
            return
        arguments = {name: answer.get(source, "") for name, source in _CONTINUATIONS[operation].items()}
        token = tuple(arguments.values())
        if not any(token) or token in seen:
            raise _endless(address, operation)
        seen |= {token} if first is None else {token, first}


def _endless(address: BucketAddress, operation: str) -> StoreError:
    problem = f"the listing never ends: {operation} answers with a page that it has given before, or with empty ones"
    fix = "use another server, or update it: its answers contradict the protocol of S3"
    return StoreError("endless", problem, where=address.url, fix=fix, place="address")

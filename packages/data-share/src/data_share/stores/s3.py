"""The remote that is a bucket, on AWS or on another server that speaks S3."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from data_share.records.objects import OBJECTS_FOLDER, digest_of, object_key, oid_of
from data_share.remotes.remotes import Remote
from data_share.stores.begun_uploads import BegunUploads
from data_share.stores.s3_upload import S3Uploader, watch_sending
from data_share.stores.store import CHUNK_BYTES, ListingCost, OnSent, Probe
from s3_access import BucketSession, StoreError

_PROBE_KEY = ".shrinkwrap-probe"
# One stream alone seldom fills a link, and a transfer has several.
_PROBE_STREAMS, _PROBE_SHARE_BYTES = 4, 16 * 1024
# Up to this number of objects, listing their folders one by one is faster than listing all objects.
_MAX_FOLDER_LISTINGS = 64
# The limits of the S3 API.
_MAX_DELETIONS = _PAGE_OBJECTS = 1000
_EXTRA_ARGUMENTS = {"sse": "ServerSideEncryption", "sse_kms_key_id": "SSEKMSKeyId", "acl": "ACL"}


@dataclass(frozen=True, kw_only=True)
class ListingSample:
    """The answer to a short listing.

    Attributes:
        region: The bucket's region, as the server names it or as it is set.
        key: The key of an object that is not empty; None if the listing has none.
    """

    region: str
    key: str | None


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of an object in a bucket that keeps versions.

    Attributes:
        is_latest: It is the present version.
        is_delete_marker: It has no content: since then, the object is deleted.
    """

    key: str
    version_id: str
    size_bytes: int
    modified: datetime
    is_latest: bool
    is_delete_marker: bool


class S3Store:
    """A bucket's prefix.

    Args:
        memory: File that remembers begun uploads, so that the next push continues them.
    """

    # Small objects wait for answers most of the time. A large one needs no more memory than a small one.
    jobs = 32
    is_link = True

    def __init__(self, remote: Remote, *, memory: Path) -> None:
        self.remote = remote
        self.where = remote.url
        self.session = BucketSession(remote, connections=2 * self.jobs)
        extra = {
            name: remote.settings[option] for option, name in _EXTRA_ARGUMENTS.items() if remote.settings.get(option)
        }
        self._listed_objects = 0
        self._uploader = S3Uploader(self.session, extra=extra, begun=BegunUploads(memory))

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        folders = sorted({oid[:2] for oid in oids})
        if len(oids) > _MAX_FOLDER_LISTINGS:
            found = self.all_sizes()
        else:
            # Threads can share a client of botocore, but not create one.
            _ = self._client
            with ThreadPoolExecutor(self.jobs) as pool:
                listings = pool.map(lambda folder: self._listed_sizes(f"{OBJECTS_FOLDER}/{folder}/"), folders)
                found = {oid: size for listing in listings for oid, size in listing.items()}
        return {oid: found[oid] for oid in oids if oid in found}

    def listing_cost(self, oids: Collection[str], *, added: int) -> ListingCost:
        if len(oids) <= _MAX_FOLDER_LISTINGS:
            folders = len({oid[:2] for oid in oids})
            return ListingCost(requests=folders, rounds=math.ceil(folders / self.jobs), objects=len(oids))
        objects = self._listed_objects + added
        pages = math.ceil(objects / _PAGE_OBJECTS)
        return ListingCost(requests=pages, rounds=pages, objects=objects)

    def all_sizes(self) -> dict[str, int]:
        sizes = self._listed_sizes(f"{OBJECTS_FOLDER}/")
        self._listed_objects = len(sizes)
        return sizes

    def recent(self, age_s: float) -> set[str]:
        oldest = time.time() - age_s
        items = self._items(f"{OBJECTS_FOLDER}/")
        return {oid for item in items if item["LastModified"].timestamp() > oldest and (oid := oid_of(item["Key"]))}

    def read(self, oid: str) -> bytes:
        return b"".join(self.chunks(oid, 0))

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        with self.session.faults("GetObject"):
            span = {"Range": f"bytes={offset}-"} if offset else {}
            body = self._client.get_object(Bucket=self.remote.bucket, Key=self._key(oid), **span)["Body"]
            with body:
                yield from body.iter_chunks(CHUNK_BYTES)

    def put(self, oid: str, path: Path, on_sent: OnSent) -> None:
        _ = self._client
        self._uploader.put(self._key(oid), path, on_sent, md5=digest_of(oid))

    def sent_bytes(self, oid: str, size_bytes: int) -> int:
        return self._uploader.sent_bytes(self._key(oid), size_bytes)

    def remove(self, oids: Collection[str]) -> dict[str, str]:
        kept = {}
        names = sorted(oids)
        for start in range(0, len(names), _MAX_DELETIONS):
            batch = [{"Key": self._key(oid)} for oid in names[start : start + _MAX_DELETIONS]]
            request = {"Objects": batch, "Quiet": True}
            with self.session.faults("DeleteObjects"):
                answer = self._client.delete_objects(Bucket=self.remote.bucket, Delete=request)
            for error in answer.get("Errors", []):
                if oid := oid_of(error["Key"]):
                    kept[oid] = f"{error.get('Code', '')} {error.get('Message', '')}".strip()
        return kept

    def probe_up(self, size_bytes: int) -> Probe:
        # An upload that is never completed is no object, and a contributor may abort it but not delete an object.
        key = self._probe_key
        upload_id = self._uploader.begin(key)
        contents = [os.urandom(len(span)) for span in _spans(size_bytes)]

        def send(number: int) -> int:
            self._uploader.put_part(key, upload_id, number, contents[number - 1])
            return len(contents[number - 1])

        try:
            return _probe(send, range(1, len(contents) + 1))
        finally:
            self._uploader.abort(key, upload_id)

    def probe_down(self, oid: str, size_bytes: int) -> Probe:
        client = self._client

        def get(span: range) -> int:
            with self.session.faults("GetObject"):
                header = f"bytes={span.start}-{span.stop - 1}"
                answer = client.get_object(Bucket=self.remote.bucket, Key=self._key(oid), Range=header)
                content = answer["Body"].read()
                # A pull hashes what it gets, which takes longer than a fast link.
                hashlib.md5(content, usedforsecurity=False)
                return len(content)

        return _probe(get, _spans(size_bytes))

    @contextmanager
    def trial_puts(self) -> Iterator[Callable[[str, Path], None]]:
        key = self._probe_key
        _ = self._client
        upload_id = self._uploader.begin(key)
        numbers = itertools.count(1)

        def put(oid: str, path: Path) -> None:
            self._uploader.put_trial_part(key, upload_id, next(numbers), path, md5=digest_of(oid))

        try:
            yield put
        finally:
            self._uploader.abort(key, upload_id)

    def describe(self, oid: str) -> str:
        return f"s3://{self.remote.bucket}/{self._key(oid)}"

    def sample_listing(self) -> ListingSample:
        """List a few keys of the prefix."""
        with self.session.faults("ListObjectsV2"):
            answer = self._client.list_objects_v2(
                Bucket=self.remote.bucket, Prefix=f"{self.remote.prefix}{OBJECTS_FOLDER}/", MaxKeys=10
            )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        keys = [item["Key"] for item in answer.get("Contents", []) if item["Size"]]
        region = str(headers.get("x-amz-bucket-region") or self._client.meta.region_name)
        return ListingSample(region=region, key=next(iter(keys), None))

    def versions(self) -> list[ObjectVersion]:
        """All versions of all objects, and their delete markers."""
        with self.session.faults("ListObjectVersions"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self.remote.bucket, Prefix=f"{self.remote.prefix}{OBJECTS_FOLDER}/"
            )
            return [
                ObjectVersion(
                    key=item["Key"],
                    version_id=item["VersionId"],
                    size_bytes=item.get("Size", 0),
                    modified=item["LastModified"],
                    is_latest=item["IsLatest"],
                    is_delete_marker=kind == "DeleteMarkers",
                )
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for item in page.get(kind, [])
                if oid_of(item["Key"])
            ]

    def try_get(self, key: str | None) -> None:
        """Get one byte of an object, which also uses the encryption key; without an object, get a missing one.

        A server reports a missing object to a user who may list and get, and a refusal to others.
        """
        where: dict[str, Any] = {"Bucket": self.remote.bucket, "Key": key or self._probe_key}
        try:
            with self.session.faults("GetObject"):
                self._client.get_object(**where, Range="bytes=0-0")["Body"].read()
        except StoreError as error:
            if error.kind != "gone":
                raise

    def try_put(self) -> None:
        """Begin an upload and abort it, which leaves nothing behind."""
        self._uploader.abort(self._probe_key, self._uploader.begin(self._probe_key))

    @cached_property
    def _client(self) -> Any:
        watch_sending(self.session.client)
        return self.session.client

    @property
    def _probe_key(self) -> str:
        return self.remote.prefix + _PROBE_KEY

    def _listed_sizes(self, folder: str) -> dict[str, int]:
        return {oid: item["Size"] for item in self._items(folder) if (oid := oid_of(item["Key"]))}

    def _items(self, folder: str) -> list[dict[str, Any]]:
        with self.session.faults("ListObjectsV2"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.remote.bucket, Prefix=self.remote.prefix + folder
            )
            return [item for page in pages for item in page.get("Contents", [])]

    def _key(self, oid: str) -> str:
        return self.remote.prefix + object_key(oid)


def _spans(size_bytes: int) -> list[range]:
    """The bytes that each stream of a probe moves; a small probe has one stream."""
    share = max(_PROBE_SHARE_BYTES, -(-size_bytes // _PROBE_STREAMS))
    return [range(start, min(start + share, size_bytes)) for start in range(0, size_bytes, share)]


def _probe(move: Callable[[Any], int], shares: Collection[Any]) -> Probe:
    """Move all shares, several at once."""
    started = time.perf_counter()
    with ThreadPoolExecutor(_PROBE_STREAMS) as pool:
        moved_bytes = sum(pool.map(move, shares))
    return Probe(size_bytes=moved_bytes, duration_s=time.perf_counter() - started)

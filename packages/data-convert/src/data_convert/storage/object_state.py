"""Asks for one object of which only the address is known."""

from __future__ import annotations

from data_convert.storage.bucket_object import BucketObject
from data_convert.storage.patience import with_patience
from s3_access import S3_SCHEME, StoreError, bucket_address, shared_session


def current_object(url: str) -> BucketObject | None:
    """The current version of the object at `s3://BUCKET/KEY`; None if there is none.

    Raises:
        StoreError: The server refuses the request, or cannot be reached.
    """
    bucket, _, key = url.removeprefix(S3_SCHEME).partition("/")
    if not key or key.endswith("/"):
        return None
    session = shared_session(f"{S3_SCHEME}{bucket_address(url).bucket}")

    def ask() -> BucketObject:
        with session.faults("HeadObject", where=url):
            answer = session.client.head_object(Bucket=bucket, Key=key)
        version = str(answer["ETag"]).strip('"')
        return BucketObject(bucket=bucket, key=key, size_bytes=int(answer["ContentLength"]), version=version)

    try:
        return with_patience(ask)
    except StoreError as error:
        if error.kind == "gone":
            return None
        raise

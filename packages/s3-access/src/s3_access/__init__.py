"""What every client of an S3 server needs: the address, the credentials, botocore's client, and the error texts."""

from __future__ import annotations

from s3_access.address import S3_SCHEME, BucketAddress, BucketPlace, bucket_address, is_s3_url
from s3_access.context import identity_text
from s3_access.errors import S3AccessError, StoreError
from s3_access.session import BucketSession, shared_session

__all__ = [
    "S3_SCHEME",
    "BucketAddress",
    "BucketPlace",
    "BucketSession",
    "S3AccessError",
    "StoreError",
    "bucket_address",
    "identity_text",
    "is_s3_url",
    "shared_session",
]

"""Where objects are: a bucket, a prefix of keys, and the settings of the client."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from s3_access.errors import S3AccessError

S3_SCHEME = "s3://"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; older buckets may be longer and have
# capital letters and underscores, so that the server decides about the details.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")


class BucketPlace(Protocol):
    """What a session has to know of a bucket. A remote of DVC is one, and so is an address without a remote.

    Attributes:
        name: The name of the remote; empty for an address that belongs to none.
        url: `s3://BUCKET/PREFIX`.
        settings: The client's settings under the names that DVC gives them, such as `endpointurl` and `profile`.
    """

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def bucket(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class BucketAddress:
    """An address whose server, region and credentials are those of the environment.

    Attributes:
        prefix: The prefix of all keys: empty, or ending in a slash.
    """

    bucket: str
    prefix: str
    name: str = ""

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"{S3_SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The server that the environment names, as the tools of AWS read it; everything else is botocore's default."""
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        return {"endpointurl": endpoint} if endpoint else {}


def is_s3_url(text: str) -> bool:
    """Whether a text is an address of objects and not a path."""
    return text.startswith(S3_SCHEME)


def bucket_address(url: str) -> BucketAddress:
    """The address of `s3://BUCKET/PREFIX`; the prefix is a folder and may be missing.

    Raises:
        S3AccessError: The text is no such URL.
    """
    bucket, _, prefix = url.removeprefix(S3_SCHEME).partition("/")
    if not is_s3_url(url) or not _BUCKET.fullmatch(bucket):
        raise S3AccessError(f"'{url}' is not the address of a bucket; write s3://BUCKET/PREFIX")
    names = prefix.rstrip("/").split("/") if prefix.strip("/") else []
    if any(name in ("", ".", "..") for name in names):
        raise S3AccessError(f"'{url}': a prefix has no empty name, '.' or '..' between its slashes")
    return BucketAddress(bucket=bucket, prefix="".join(f"{name}/" for name in names))

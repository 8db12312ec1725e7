"""The remote that is a bucket; the only module that talks to S3."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from data_share.errors import StoreError
from data_share.faults import Place, role_text, store_error
from data_share.objects import AREA, digest_of, key, oid_of
from data_share.remotes import Remote
from data_share.stores import CHUNK_BYTES, Told, folders_of, spread
from data_share.uploads import BegunUploads, Upload

# Larger files go in parts, so that a lost connection costs one part.
_PART_BYTES = 16 * 1024 * 1024
_PROBE_KEY = ".shrinkwrap-probe"
# One stream alone seldom fills a link, and a transfer has several.
_PROBE_STREAMS, _PROBE_SHARE_BYTES = 4, 16 * 1024
_DELETED_AT_ONCE = 1000


class S3Store:
    """A bucket's prefix on AWS or on any server that speaks S3.

    Credentials are found as AWS's own tools do: the remote's profile, the environment, the files in ~/.aws.

    Args:
        memory: File that remembers uploads which were begun, so that an interrupted one goes on.
    """

    jobs = 8

    def __init__(self, remote: Remote, *, memory: Path) -> None:
        self.remote = remote
        self._uploads = BegunUploads(memory)
        self.where = remote.url
        settings = remote.settings
        self._endpoint = str(settings.get("endpointurl") or "")
        self._extra = {
            name: settings[option]
            for option, name in (("sse", "ServerSideEncryption"), ("sse_kms_key_id", "SSEKMSKeyId"), ("acl", "ACL"))
            if settings.get(option)
        }

    def sizes(self, oids: Collection[str]) -> dict[str, int]:
        folders = folders_of(oids)
        if folders is None:
            found = self.all_sizes()
        else:
            # Made here, not in the threads: botocore's clients may be shared, but not made, by several at once.
            _ = self.client
            found = spread(self.jobs, lambda folder: self._listed(f"{AREA}/{folder}/"), folders)
        wanted = set(oids)
        return {oid: size for oid, size in found.items() if oid in wanted}

    def all_sizes(self) -> dict[str, int]:
        return self._listed(f"{AREA}/")

    def younger(self, age_s: float) -> set[str]:
        oldest = time.time() - age_s
        items = self._items(f"{AREA}/")
        return {oid for item in items if item["LastModified"].timestamp() > oldest and (oid := oid_of(item["Key"]))}

    def read(self, oid: str) -> bytes:
        return b"".join(self.chunks(oid, 0))

    def chunks(self, oid: str, offset: int) -> Iterator[bytes]:
        with self.faults("GetObject"):
            span = {"Range": f"bytes={offset}-"} if offset else {}
            body = self.client.get_object(Bucket=self.remote.bucket, Key=self._key(oid), **span)["Body"]
            with body:
                yield from body.iter_chunks(CHUNK_BYTES)

    def put(self, oid: str, path: Path, told: Told) -> None:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            if size_bytes <= _PART_BYTES:
                digest = base64.b64encode(bytes.fromhex(digest_of(oid))).decode()
                with self.faults("PutObject"):
                    where: dict[str, Any] = {"Bucket": self.remote.bucket, "Key": self._key(oid), **self._extra}
                    self.client.put_object(**where, Body=_Told(file, 0, size_bytes, told), ContentMD5=digest)
            else:
                self._put_parts(oid, file, size_bytes, told)

    def _put_parts(self, oid: str, file: BinaryIO, size_bytes: int, told: Told) -> None:
        name, url = self._key(oid), self.describe(oid)
        begun = self._uploads.find(url, size_bytes, _PART_BYTES)
        try:
            self._finish_upload(name, url, file, size_bytes, begun, told)
        except StoreError as error:
            if begun is None or error.kind != "gone":
                raise
            # The server has given it up in the meantime.
            self._uploads.forget(url)
            self._finish_upload(name, url, file, size_bytes, None, told)

    def _finish_upload(
        self, name: str, url: str, file: BinaryIO, size_bytes: int, begun: Upload | None, told: Told
    ) -> None:
        upload = (
            {"Bucket": self.remote.bucket, "Key": name, "UploadId": begun.upload_id} if begun else self._begin(name)
        )
        etags = list(begun.etags if begun else ())
        try:
            for start in range(len(etags) * _PART_BYTES, size_bytes, _PART_BYTES):
                length = min(_PART_BYTES, size_bytes - start)
                file.seek(start)
                digest = base64.b64encode(hashlib.md5(file.read(length), usedforsecurity=False).digest()).decode()
                body = _Told(file, start, length, told)
                with self.faults("UploadPart"):
                    number = len(etags) + 1
                    part = self.client.upload_part(**upload, PartNumber=number, Body=body, ContentMD5=digest)
                etags.append(part["ETag"])
                there = Upload(
                    upload_id=upload["UploadId"],
                    size_bytes=size_bytes,
                    part_bytes=_PART_BYTES,
                    etags=tuple(etags),
                    at=time.time(),
                )
                self._uploads.keep(url, there)
            parts = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(etags, start=1)]
            with self.faults("CompleteMultipartUpload"):
                self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except StoreError as error:
            # What may pass goes on later; what was refused would be refused again.
            if error.kind in ("denied", "refused"):
                self._uploads.forget(url)
                with suppress(StoreError):
                    self._abort(upload)
            raise
        self._uploads.forget(url)

    def sent_bytes(self, oid: str, size_bytes: int) -> int:
        begun = self._uploads.find(self.describe(oid), size_bytes, _PART_BYTES)
        return begun.sent_bytes if begun else 0

    def remove(self, oids: Collection[str]) -> dict[str, str]:
        kept = {}
        names = sorted(oids)
        for start in range(0, len(names), _DELETED_AT_ONCE):
            batch = [{"Key": self._key(oid)} for oid in names[start : start + _DELETED_AT_ONCE]]
            with self.faults("DeleteObjects"):
                answer = self.client.delete_objects(Bucket=self.remote.bucket, Delete={"Objects": batch, "Quiet": True})
            for error in answer.get("Errors", []):
                if oid := oid_of(error["Key"]):
                    kept[oid] = f"{error.get('Code', '')} {error.get('Message', '')}".strip()
        return kept

    def probe_up(self, size_bytes: int) -> float:
        # An upload that is never completed is no object, and a contributor may abort but not delete.
        upload = self._begin(self.remote.prefix + _PROBE_KEY)
        try:
            contents = [os.urandom(stop - start) for start, stop in _shares(size_bytes)]

            def send(number: int) -> None:
                with self.faults("UploadPart"):
                    self.client.upload_part(**upload, PartNumber=number, Body=contents[number - 1])

            began = time.perf_counter()
            with ThreadPoolExecutor(_PROBE_STREAMS) as pool:
                list(pool.map(send, range(1, len(contents) + 1)))
            return time.perf_counter() - began
        finally:
            self._abort(upload)

    def probe_down(self, oid: str, size_bytes: int) -> tuple[int, float]:
        _ = self.client

        def get(share: tuple[int, int]) -> int:
            with self.faults("GetObject"):
                span = f"bytes={share[0]}-{share[1] - 1}"
                answer = self.client.get_object(Bucket=self.remote.bucket, Key=self._key(oid), Range=span)
                return len(answer["Body"].read())

        began = time.perf_counter()
        with ThreadPoolExecutor(_PROBE_STREAMS) as pool:
            got = sum(pool.map(get, _shares(size_bytes)))
        return got, time.perf_counter() - began

    def describe(self, oid: str) -> str:
        return f"s3://{self.remote.bucket}/{self._key(oid)}"

    def listing(self) -> tuple[str, str | None]:
        """Ask for a few keys of the prefix: the region that the server names or that is set, and a key to be read."""
        with self.faults("ListObjectsV2"):
            answer = self.client.list_objects_v2(
                Bucket=self.remote.bucket, Prefix=f"{self.remote.prefix}{AREA}/", MaxKeys=10
            )
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        keys = [item["Key"] for item in answer.get("Contents", []) if item["Size"]]
        return str(headers.get("x-amz-bucket-region") or self.client.meta.region_name), next(iter(keys), None)

    def try_get(self, name: str | None) -> None:
        """Get one byte of an object, which asks the key to decrypt it; without one, a key that does not exist.

        Who may list and get is told that there is none, who may not get is refused.
        """
        where: dict[str, Any] = {"Bucket": self.remote.bucket, "Key": name or self.remote.prefix + _PROBE_KEY}
        try:
            with self.faults("GetObject"):
                self.client.get_object(**where, Range="bytes=0-0")["Body"].read()
        except StoreError as error:
            if error.kind != "gone":
                raise

    def try_put(self) -> None:
        """Begin an upload and abort it: nothing is left behind."""
        self._abort(self._begin(self.remote.prefix + _PROBE_KEY))

    def require_credentials(self) -> None:
        """See that there is something to sign with.

        Raises:
            StoreError: There is nothing.
        """
        from botocore.exceptions import NoCredentialsError

        with self.faults("GetCallerIdentity"):
            if not self.remote.settings.get("access_key_id") and self._session.get_credentials() is None:
                raise NoCredentialsError

    def session_expiry(self) -> str:
        """When the session ends, as far as this machine knows; else nothing."""
        with self.faults("GetCallerIdentity"):
            expiry = getattr(self._session.get_credentials(), "_expiry_time", None)
        return expiry.isoformat() if expiry else os.environ.get("AWS_CREDENTIAL_EXPIRATION", "")

    @property
    def has_sts(self) -> bool:
        """Whether there is a server that can say whose credentials these are."""
        if not self._endpoint:
            return True
        return bool(os.environ.get("AWS_ENDPOINT_URL_STS"))

    def caller_arn(self) -> str:
        """The ARN of whoever signs.

        Raises:
            StoreError: STS refuses the credentials or does not answer.
        """
        from botocore.config import Config

        with self.faults("GetCallerIdentity"):
            quick = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
            client = self._session.create_client("sts", region_name=self._region or "us-east-1", config=quick)
            return str(client.get_caller_identity()["Arn"])

    def access_key(self) -> str:
        """The access key's public half, shortened.

        Raises:
            StoreError: A profile has none, such as one whose session ended.
        """
        with self.faults("GetCallerIdentity"):
            credentials = self._session.get_credentials()
            return f"access key …{credentials.access_key[-4:]}" if credentials else "nobody"

    def who(self) -> str:
        """Who signs, as far as can be told without failing."""
        if self.has_sts:
            with suppress(StoreError):
                return role_text(self.caller_arn())
        with suppress(StoreError):
            return self.access_key()
        return "nobody known"

    @cached_property
    def client(self) -> Any:
        """A client of botocore.

        Raises:
            StoreError: There is no such profile, or no credentials.
        """
        from botocore import UNSIGNED
        from botocore.config import Config

        settings = self.remote.settings
        config = Config(
            connect_timeout=float(settings.get("connect_timeout") or 10),
            read_timeout=float(settings.get("read_timeout") or 120),
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=2 * self.jobs,
            # Content-MD5 covers it; servers other than AWS know it better than newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version=UNSIGNED if settings.get("allow_anonymous_login") else None,
        )
        verify = settings.get("ssl_verify")
        with self.faults("ListObjectsV2"):
            # A role is assumed and a code asked for here, once, and not in the first thread that signs.
            has_own = settings.get("access_key_id") or settings.get("allow_anonymous_login")
            if not has_own and (credentials := self._session.get_credentials()) is not None:
                credentials.get_frozen_credentials()
            client = self._session.create_client(
                "s3",
                endpoint_url=self._endpoint or None,
                # A server that is not AWS has no regions, but what is signed names one.
                region_name=self._region or ("us-east-1" if self._endpoint else None),
                use_ssl=settings.get("use_ssl", True),
                verify=verify,
                aws_access_key_id=settings.get("access_key_id"),
                aws_secret_access_key=settings.get("secret_access_key"),
                aws_session_token=settings.get("session_token"),
                config=config,
            )
        # botocore reads a body once to sign it; that is not sending.
        client.meta.events.register_first("request-created.s3", _signing)
        client.meta.events.register_last("request-created.s3", _sending)
        return client

    @cached_property
    def _session(self) -> Any:
        import botocore.session
        from botocore.utils import JSONFileCache

        settings = self.remote.settings
        session = botocore.session.Session(profile=settings.get("profile"))
        for option, variable in (("configpath", "config_file"), ("credentialpath", "credentials_file")):
            if settings.get(option):
                session.set_config_variable(variable, str(settings[option]))
        # Where the AWS CLI keeps the sessions of assumed roles, too: a code of an MFA device is asked for once.
        assuming = session.get_component("credential_provider").get_provider("assume-role")
        assuming.cache = JSONFileCache(Path("~/.aws/cli/cache").expanduser())
        return session

    @property
    def _region(self) -> str:
        with suppress(Exception):  # no such profile: what uses it next says so
            return str(self.remote.settings.get("region") or self._session.get_config_variable("region") or "")
        return ""

    @contextmanager
    def faults(self, operation: str) -> Iterator[None]:
        """Turn what botocore raises into a `StoreError`."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except (BotoCoreError, ClientError, HTTPClientError, OSError, EOFError) as error:
            raise store_error(error, self.place, operation=operation) from error
        except Exception as error:
            # urllib3's own, where botocore lets them through while a body is read.
            if type(error).__module__.partition(".")[0] != "urllib3":
                raise
            raise store_error(ConnectionError(str(error)), self.place, operation=operation) from error

    @property
    def place(self) -> Place:
        """What faults are about."""
        return Place(
            remote=self.remote.name,
            url=self.remote.url,
            bucket=self.remote.bucket,
            endpoint=self._endpoint,
            region=self._region,
            profile=str(self.remote.settings.get("profile") or os.environ.get("AWS_PROFILE") or ""),
            set_region=str(self.remote.settings.get("region") or ""),
            set_profile=str(self.remote.settings.get("profile") or ""),
            has_keys_set=bool(os.environ.get("AWS_ACCESS_KEY_ID")),
            who=self.who,
        )

    def _listed(self, area: str) -> dict[str, int]:
        return {oid: item["Size"] for item in self._items(area) if (oid := oid_of(item["Key"]))}

    def _items(self, area: str) -> list[dict[str, Any]]:
        with self.faults("ListObjectsV2"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.remote.bucket, Prefix=self.remote.prefix + area
            )
            return [item for page in pages for item in page.get("Contents", [])]

    def _begin(self, name: str) -> dict[str, str]:
        with self.faults("CreateMultipartUpload"):
            begun = self.client.create_multipart_upload(Bucket=self.remote.bucket, Key=name, **self._extra)
        return {"Bucket": self.remote.bucket, "Key": name, "UploadId": begun["UploadId"]}

    def _abort(self, upload: Mapping[str, str]) -> None:
        with self.faults("AbortMultipartUpload"):
            self.client.abort_multipart_upload(**upload)

    def _key(self, oid: str) -> str:
        return self.remote.prefix + key(oid)


def _shares(size_bytes: int) -> list[tuple[int, int]]:
    """Start and stop of what each stream of a probe moves; one stream does, if it is little."""
    share = max(_PROBE_SHARE_BYTES, -(-size_bytes // _PROBE_STREAMS))
    return [(start, min(start + share, size_bytes)) for start in range(0, size_bytes, share)]


class _Told:
    """A stretch of a file as a request's body, which tells what is sent of it."""

    def __init__(self, file: BinaryIO, start: int, length: int, told: Told) -> None:
        self._file, self._start, self._length, self._told = file, start, length, told
        self._at = 0
        self._sent = 0
        self.is_sending = False

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        left = self._length - self._at
        self._file.seek(self._start + self._at)
        chunk = self._file.read(left if size < 0 else min(size, left))
        self._at += len(chunk)
        if self.is_sending:
            # Told once, even if a request is sent again.
            if self._at > self._sent:
                self._told(self._at - self._sent)
                self._sent = self._at
            else:
                self._told(0)
        return chunk

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at


def _signing(request: Any, **_: Any) -> None:
    if isinstance(request.body, _Told):
        request.body.is_sending = False


def _sending(request: Any, **_: Any) -> None:
    if isinstance(request.body, _Told):
        request.body.is_sending = True

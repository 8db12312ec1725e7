"""Who signs requests to a bucket, and the botocore client that sends them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from s3_access.address import BucketPlace, bucket_address
from s3_access.context import RequestContext, identity_text
from s3_access.errors import StoreError
from s3_access.faults import store_error

# Environment variables that decide which client is made; see `shared_session()`.
_VARIABLES = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)
_SHARED_CONNECTIONS = 64
_shared_sessions: dict[tuple[str | int | None, ...], BucketSession] = {}
_shared_sessions_lock = Lock()


class BucketSession:
    """The credentials and the client for one bucket.

    Credentials are found as AWS's own tools find them: the profile of the settings, the environment, the files in
    ~/.aws.

    Args:
        connections: How many connections the client keeps open.
    """

    def __init__(self, remote: BucketPlace, *, connections: int) -> None:
        self.remote = remote
        self._connections = connections
        self._endpoint = str(remote.settings.get("endpointurl") or "")

    @cached_property
    def client(self) -> Any:
        """A client of botocore for S3.

        Raises:
            StoreError: The profile does not exist, or there are no credentials.
        """
        settings = self.remote.settings
        with self.faults("ListObjectsV2"):
            # Assume a role, and ask for an MFA code, once and here rather than in the first thread that signs.
            has_own_keys = settings.get("access_key_id") or settings.get("allow_anonymous_login")
            if not has_own_keys and (credentials := self._session.get_credentials()) is not None:
                credentials.get_frozen_credentials()
            return self._session.create_client(
                "s3",
                endpoint_url=self._endpoint or None,
                # A server other than AWS has no regions, but a signature contains one.
                region_name=self._region or ("us-east-1" if self._endpoint else None),
                use_ssl=settings.get("use_ssl", True),
                verify=settings.get("ssl_verify"),
                aws_access_key_id=settings.get("access_key_id"),
                aws_secret_access_key=settings.get("secret_access_key"),
                aws_session_token=settings.get("session_token"),
                config=self._client_config(),
            )

    @contextmanager
    def faults(self, operation: str, *, where: str = "") -> Iterator[None]:
        """Turn exceptions of botocore into `StoreError`.

        Args:
            operation: The request in the block, by its name in the S3 API.
            where: The URL that the error names, such as that of one object; else that of the place.
        """
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except (BotoCoreError, ClientError, HTTPClientError, OSError, EOFError) as error:
            raise store_error(error, self._context_at(where), operation=operation) from error
        except Exception as error:
            # botocore does not wrap exceptions of urllib3 while a body is read.
            if type(error).__module__.partition(".")[0] != "urllib3":
                raise
            raise store_error(ConnectionError(str(error)), self._context_at(where), operation=operation) from error

    @property
    def context(self) -> RequestContext:
        """What errors of this session name."""
        settings = self.remote.settings
        return RequestContext(
            remote=self.remote.name,
            url=self.remote.url,
            bucket=self.remote.bucket,
            endpoint=self._endpoint,
            region=self._region,
            profile=str(settings.get("profile") or os.environ.get("AWS_PROFILE") or ""),
            remote_region=str(settings.get("region") or ""),
            remote_profile=str(settings.get("profile") or ""),
            has_environment_keys=bool(os.environ.get("AWS_ACCESS_KEY_ID")),
            identity=self.identity,
        )

    def _context_at(self, where: str) -> RequestContext:
        return replace(self.context, url=where) if where else self.context

    def require_credentials(self) -> None:
        """Check that there are credentials to sign with.

        Raises:
            StoreError: There are none.
        """
        from botocore.exceptions import NoCredentialsError

        with self.faults("GetCallerIdentity"):
            if not self.remote.settings.get("access_key_id") and self._session.get_credentials() is None:
                raise NoCredentialsError

    def expiry(self) -> str:
        """When the session ends, as far as this machine knows; else an empty text."""
        with self.faults("GetCallerIdentity"):
            expiry = getattr(self._session.get_credentials(), "_expiry_time", None)
        return expiry.isoformat() if expiry else os.environ.get("AWS_CREDENTIAL_EXPIRATION", "")

    @property
    def is_anonymous(self) -> bool:
        """Whether requests are not signed."""
        return bool(self.remote.settings.get("allow_anonymous_login"))

    @property
    def has_sts(self) -> bool:
        """Whether there is a server that knows whose credentials these are."""
        return not self._endpoint or bool(os.environ.get("AWS_ENDPOINT_URL_STS"))

    def caller_arn(self) -> str:
        """The ARN of the role or user that signs.

        Raises:
            StoreError: STS refuses the credentials or does not answer.
        """
        from botocore.config import Config

        with self.faults("GetCallerIdentity"):
            impatient = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
            region = self._region or "us-east-1"
            client = self._session.create_client("sts", region_name=region, config=impatient)
            return str(client.get_caller_identity()["Arn"])

    def access_key(self) -> str:
        """The last letters of the access key's public half.

        Raises:
            StoreError: The credentials cannot be loaded, such as those of a profile whose session ended.
        """
        with self.faults("GetCallerIdentity"):
            credentials = self._session.get_credentials()
            return f"access key …{credentials.access_key[-4:]}" if credentials else "an unsigned request"

    def identity(self) -> str:
        """Who signs, as far as it can be determined; this never fails."""
        if self.has_sts:
            with suppress(StoreError):
                return identity_text(self.caller_arn())
        with suppress(StoreError):
            return self.access_key()
        return "an unknown user"

    @cached_property
    def _session(self) -> Any:
        import botocore.session
        from botocore.utils import JSONFileCache

        settings = self.remote.settings
        session = botocore.session.Session(profile=settings.get("profile"))
        for option, variable in (("configpath", "config_file"), ("credentialpath", "credentials_file")):
            if settings.get(option):
                session.set_config_variable(variable, str(settings[option]))
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
        # The AWS CLI keeps the sessions of assumed roles in the same place, so an MFA code is asked for once.
        provider = session.get_component("credential_provider").get_provider("assume-role")
        provider.cache = JSONFileCache(Path("~/.aws/cli/cache").expanduser())
        return session

    def _client_config(self) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        settings = self.remote.settings
        return Config(
            connect_timeout=float(settings.get("connect_timeout") or 10),
            read_timeout=float(settings.get("read_timeout") or 120),
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=self._connections,
            # Content-MD5 protects the data already, and servers other than AWS support it better than newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            signature_version=UNSIGNED if self.is_anonymous else None,
        )

    @property
    def _region(self) -> str:
        with suppress(Exception):  # A profile that does not exist: the next request reports it.
            return str(self.remote.settings.get("region") or self._session.get_config_variable("region") or "")
        return ""


def _moment(value: Any) -> datetime:
    """A moment in an answer. botocore's own parser takes two thirds of the time of a listing."""
    from botocore.utils import parse_timestamp

    with suppress(TypeError, ValueError):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment
    found: datetime = parse_timestamp(value)
    return found


def shared_session(url: str) -> BucketSession:
    """The session of this process for the bucket of an URL; all threads share its client.

    Making a client takes 0.1 s. A fork makes its own, because connections cannot be shared between processes.

    Raises:
        S3AccessError: The text is no URL of a bucket.
        StoreError: The profile does not exist, or the credentials cannot be loaded.
    """
    place = bucket_address(url)
    key = (os.getpid(), place.bucket, *map(os.environ.get, _VARIABLES))
    with _shared_sessions_lock:
        session = _shared_sessions.get(key)
        if session is None:
            session = BucketSession(replace(place, prefix=""), connections=_SHARED_CONNECTIONS)
            # Two threads must not make it at the same time: botocore's loaders are not safe for threads.
            _ = session.client
            _shared_sessions[key] = session
    return session

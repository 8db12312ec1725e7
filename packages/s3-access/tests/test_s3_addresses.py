"""Addresses of buckets, the sessions of a process, and errors that cross processes."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from s3_access import BucketSession, S3AccessError, StoreError, bucket_address, is_s3_url, shared_session


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://acme-data", "acme-data", ""),
        ("s3://acme-data/", "acme-data", ""),
        ("s3://acme/raw/2024", "acme", "raw/2024/"),
        ("s3://acme/raw 1/süd/", "acme", "raw 1/süd/"),
        ("s3://Old_Bucket/x", "Old_Bucket", "x/"),
    ],
)
def test_an_address_is_a_bucket_and_a_prefix(url: str, bucket: str, prefix: str) -> None:
    """A prefix is a folder: it ends in a slash, and is empty for the bucket itself."""
    address = bucket_address(url)
    assert (address.bucket, address.prefix, address.url) == (bucket, prefix, url.rstrip("/"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("data/raw", "is not the address of a bucket"),
        ("s3:/acme/x", "is not the address of a bucket"),
        ("S3://acme/x", "is not the address of a bucket"),
        ("s3://", "is not the address of a bucket"),
        ("s3:///x", "is not the address of a bucket"),
        ("s3://a b/x", "is not the address of a bucket"),
        ("s3://acme//x", "no empty name"),
        ("s3://acme/x/../y", "no empty name"),
        ("s3://acme/./y", "no empty name"),
    ],
)
def test_a_wrong_address_is_refused(url: str, problem: str) -> None:
    """Text that no server could use is an error that names it."""
    with pytest.raises(S3AccessError, match=problem) as raised:
        bucket_address(url)
    assert repr(url) in str(raised.value)


def test_what_is_an_address() -> None:
    """Only the scheme decides."""
    assert is_s3_url("s3://acme/x")
    assert not is_s3_url("data/s3://x")


def test_the_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of S3 wins over the one of all services, as for the tools of AWS."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert bucket_address("s3://acme").settings == {}
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all:1")
    assert bucket_address("s3://acme").settings == {"endpointurl": "http://all:1"}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3:1")
    assert bucket_address("s3://acme").settings == {"endpointurl": "http://s3:1"}


def test_a_process_has_one_session_per_bucket_and_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """All prefixes of a bucket share a client; another server, or other keys, has its own."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    first = shared_session("s3://acme/x")
    assert shared_session("s3://acme/y/z") is first
    assert shared_session("s3://other") is not first
    assert first.client.meta.endpoint_url == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    assert shared_session("s3://acme/x") is not first


def test_an_error_names_the_object_and_a_variable() -> None:
    """Without a remote, the message names the object, and its fix is no command of a remote."""
    session = BucketSession(bucket_address("s3://acme/x"), connections=1)
    answer = {"Error": {"Code": "PermanentRedirect", "Region": "eu-7"}, "ResponseMetadata": {}}
    with pytest.raises(StoreError) as raised, session.faults("GetObject", where="s3://acme/x/a.csv"):
        raise ClientError(answer, "GetObject")
    lines = str(raised.value).splitlines()
    assert lines[0].endswith("but in eu-7")
    assert lines[1:] == ["  address: s3://acme/x/a.csv", "  fix: set AWS_DEFAULT_REGION=eu-7"]


def test_an_error_survives_pickling() -> None:
    """A worker of a cluster sends its error to the client."""
    error = StoreError(
        "denied", "no", where="s3://a", fix="ask", identity="ada", action="s3:GetObject", place="address"
    )
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_importing_it_loads_no_botocore() -> None:
    """A conversion of local files does not pay for the client."""
    code = "import s3_access, sys; s3_access.bucket_address('s3://acme'); print('botocore' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"

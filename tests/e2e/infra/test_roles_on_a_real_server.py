"""Each role's own policy, held by an identity of a real S3 server: every call tried, and DVC's push, pull and gc.

The documents are those that the Pulumi program attaches, but for one word: SeaweedFS knows no `StringLikeIfExists`, so
the condition on `s3:prefix` is `StringLike` here. Nor has it roles to assume, MFA, accounts and keys: their statements
are carried along and never asked for, and those denials of the bucket's policy that speak of accounts and MFA are left
out. The verdict table of infra-pulumi has them all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shrinkwrap_infra.policies import admin_policy, data_bucket_policy, data_policy
from shrinkwrap_infra.policies.role_policies import DataKind

from ..seaweed import REGION, Identity, SeaweedFS

BUCKET = "acme-data"
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"
TABLE = Path(__file__).with_name("tried.txt")


def data_identity(name: str, kind: DataKind, prefix: str) -> Identity:
    policy = json.dumps(data_policy(kind, bucket=BUCKET, prefix=prefix, key_arn=KEY, region=REGION))
    assert "StringLikeIfExists" in policy
    return Identity(name=name, policies=[json.loads(policy.replace("StringLikeIfExists", "StringLike"))])


READER = data_identity("reader", "reader", "traffic/")
CONTRIBUTOR = data_identity("contributor", "contributor", "traffic/")
STEWARD = data_identity("steward", "steward", "traffic/")
CLIMATE = data_identity("climate", "contributor", "climate/")
SETTINGS = Identity(name="admin", policies=[admin_policy(bucket=BUCKET, log_bucket=f"{BUCKET}-logs", key_arn=KEY)])
ROLES = [READER, CONTRIBUTOR, STEWARD, SETTINGS, CLIMATE]

Call = Callable[[Any], object]
_VERSIONING = {"Status": "Enabled"}
_LIFECYCLE = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
# What is tried, by the name it has in the table. Objects: own (of traffic), other (of climate), alike (traffic2/).
CALLS: dict[str, Call] = {
    "list own": lambda s3: s3.list_objects_v2(Bucket=BUCKET, Prefix="traffic/files"),
    "list other": lambda s3: s3.list_objects_v2(Bucket=BUCKET, Prefix="climate/files"),
    "get own": lambda s3: s3.get_object(Bucket=BUCKET, Key="traffic/files/md5/aa/1"),
    "get other": lambda s3: s3.get_object(Bucket=BUCKET, Key="climate/files/md5/aa/1"),
    "get alike": lambda s3: s3.get_object(Bucket=BUCKET, Key="traffic2/files/md5/aa/1"),
    "put own": lambda s3: s3.put_object(Bucket=BUCKET, Key="traffic/new", Body=b"1"),
    "put other": lambda s3: s3.put_object(Bucket=BUCKET, Key="climate/new", Body=b"1"),
    "put alike": lambda s3: s3.put_object(Bucket=BUCKET, Key="traffic2/new", Body=b"1"),
    "multipart own": lambda s3: multipart(s3, "traffic/large"),
    "multipart other": lambda s3: multipart(s3, "climate/large"),
    "delete own": lambda s3: s3.delete_object(Bucket=BUCKET, Key="traffic/files/md5/aa/1"),
    "delete other": lambda s3: s3.delete_object(Bucket=BUCKET, Key="climate/files/md5/aa/1"),
    "delete many own": lambda s3: delete_many(s3, "traffic/files/md5/aa/1"),
    "copy other to own": lambda s3: s3.copy_object(
        Bucket=BUCKET, Key="traffic/copied", CopySource=f"{BUCKET}/climate/files/md5/aa/1"
    ),
    "see bucket policy": lambda s3: s3.get_bucket_policy(Bucket=BUCKET),
    "set bucket policy": lambda s3: s3.put_bucket_policy(Bucket=BUCKET, Policy=HARMLESS),
    "set versioning": lambda s3: s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=_VERSIONING),
    "set lifecycle": lambda s3: s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=_LIFECYCLE),
    "delete bucket policy": lambda s3: s3.delete_bucket_policy(Bucket=BUCKET),
    "delete bucket": lambda s3: s3.delete_bucket(Bucket=BUCKET),
    "make a bucket": lambda s3: s3.create_bucket(Bucket="acme-other"),
}
HARMLESS = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",'
    f'"Resource":"arn:aws:s3:::{BUCKET}/nothing"' + "}]}"
)


def multipart(s3: Any, key: str) -> None:
    """Begin an upload, send a part, abort it."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"1")
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)


def delete_many(s3: Any, key: str) -> None:
    """A bulk deletion answers 200 and tells its refusals inside."""
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}]})
    if errors := answer.get("Errors"):
        raise ClientError({"Error": {"Code": errors[0]["Code"]}}, "DeleteObjects")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3"), ROLES) as server:
        server.make_bucket(BUCKET)
        yield server


def seed(server: SeaweedFS) -> None:
    """The bucket as it is before each call that is tried."""
    s3 = server.client()
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        server.make_bucket(BUCKET)
    for prefix in ("traffic", "climate", "traffic2"):
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}/files/md5/aa/1", Body=b"1")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=HARMLESS)


def verdict(s3: Any, call: Call) -> str:
    try:
        call(s3)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "-" if code == "AccessDenied" else code
    return "+"


def test_what_each_role_may_do_on_a_real_server(server: SeaweedFS) -> None:
    """Every call as every role answers what the table says: + done, - denied."""
    clients = [server.client(who) for who in ROLES]
    seed(server)
    lines = [" ".join(["call".ljust(22), *(who.name for who in ROLES)])]
    for name, call in CALLS.items():
        cells = []
        for who, client in zip(ROLES, clients, strict=True):
            answer = verdict(client, call)
            cells.append(answer.ljust(len(who.name)))
            if answer == "+" and not name.startswith(("list", "get", "see")):
                seed(server)
        lines.append(" ".join([name.ljust(22), *cells]).rstrip())
    tried = "\n".join(lines) + "\n"
    if os.environ.get("SHRINKWRAP_WRITE_TRIED"):
        TABLE.write_text(tried)
    assert tried == TABLE.read_text()


def denial(sid: str) -> str:
    """One statement of the bucket's policy, as a policy."""
    policy = data_bucket_policy(bucket=BUCKET, account_id="111122223333", key_arn=KEY, steward_arns=[])
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == sid]
    return json.dumps({**policy, "Statement": [statement]})


@pytest.mark.parametrize(
    ("sid", "wrong"),
    [
        ("DenyOtherEncryption", {"ServerSideEncryption": "AES256"}),
        ("DenyCustomerKey", {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}),
    ],
)
def test_the_bucket_denies_what_a_role_allows(server: SeaweedFS, sid: str, wrong: dict[str, str]) -> None:
    """Another encryption than the bucket's, and a customer's key, are denied to those who may put."""
    s3 = server.client(CONTRIBUTOR)

    def put(client: Any) -> None:
        client.put_object(Bucket=BUCKET, Key="traffic/denied", Body=b"1", **wrong)

    seed(server)
    assert verdict(s3, put) != "-"
    server.client().put_bucket_policy(Bucket=BUCKET, Policy=denial(sid))
    assert verdict(s3, put) == "-"
    assert verdict(s3, CALLS["put own"]) == "+"
    seed(server)


@pytest.fixture(scope="module")
def repository(server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of DVC with one file, whose remote is the project's prefix."""
    folder = tmp_path_factory.mktemp("repository")
    for command in (
        "git init -q",
        "dvc init -q",
        f"dvc remote add -q -d team s3://{BUCKET}/traffic/dvc",
        f"dvc remote modify team endpointurl {server.url}",
        f"dvc remote modify team region {REGION}",
    ):
        subprocess.run(command.split(), cwd=folder, env=_environment(), check=True)
    (folder / "data.bin").write_bytes(bytes(range(256)) * 40_000)
    assert dvc(folder, CONTRIBUTOR, "add", "data.bin").returncode == 0
    return folder


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}


def dvc(folder: Path, who: Identity, *arguments: str) -> subprocess.CompletedProcess[str]:
    """DVC, signing as this identity."""
    # DVC wants a settings file that is a file.
    (folder / ".git/no-settings").touch()
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(folder / ".git/no-settings"))
    environment = {**_environment(), **who.environment, **files}
    command = ["dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def forget_cache(folder: Path) -> None:
    shutil.rmtree(folder / ".dvc/cache", ignore_errors=True)
    (folder / "data.bin").unlink(missing_ok=True)


def test_dvc_as_each_role(server: SeaweedFS, repository: Path) -> None:
    """Readers cannot push, contributors can and cannot collect garbage, readers pull, stewards collect."""
    refused = dvc(repository, READER, "push")
    assert refused.returncode != 0
    assert "Forbidden" in refused.stderr or "Access Denied" in refused.stderr, refused.stderr
    assert server.objects(BUCKET, "traffic/dvc/") == {}

    foreign = dvc(repository, CLIMATE, "push")
    assert foreign.returncode != 0
    assert server.objects(BUCKET, "traffic/dvc/") == {}

    pushed = dvc(repository, CONTRIBUTOR, "push")
    assert pushed.returncode == 0, pushed.stderr
    assert list(server.objects(BUCKET, "traffic/dvc/").values()) == [256 * 40_000]

    forget_cache(repository)
    assert dvc(repository, CLIMATE, "pull").returncode != 0
    assert dvc(repository, SETTINGS, "pull").returncode != 0
    assert not (repository / "data.bin").exists()
    pulled = dvc(repository, READER, "pull")
    assert pulled.returncode == 0, pulled.stderr
    assert (repository / "data.bin").read_bytes() == bytes(range(256)) * 40_000

    # A second version; the first is garbage once no file of the workspace names it.
    (repository / "data.bin").write_bytes(b"smaller")
    assert dvc(repository, CONTRIBUTOR, "add", "data.bin").returncode == 0
    assert dvc(repository, CONTRIBUTOR, "push").returncode == 0
    there = server.objects(BUCKET, "traffic/dvc/")
    assert len(there) == 2
    for who in (READER, CONTRIBUTOR, CLIMATE):
        # DVC ends with 0 although nothing was deleted, so what is there decides.
        dvc(repository, who, "gc", "--workspace", "--cloud", "--force")
        assert server.objects(BUCKET, "traffic/dvc/") == there, who.name
    collected = dvc(repository, STEWARD, "gc", "--workspace", "--cloud", "--force")
    assert collected.returncode == 0, collected.stderr
    assert list(server.objects(BUCKET, "traffic/dvc/").values()) == [len(b"smaller")]


def test_plain_http_is_denied_to_everybody(server: SeaweedFS) -> None:
    """The last test: not even the server's own administrator can take this back without TLS."""
    seed(server)
    assert verdict(server.client(READER), CALLS["get own"]) == "+"
    server.client().put_bucket_policy(Bucket=BUCKET, Policy=denial("DenyPlainHttp"))
    for who in (READER, CONTRIBUTOR, STEWARD):
        assert verdict(server.client(who), CALLS["get own"]) == "-", who.name
    assert verdict(server.client(), CALLS["set bucket policy"]) == "-"

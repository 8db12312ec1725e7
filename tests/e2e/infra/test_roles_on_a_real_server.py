"""The policy of each role, on an identity of a real S3 server: single calls, and DVC's push, pull and gc.

The policies are those of the Pulumi program, except for one word: SeaweedFS does not support `StringLikeIfExists`, so
the condition on `s3:prefix` uses `StringLike` here. SeaweedFS has no roles to assume, no MFA, no accounts and no keys
either. Statements about them are present but have no effect, and the denials of the bucket's policy that depend on
accounts and MFA are left out. The verdict table of infra-pulumi covers all of them.
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
from shrinkwrap_infra.policies import admin_policy, break_glass_policy, data_bucket_policy, data_policy
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
BREAK_GLASS = Identity(name="break-glass", policies=[break_glass_policy(bucket=BUCKET, key_arn=KEY)])
ROLES = [READER, CONTRIBUTOR, STEWARD, SETTINGS, BREAK_GLASS, CLIMATE]

Call = Callable[[Any], object]
_VERSIONING = {"Status": "Enabled"}
_LIFECYCLE = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
# The calls by their names in the table. Objects: own (of traffic), other (of climate), alike (traffic2/).
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
    """Start an upload in parts, send one part, and abort the upload."""
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"1")
    s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload)


def delete_many(s3: Any, key: str) -> None:
    """Delete in bulk; S3 responds with 200 and lists refusals in the body."""
    response = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}]})
    if errors := response.get("Errors"):
        raise ClientError({"Error": {"Code": errors[0]["Code"]}}, "DeleteObjects")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3"), ROLES) as server:
        server.make_bucket(BUCKET)
        yield server


def seed(server: SeaweedFS) -> None:
    """Restore the state of the bucket that each call starts from."""
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
    """Every call by every role has the result in the table: + succeeded, - denied."""
    clients = [server.client(role) for role in ROLES]
    seed(server)
    lines = [" ".join(["call".ljust(22), *(role.name for role in ROLES)])]
    for name, call in CALLS.items():
        cells = []
        for role, client in zip(ROLES, clients, strict=True):
            result = verdict(client, call)
            cells.append(result.ljust(len(role.name)))
            if result == "+" and not name.startswith(("list", "get", "see")):
                seed(server)
        lines.append(" ".join([name.ljust(22), *cells]).rstrip())
    tried = "\n".join(lines) + "\n"
    if os.environ.get("SHRINKWRAP_WRITE_TRIED"):
        TABLE.write_text(tried)
    assert tried == TABLE.read_text()


def denial(sid: str) -> str:
    """A policy with one statement of the bucket's policy."""
    policy = data_bucket_policy(bucket=BUCKET, account_id="111122223333", key_arn=KEY, steward_arns=[], own_callers=[])
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
    """A role that may put cannot use an encryption other than the bucket's, or a customer key."""
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
    """A DVC repository with one file, whose remote is the prefix of the project."""
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


def dvc(folder: Path, role: Identity, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC with the credentials of this role."""
    # DVC requires that the settings file exists.
    (folder / ".git/no-settings").touch()
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), str(folder / ".git/no-settings"))
    environment = {**_environment(), **role.environment, **files}
    command = ["dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def forget_cache(folder: Path) -> None:
    shutil.rmtree(folder / ".dvc/cache", ignore_errors=True)
    (folder / "data.bin").unlink(missing_ok=True)


def test_dvc_as_each_role(server: SeaweedFS, repository: Path) -> None:
    """Readers can only pull, contributors can also push, and only stewards can collect garbage."""
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

    # The first version becomes garbage when no file of the workspace refers to it.
    (repository / "data.bin").write_bytes(b"smaller")
    assert dvc(repository, CONTRIBUTOR, "add", "data.bin").returncode == 0
    assert dvc(repository, CONTRIBUTOR, "push").returncode == 0
    before = server.objects(BUCKET, "traffic/dvc/")
    assert len(before) == 2
    for role in (READER, CONTRIBUTOR, CLIMATE):
        # DVC exits with 0 although nothing was deleted, so look at the objects.
        dvc(repository, role, "gc", "--workspace", "--cloud", "--force")
        assert server.objects(BUCKET, "traffic/dvc/") == before, role.name
    collected = dvc(repository, STEWARD, "gc", "--workspace", "--cloud", "--force")
    assert collected.returncode == 0, collected.stderr
    assert list(server.objects(BUCKET, "traffic/dvc/").values()) == [len(b"smaller")]


def test_plain_http_is_denied_to_everyone(server: SeaweedFS) -> None:
    """This test must be the last one: without TLS, even the server's administrator cannot undo the denial."""
    seed(server)
    assert verdict(server.client(READER), CALLS["get own"]) == "+"
    server.client().put_bucket_policy(Bucket=BUCKET, Policy=denial("DenyPlainHttp"))
    for role in (READER, CONTRIBUTOR, STEWARD):
        assert verdict(server.client(role), CALLS["get own"]) == "-", role.name
    assert verdict(server.client(), CALLS["set bucket policy"]) == "-"

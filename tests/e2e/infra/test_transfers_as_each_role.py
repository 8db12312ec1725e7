"""data.push, data.pull, data.check, data.doctor and data.gc with the policies of each role, on a real S3 server.

The policies restrict listing by `s3:prefix` and objects by the prefix of the project, and our requests must comply.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ..seaweed import Identity, SeaweedFS
from ..share.conftest import tracked
from .test_roles_on_a_real_server import BREAK_GLASS, BUCKET, CLIMATE, CONTRIBUTOR, READER, ROLES, SETTINGS, STEWARD


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3"), ROLES) as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture(scope="module")
def project(server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A committed dataset with one file that is uploaded in parts; the remote is the project's prefix in the bucket."""
    made = tracked().Project(tmp_path_factory.mktemp("project") / "räum 1")
    made.write("climate", {"groß.parquet": os.urandom(18_000_000), "a b.parquet": os.urandom(1000)})
    made.configure(
        f"['remote \"team\"']\n    url = s3://{BUCKET}/traffic\n    endpointurl = {server.url}\n", default="team"
    )
    made.commit("Data")
    return made


def refused(project: Any, who: Identity, *words: str, action: str) -> None:
    answer = project.run(*words, **who.environment)
    assert answer.returncode == 1, f"{who.name} {words}: {answer.stdout}{answer.stderr}"
    assert f"may not do {action} on bucket '{BUCKET}'" in answer.stderr or action in answer.stderr, answer.stderr
    assert "Traceback" not in answer.stderr


def steps(project: Any, who: Identity) -> dict[str, str]:
    answer = project.run("doctor", "--json", **who.environment)
    return {step["name"]: step["state"] for step in json.loads(answer.stdout)["steps"][3:]}


def test_each_role_from_push_to_garbage(server: SeaweedFS, project: Any) -> None:
    """Readers pull, contributors push, stewards collect; other roles get an error that names the action."""
    before = project.data()
    for who, action in ((READER, "s3:PutObject"), (CLIMATE, "s3:ListBucket"), (SETTINGS, "s3:PutObject")):
        refused(project, who, "push", action=action)
    assert server.objects(BUCKET, "traffic/") == {}

    done = project.json("push", **CONTRIBUTOR.environment)
    pushed = server.objects(BUCKET, "traffic/")
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == sum(pushed.values())
    assert server.uploads(BUCKET) == []

    project.forget()
    refused(project, CLIMATE, "pull", action="s3:ListBucket")
    refused(project, SETTINGS, "pull", action="s3:GetObject")
    assert project.run("check", **READER.environment).returncode == 0
    assert project.json("pull", **READER.environment)["moved"]["bytes"] == sum(pushed.values())
    assert project.data() == before

    project.write("climate", {"new.parquet": b"new"})
    project.git("checkout", "--quiet", "--orphan", "other")
    project.commit("New data")
    project.git("branch", "-D", "main")
    assert project.run("push", **CONTRIBUTOR.environment).returncode == 0
    for who in (READER, CONTRIBUTOR):
        refused(project, who, "gc", "--days", "0", "--yes", action="s3:DeleteObject")
        assert len(server.objects(BUCKET, "traffic/")) == len(pushed) + 2, who.name
    assert project.json("gc", "--days", "0", "--yes", **STEWARD.environment)["removed"] == len(pushed)
    assert len(server.objects(BUCKET, "traffic/")) == 2


def test_the_doctor_finds_what_each_role_may(project: Any) -> None:
    """The doctor reports list, get and put as in the table of roles."""
    assert steps(project, READER) == {"list": "ok", "get": "ok", "put": "failed"}
    assert steps(project, CONTRIBUTOR) == {"list": "ok", "get": "ok", "put": "ok"}
    assert steps(project, STEWARD) == {"list": "ok", "get": "ok", "put": "ok"}
    assert steps(project, CLIMATE) == {"list": "failed", "get": "failed", "put": "failed"}
    assert steps(project, SETTINGS) == {"list": "ok", "get": "failed", "put": "failed"}


def test_a_steward_brings_back_what_was_overwritten_or_deleted(server: SeaweedFS, project: Any) -> None:
    """The doctor lists older versions to stewards only, and the command that it prints makes one the present one."""
    admin = server.client()
    admin.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    good, gone = (f"traffic/files/md5/{name}" for name in ("aa/" + "0" * 30, "bb/" + "1" * 30))
    contributor, steward = server.client(CONTRIBUTOR), server.client(STEWARD)
    for key in (good, gone):
        contributor.put_object(Bucket=BUCKET, Key=key, Body=b"good")
    contributor.put_object(Bucket=BUCKET, Key=good, Body=b"damaged")
    steward.delete_object(Bucket=BUCKET, Key=gone)
    for who in (READER, CONTRIBUTOR):
        refused(project, who, "doctor", "--versions", action="s3:ListBucketVersions")

    report = project.json("doctor", "--versions", **STEWARD.environment)["objects"]
    assert {found["key"]: found["state"] for found in report} == {good: "overwritten", gone: "deleted"}
    text = project.run("doctor", "--versions", **STEWARD.environment).stdout
    for found in report:
        (older,) = found["older"]
        assert older["bytes"] == len(b"good")
        assert found["command"] in text
        words = shlex.split(found["command"])
        assert words[:3] == ["aws", "s3api", "copy-object"]
        options = dict(zip(words[3::2], words[4::2], strict=True))
        assert options["--endpoint-url"] == server.url
        steward.copy_object(Bucket=options["--bucket"], Key=options["--key"], CopySource=options["--copy-source"])
        assert contributor.get_object(Bucket=BUCKET, Key=found["key"])["Body"].read() == b"good"


def test_only_break_glass_removes_versions(server: SeaweedFS) -> None:
    """It empties the bucket, as the README says for taking a stack down, without being able to read anything."""
    server.client().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        server.client(CONTRIBUTOR).put_object(Bucket=BUCKET, Key="traffic/x", Body=body)
    server.client(STEWARD).delete_object(Bucket=BUCKET, Key="traffic/x")
    s3 = server.client(BREAK_GLASS)
    listed = s3.list_object_versions(Bucket=BUCKET)
    versions = [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for kind in ("Versions", "DeleteMarkers")
        for each in listed.get(kind, [])
    ]
    assert len([each for each in versions if each["Key"] == "traffic/x"]) == 3
    old = next(each for each in versions if each["Key"] == "traffic/x")
    for who in (READER, CONTRIBUTOR, STEWARD, SETTINGS, CLIMATE):
        with pytest.raises(ClientError, match="AccessDenied"):
            server.client(who).delete_object(Bucket=BUCKET, **old)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=BUCKET, Key="traffic/x", VersionId=listed["Versions"][0]["VersionId"])
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": versions})
    assert answer.get("Errors", []) == []
    left = s3.list_object_versions(Bucket=BUCKET)
    assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])

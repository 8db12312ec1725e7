"""data.push, data.pull, data.check, data.doctor and data.gc under the roles' own policies, on a real S3 server.

The policies narrow listing by `s3:prefix` and objects by the prefix of the project; what our code asks must fit in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from ..seaweed import Identity, SeaweedFS
from ..share.conftest import tracked
from .test_roles_on_a_real_server import BUCKET, CLIMATE, CONTRIBUTOR, READER, ROLES, SETTINGS, STEWARD


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("s3"), ROLES) as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture(scope="module")
def project(server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A committed dataset, one file of which is sent in parts; the remote is the project's prefix of the bucket."""
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
    """Readers pull, contributors push, stewards collect; who may not is told the action, and nothing happens."""
    before = project.data()
    for who, action in ((READER, "s3:PutObject"), (CLIMATE, "s3:ListBucket"), (SETTINGS, "s3:PutObject")):
        refused(project, who, "push", action=action)
    assert server.objects(BUCKET, "traffic/") == {}

    done = project.json("push", **CONTRIBUTOR.environment)
    there = server.objects(BUCKET, "traffic/")
    assert done["plan"]["bytes"] == done["moved"]["bytes"] == sum(there.values())
    assert server.uploads(BUCKET) == []

    project.forget()
    refused(project, CLIMATE, "pull", action="s3:ListBucket")
    refused(project, SETTINGS, "pull", action="s3:GetObject")
    assert project.run("check", **READER.environment).returncode == 0
    assert project.json("pull", **READER.environment)["moved"]["bytes"] == sum(there.values())
    assert project.data() == before

    project.write("climate", {"new.parquet": b"new"})
    project.git("checkout", "--quiet", "--orphan", "other")
    project.commit("Anew")
    project.git("branch", "-D", "main")
    assert project.run("push", **CONTRIBUTOR.environment).returncode == 0
    for who in (READER, CONTRIBUTOR):
        refused(project, who, "gc", "--days", "0", "--yes", action="s3:DeleteObject")
        assert len(server.objects(BUCKET, "traffic/")) == len(there) + 2, who.name
    assert project.json("gc", "--days", "0", "--yes", **STEWARD.environment)["removed"] == len(there)
    assert len(server.objects(BUCKET, "traffic/")) == 2


def test_the_doctor_finds_what_each_role_may(project: Any) -> None:
    """List, get and put, as the table of roles says."""
    assert steps(project, READER) == {"list": "ok", "get": "ok", "put": "failed"}
    assert steps(project, CONTRIBUTOR) == {"list": "ok", "get": "ok", "put": "ok"}
    assert steps(project, STEWARD) == {"list": "ok", "get": "ok", "put": "ok"}
    assert steps(project, CLIMATE) == {"list": "failed", "get": "failed", "put": "failed"}
    assert steps(project, SETTINGS) == {"list": "ok", "get": "failed", "put": "failed"}

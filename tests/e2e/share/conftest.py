"""Fixtures for the tests of data_share against real servers: SeaweedFS, its roles, and small projects."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..seaweed import Identity, SeaweedFS

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "team"


def tracked() -> Any:
    """The module that creates projects for the package's own tests."""
    spec = importlib.util.spec_from_file_location("tracked", ROOT / "packages/data-share/tests/tracked.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tracked"] = module
    spec.loader.exec_module(module)
    return module


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{resource}", **more}


LIST = allow("s3:ListBucket", resource=BUCKET)
GET, PUT, DELETE = (
    allow(action, resource=f"{BUCKET}/*") for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
)
ABORT = allow("s3:AbortMultipartUpload", resource=f"{BUCKET}/*")

READER = Identity(name="reader", policies=[policy(LIST, GET)])
CONTRIBUTOR = Identity(name="contributor", policies=[policy(LIST, GET, PUT, ABORT)])
STEWARD = Identity(name="steward", policies=[policy(LIST, GET, PUT, ABORT, DELETE)])
BLIND = Identity(name="blind", policies=[policy(GET, PUT, ABORT)])
# Allowed to put only below some folders of objects, so that a larger push is refused half-way.
HALF = Identity(
    name="half",
    policies=[
        policy(
            LIST,
            GET,
            ABORT,
            *(allow("s3:PutObject", resource=f"{BUCKET}/*/files/md5/{digit}*") for digit in "01234567"),
        ),
    ],
)
STRANGER = Identity(name="stranger")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """SeaweedFS with one bucket."""
    identities = [READER, CONTRIBUTOR, STEWARD, BLIND, HALF]
    with SeaweedFS(tmp_path_factory.mktemp("weed"), identities) as running:
        running.make_bucket(BUCKET)
        yield running


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the bucket that only this test uses."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.name)


@pytest.fixture
def make_project(tmp_path: Path, server: SeaweedFS, prefix: str) -> Callable[..., Any]:
    """Creates projects whose remote `team` is the bucket."""

    def make(*, endpoint: str = "", url: str = "", name: str = "räum 1", more: str = "") -> Any:
        project = tracked().Project(tmp_path / name)
        endpoint = endpoint or server.url
        url = url or f"s3://{BUCKET}/{prefix}"
        project.configure(f"['remote \"team\"']\n    url = {url}\n    endpointurl = {endpoint}\n{more}", default="team")
        return project

    return make

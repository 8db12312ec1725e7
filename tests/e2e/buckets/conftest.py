"""Fixtures for datasets in buckets: SeaweedFS with its identities, and small projects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..seaweed import Identity, SeaweedFS

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "lake"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, resource: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": f"arn:aws:s3:::{resource}"}


LIST = allow("s3:ListBucket", "s3:ListBucketMultipartUploads", resource=BUCKET)
GET, PUT, DELETE, ABORT = (
    allow(action, resource=f"{BUCKET}/*")
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
)
WRITER = Identity(name="writer", policies=[policy(LIST, GET, PUT, DELETE, ABORT)])
# May not read the raw files, nor write the parts, that are called `secret`.
LIMITED = Identity(
    name="limited",
    policies=[
        policy(LIST, GET, PUT, DELETE, ABORT),
        policy(
            allow("s3:GetObject", resource=f"{BUCKET}/*/secret.csv", effect="Deny"),
            allow("s3:PutObject", resource=f"{BUCKET}/*/secret.parquet", effect="Deny"),
        ),
    ],
)


class Project:
    """A project with one dataset `rows` of numbers and texts, whose source and output may be in the bucket."""

    def __init__(self, root: Path, server: SeaweedFS, prefix: str) -> None:
        self.root = root
        self.server = server
        self.prefix = prefix
        self.client = server.client()
        (root / "data").mkdir(parents=True)
        self.describe()

    def url(self, name: str) -> str:
        """The URL of a prefix that only this test uses."""
        return f"s3://{BUCKET}/{self.prefix}/{name}"

    def describe(self, *, source: str = "", output: str = "", more: str = "", name: str = "rows") -> None:
        """Write datasets.toml; by default, source and output are in the bucket."""
        (self.root / "data/datasets.toml").write_text(
            f"[datasets.{name}]\nsource = {json.dumps(source or self.url('raw'))}\n"
            f"output = {json.dumps(output or self.url('out'))}\n"
            'columns = [{ name = "n", type = "int32" }, { name = "text", type = "string" }]\n' + more
        )

    def put(self, name: str, content: bytes, *, prefix: str = "raw") -> None:
        """Put an object below the prefix of the raw files."""
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{prefix}/{name}", Body=content)

    def remove(self, name: str, *, prefix: str = "raw") -> None:
        self.client.delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{prefix}/{name}")

    def objects(self, prefix: str = "out") -> dict[str, bytes]:
        """The content of each object below a prefix, by its name."""
        start = f"{self.prefix}/{prefix}/"
        return {key.removeprefix(start): self._content(key) for key in self.server.objects(BUCKET, start)}

    def _content(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def uploads(self) -> list[str]:
        """The names of uploads of this project that are neither complete nor aborted."""
        return [key for key in self.server.uploads(BUCKET) if key.startswith(f"{self.prefix}/")]

    def environment(self, identity: Identity = WRITER, endpoint: str = "") -> dict[str, str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**variables, **identity.environment, "AWS_ENDPOINT_URL_S3": endpoint or self.server.url}

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `shrinkwrap data.WORDS` as a process of its own."""
        program = Path(sys.executable).with_name("shrinkwrap")
        return subprocess.Popen(
            [program, f"data.{words[0]}", *words[1:]],
            cwd=self.root,
            env=environment or self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *words: str, code: int = 0, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `shrinkwrap data.WORDS` to its end; it must return this exit code, without a traceback."""
        with self.start(*words, environment=environment) as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def remote(self) -> None:
        """Make a folder the remote of DVC, which `data.status` asks."""
        (self.root / ".dvc/config").write_text(
            f"[core]\n    remote = box\n['remote \"box\"']\n    url = {self.root / 'remote'}\n"
        )
        (self.root / "remote").mkdir()

    def lock(self) -> Any:
        """The records of data/buckets.lock."""
        return json.loads((self.root / "data/buckets.lock").read_text("utf-8"))["datasets"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """SeaweedFS with one bucket."""
    with SeaweedFS(tmp_path_factory.mktemp("weed"), [WRITER, LIMITED]) as running:
        running.make_bucket(BUCKET)
        yield running


@pytest.fixture
def make_project(tmp_path: Path, server: SeaweedFS, request: pytest.FixtureRequest) -> Callable[[str], Project]:
    """Creates projects that share a prefix of the bucket, which only this test uses."""
    prefix = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return lambda name: Project(tmp_path / name, server, prefix)


@pytest.fixture
def project(make_project: Callable[[str], Project]) -> Project:
    return make_project("räum 1")

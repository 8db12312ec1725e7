"""Damage in a real bucket: seen by data.check, repaired by a contributor, and young lists in data.gc."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..seaweed import SeaweedFS
from .conftest import BUCKET, CONTRIBUTOR, READER, STEWARD

FILE = "data/raw/parquet/climate/2023.parquet"


@pytest.fixture
def project(make_project: Callable[..., Any]) -> Any:
    """A dataset of two files on the remote."""
    created = make_project()
    created.write("climate", {"2023.parquet": b"a" * 1000, "2024.parquet": b"b" * 2000})
    created.commit("Data")
    assert created.run("push", **CONTRIBUTOR.environment).returncode == 0
    return created


def put(server: SeaweedFS, prefix: str, oid: str, content: bytes) -> None:
    server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/files/md5/{oid[:2]}/{oid[2:]}", Body=content)


@pytest.mark.parametrize("content", [b"!" * 1000, b"a" * 999, b""])
def test_a_contributor_repairs_an_object(
    project: Any, server: SeaweedFS, prefix: str, content: bytes, tmp_path: Path
) -> None:
    """A reader sees the damage, a contributor who has the file replaces it, and a reader pulls the right bytes."""
    put(server, prefix, project.keep(b"a" * 1000), content)
    result = project.run("check", "--deep", "--json", **READER.environment)
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["damaged_on_remote"] == [{"dataset": "climate", "files": [FILE]}]
    moved = project.json("push", "--repair", **CONTRIBUTOR.environment)["moved"]
    assert (moved["files"], moved["bytes"]) == (1, 1000)
    assert project.run("check", "--deep", **READER.environment).returncode == 0
    reader = project.clone(tmp_path / "reader")
    assert reader.run("pull", **READER.environment).returncode == 0
    assert (reader.root / FILE).read_bytes() == b"a" * 1000


def test_a_steward_keeps_what_a_young_commit_needs(
    project: Any, server: SeaweedFS, prefix: str, tmp_path: Path
) -> None:
    """Objects of a bucket are young when they were just uploaded, so nothing is garbage by default."""
    colleague = project.clone(tmp_path / "colleague")
    colleague.write("climate", {"2025.parquet": b"c" * 100})
    assert colleague.run("push", **CONTRIBUTOR.environment).returncode == 0
    before = server.objects(BUCKET, prefix)
    assert project.run("gc", "--yes", **STEWARD.environment).returncode == 0
    assert server.objects(BUCKET, prefix) == before
    assert project.run("gc", "--yes", "--days", "0", **STEWARD.environment).returncode == 0
    assert len(server.objects(BUCKET, prefix)) == len(before) - 2

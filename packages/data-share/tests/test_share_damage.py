"""Objects of the remote that are truncated, empty or changed: data.check and data.status see them, a push repairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Share
from .tracked import Project

OID = "cabe45dcc9ae5b66ba86600cca6b8ba8"
FILE = "data/raw/parquet/climate/2023.parquet"
RIGHT = b"a" * 1000


def list_of(project: Project, dataset: str) -> str:
    return str(project._outputs[dataset]["md5"])


@pytest.fixture
def stranger(project: Project, share: Share, tmp_path: Path) -> Project:
    """A clone without any data; all data are on the remote."""
    share("push")
    return project.clone(tmp_path / "stranger")


@pytest.mark.parametrize("content", [b"", b"a" * 999], ids=["empty", "truncated"])
@pytest.mark.parametrize("has_data", [True, False], ids=["with the data", "without the data"])
def test_a_wrong_size_fails_the_check(project: Project, stranger: Project, content: bytes, has_data: bool) -> None:
    """A machine that has the file names it; another one sees that the sizes do not add up to the recorded sum."""
    clone = project if has_data else stranger
    project.on_remote(OID).write_bytes(content)
    result = clone.run("check", "--json")
    named = FILE if has_data or not content else "data/raw/parquet/climate"
    assert result.returncode == 1, result.stderr
    assert json.loads(result.stdout)["damaged_on_remote"] == [{"dataset": "climate", "files": [named]}]
    shown = clone.run("check").stderr
    assert f"has files with a wrong size or content:\n  climate: 1 file\n    {named}\n" in shown
    assert "`invoke data.push --repair`" in shown


def test_an_empty_file_that_is_recorded_is_right(project: Project, share: Share) -> None:
    """A file without content has an object without content."""
    project.write("climate", {"empty.parquet": b""})
    share("push")
    assert share("check").code == 0
    assert share("check", "--deep").code == 0


def test_the_status_shows_a_wrong_size(project: Project, share: Share) -> None:
    """data.status names the file, and the command that repairs it."""
    share("push")
    project.on_remote(OID).write_bytes(b"")
    expected = f"climate:\n  wrong size on the remote 'box': {FILE} (`invoke data.push --repair` by a colleague"
    assert share("status", "--dataset", "climate").out.startswith(expected)
    document = json.loads(share("status", "--json").out)
    assert document["datasets"][0]["damaged_on_remote"] == [FILE]


@pytest.mark.parametrize("content", [b"", b"[]", b"damaged"])
def test_a_damaged_list_fails_the_check(project: Project, stranger: Project, content: bytes) -> None:
    """The list of a folder is read, so any damage to it shows, without --deep."""
    project.on_remote(list_of(project, "climate")).write_bytes(content)
    result = stranger.run("check", "--json")
    assert result.returncode == 1, result.stderr
    damaged = [{"dataset": "climate", "files": ["data/raw/parquet/climate"]}]
    assert json.loads(result.stdout)["damaged_on_remote"] == damaged


def test_a_deep_check_reads_everything(project: Project, stranger: Project) -> None:
    """Damage that leaves the size shows only if the objects are read; nothing is kept."""
    project.on_remote(OID).write_bytes(b"!" * 1000)
    assert stranger.run("check").returncode == 0
    result = stranger.run("check", "--deep", "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["damaged_on_remote"] == [{"dataset": "climate", "files": [FILE]}]
    assert not (stranger.root / ".dvc/cache").exists()


def test_a_commit_without_data(project: Project, share: Share) -> None:
    """A commit that records nothing is not "all 0 objects"."""
    for name in ("dvc.lock", "dvc.yaml"):
        (project.root / "data" / name).unlink()
    first = project.commit("No data")
    assert share("check", "--rev", first).out == f"{first}: records no data\n"


def repaired(share: Share, *words: str) -> Any:
    result = share("push", "--repair", "--json", *words)
    return result.code, json.loads(result.out)


@pytest.mark.parametrize("content", [b"!" * 1000, b"", b"a" * 999])
def test_a_push_repairs_the_remote(project: Project, share: Share, stranger: Project, content: bytes) -> None:
    """The object is read and replaced; its bytes are planned and moved; then everybody can pull."""
    project.on_remote(OID).write_bytes(content)
    plan = json.loads(share("push", "--repair", "--plan", "--json").out)["plan"]
    assert project.on_remote(OID).read_bytes() == content
    code, document = repaired(share)
    assert (code, document["moved"]["bytes"], plan["bytes"]) == (0, 1000, 1000)
    assert project.on_remote(OID).read_bytes() == RIGHT
    assert share("check", "--deep").code == 0
    assert stranger.run("pull").returncode == 0
    assert "nothing to push" in share("push", "--repair").out


def test_a_push_repairs_a_list(project: Project, share: Share, stranger: Project) -> None:
    """The list of a folder is repaired like a file."""
    path = project.on_remote(list_of(project, "climate"))
    right = path.read_bytes()
    path.write_bytes(right.replace(b"2023", b"1023"))
    assert repaired(share)[0] == 0
    assert path.read_bytes() == right


def test_a_push_without_repair_does_not_read(project: Project, share: Share, stranger: Project) -> None:
    """Without --repair, an object with the right size is not read and stays."""
    project.on_remote(OID).write_bytes(b"!" * 1000)
    assert "nothing to push" in share("push").out


def test_who_has_a_part_repairs_that_part(project: Project, share: Share, stranger: Project) -> None:
    """What this machine does not have is named, and the exit code is 1; what it has is repaired."""
    other = "data/raw/parquet/climate/2024.parquet"
    other_oid = project.keep(b"b" * 2000)
    for oid, size in ((OID, 1000), (other_oid, 2000)):
        project.on_remote(oid).write_bytes(b"!" * size)
    project.cached(OID).unlink()
    (project.root / FILE).unlink()
    code, document = repaired(share)
    assert (code, document["damaged_on_remote"]) == (1, [FILE])
    assert project.on_remote(other_oid).read_bytes() == b"b" * 2000
    result = share("push", "--repair")
    assert result.code == 1
    assert f"and this machine has no intact copy:\n  climate: 1 file\n    {FILE}\n" in result.out
    assert other not in result.out


def test_damage_does_not_replace_damage(project: Project, share: Share, stranger: Project) -> None:
    """A damaged copy of this machine is no copy."""
    project.on_remote(OID).write_bytes(b"!" * 1000)
    project.cached(OID).chmod(0o644)
    project.cached(OID).write_bytes(b"?" * 1000)
    (project.root / FILE).unlink()
    assert repaired(share)[0] == 1
    assert project.on_remote(OID).read_bytes() == b"!" * 1000


def test_a_truncated_object_is_sent_again_from_the_working_tree(project: Project, share: Share) -> None:
    """A push sees a wrong size also if only the working tree has the file."""
    share("push")
    project.on_remote(OID).write_bytes(b"a")
    project.cached(OID).unlink()
    assert share("push").code == 0
    assert project.on_remote(OID).read_bytes() == RIGHT


def test_who_does_not_have_the_data_is_not_advised_to_push(project: Project, stranger: Project) -> None:
    """Data that are neither here nor on the remote cannot be pushed or pulled from here."""
    for oid in list(project.objects()):
        project.on_remote(oid).unlink()
    shown = stranger.run("status", "--dataset", "climate").stdout
    assert shown.startswith("climate:\n  neither on this machine nor on the remote 'box': all files (a colleague who")
    assert "missing locally" not in shown and "(`invoke data.push`)" not in shown


def test_a_push_that_cannot_repair_a_wrong_size_fails(project: Project, stranger: Project) -> None:
    """A machine without the file sees that the sizes are wrong; "has all files" alone would be wrong."""
    project.on_remote(OID).write_bytes(b"a" * 999)
    assert stranger.run("pull", "--dataset", "traffic").returncode == 0
    result = stranger.run("push", "--dataset", "climate")
    assert result.returncode == 1
    assert "this machine has no intact copy:\n  climate: 1 file\n    data/raw/parquet/climate\n" in result.stdout

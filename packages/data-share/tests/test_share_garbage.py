"""data.gc: what it keeps, what it removes, and that it counts."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from data_share.__main__ import main
from data_share.stores import FolderStore

from .conftest import Share
from .tracked import Project


@pytest.fixture
def history(project: Project, share: Share) -> dict[str, str]:
    """Versions a (tagged), b (branch), c (an old commit of main), d (now); all pushed; list objects by name."""
    versions = {}
    for name in "abcd":
        versions[name] = project.write("climate", {f"{name}.parquet": name.encode() * 100})
        share("push")
        date = {"GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z", "GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z"}
        for variable, value in date.items() if name == "c" else ():
            os.environ[variable] = value
        try:
            project.commit(name)
        finally:
            for variable in date:
                os.environ.pop(variable, None)
        if name == "a":
            project.git("tag", "v1")
        if name == "b":
            project.git("branch", "kept")
    return versions


def plan(share: Share, *words: str) -> Any:
    answer = share("gc", "--plan", "--json", *words)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)["plan"]


def test_branches_tags_and_the_working_tree_keep(share: Share, history: dict[str, str]) -> None:
    """With no days, only what no branch, no tag and not the working tree records goes: list and files."""
    gone = plan(share, "--days", "0")
    assert gone["files"] == 2
    assert history["c"] in gone["objects"]
    assert not {history["a"], history["b"], history["d"]} & set(gone["objects"])


def test_what_is_not_committed_yet_keeps(project: Project, share: Share, history: dict[str, str]) -> None:
    """Data that were pushed before their record was committed are needed by the working tree."""
    fresh = project.write("climate", {"e.parquet": b"e" * 100})
    share("push")
    gone = plan(share, "--days", "0")["objects"]
    assert fresh not in gone and history["c"] in gone


def test_what_is_checked_out_keeps(project: Project, share: Share, history: dict[str, str], tmp_path: Path) -> None:
    """A commit that no branch ends in, but that a worktree of the repository has checked out, keeps its data."""
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "beside"), "main~1")
    assert history["c"] not in plan(share, "--days", "0")["objects"]
    project.git("worktree", "remove", str(tmp_path / "beside"))
    assert history["c"] in plan(share, "--days", "0")["objects"]


def test_recent_commits_and_recent_objects_keep(project: Project, share: Share, history: dict[str, str]) -> None:
    """What came within the days stays whoever needs it: a colleague's commit may not be known here yet."""
    assert plan(share)["files"] == 0
    for path in (project.remote / "files").rglob("*"):
        os.utime(path, (0, 0))
    assert plan(share)["files"] == 2


def test_it_asks(project: Project, share: Share, history: dict[str, str]) -> None:
    """Where nobody can say yes, nothing is removed."""
    before = project.objects()
    answer = share("gc", "--days", "0")
    assert (answer.code, project.objects()) == (2, before)
    assert "Nobody is here to say yes; --yes says it, --plan only looks." in answer.err


@pytest.mark.parametrize(("typed", "code", "removed"), [("y\n", 0, 2), ("n\n", 2, 0), ("", 2, 0)])
def test_it_waits_for_a_yes(
    project: Project,
    history: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    removed: int,
) -> None:
    """On a terminal it removes only after a yes."""
    before = len(project.objects())
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert main(argv=["gc", "--days", "0"]) == code
    assert before - len(project.objects()) == removed


def test_it_removes_what_it_planned(project: Project, share: Share, history: dict[str, str]) -> None:
    """What goes is what the plan named, and what is needed can still be pulled."""
    gone = set(plan(share, "--days", "0")["objects"])
    before = set(project.objects())
    assert json.loads(share("gc", "--days", "0", "--yes", "--json").out)["removed"] == len(gone) == 2
    assert before - set(project.objects()) == gone
    for revision in ("HEAD", "v1", "kept"):
        assert share("check", "--rev", revision).code == 0


def test_a_store_that_keeps_is_told(
    project: Project, share: Share, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store says nothing and keeps everything, gc fails and counts."""
    monkeypatch.setattr(FolderStore, "remove", lambda self, oids: {})
    answer = share("gc", "--days", "0", "--yes")
    assert answer.code == 1
    assert "kept 2 objects that should be gone (0 went)" in answer.err


def test_the_local_cache(project: Project, share: Share, history: dict[str, str]) -> None:
    """--local removes from the cache, not from the remote: there are c, and a first version that never was pushed."""
    before = project.objects()
    assert json.loads(share("gc", "--local", "--days", "0", "--yes", "--json").out)["removed"] == 4
    assert project.objects() == before
    assert not project.cached(history["c"]).exists()
    assert project.cached(history["a"]).exists()


def test_a_list_that_is_nowhere_stops_it(project: Project, share: Share, history: dict[str, str]) -> None:
    """If it cannot be told which files a branch needs, nothing is removed."""
    project.there(history["b"]).unlink()
    project.cached(history["b"]).unlink()
    before = project.objects()
    answer = share("gc", "--days", "0", "--yes")
    assert (answer.code, project.objects()) == (2, before)
    assert "so its files cannot be told from garbage; nothing was removed" in answer.err


def test_a_shallow_clone_knows_too_little(
    project: Project, share: Share, history: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shallow clone gc refuses, as it cannot see what other commits need."""
    origin, clone = f"file://{project.root}", tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", origin, clone], check=True)
    monkeypatch.chdir(clone)
    answer = share("gc", "--yes")
    assert answer.code == 2
    assert "this clone is shallow" in answer.err

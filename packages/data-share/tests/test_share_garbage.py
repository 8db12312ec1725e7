"""data.gc keeps what commits need, removes the rest, and checks that it is removed."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from data_share.stores.folder import FolderStore
from shrinkwrap.program import main

from .conftest import Share
from .tracked import Project


@pytest.fixture
def history(project: Project, share: Share) -> dict[str, str]:
    """Pushed versions a (tagged), b (a branch), c (an old commit of main) and d (current); lists of folders by name."""
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
    result = share("gc", "--plan", "--json", *words)
    assert result.code == 0, result.err
    return json.loads(result.out)["plan"]


def test_branches_tags_and_the_working_tree_keep_data(share: Share, history: dict[str, str]) -> None:
    """With --days 0, the garbage is what no branch, no tag and not the working tree records: list and files."""
    garbage = plan(share, "--days", "0")
    assert garbage["files"] == 2
    assert history["c"] in garbage["objects"]
    assert not {history["a"], history["b"], history["d"]} & set(garbage["objects"])


def test_uncommitted_records_keep_data(project: Project, share: Share, history: dict[str, str]) -> None:
    """The working tree needs data that were pushed before their record was committed."""
    fresh = project.write("climate", {"e.parquet": b"e" * 100})
    share("push")
    garbage = plan(share, "--days", "0")["objects"]
    assert fresh not in garbage and history["c"] in garbage


def test_worktrees_keep_data(project: Project, share: Share, history: dict[str, str], tmp_path: Path) -> None:
    """A commit that only another worktree has checked out keeps its data."""
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "worktree"), "main~1")
    assert history["c"] not in plan(share, "--days", "0")["objects"]
    project.git("worktree", "remove", str(tmp_path / "worktree"))
    assert history["c"] in plan(share, "--days", "0")["objects"]


def test_recent_objects_stay(project: Project, share: Share, history: dict[str, str]) -> None:
    """Objects that were pushed within the days stay, because the commit of a colleague may not be fetched yet."""
    assert plan(share)["files"] == 0
    for path in (project.remote / "files").rglob("*"):
        os.utime(path, (0, 0))
    assert plan(share)["files"] == 2


def test_removal_needs_a_confirmation(project: Project, share: Share, history: dict[str, str]) -> None:
    """Without a terminal and without --yes, nothing is removed."""
    before = project.objects()
    result = share("gc", "--days", "0")
    assert (result.code, project.objects()) == (2, before)
    assert "Without a terminal, confirm with --yes, or look first with --plan." in result.err


@pytest.mark.parametrize(("typed", "code", "removed"), [("y\n", 0, 2), ("n\n", 2, 0), ("", 2, 0)])
def test_a_terminal_is_asked(
    project: Project,
    history: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    removed: int,
) -> None:
    """On a terminal, data.gc removes objects only after a yes."""
    before = len(project.objects())
    terminal = io.StringIO(typed)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert main(["data.gc", "--days", "0"]) == code
    assert before - len(project.objects()) == removed


def test_the_planned_objects_are_removed(project: Project, share: Share, history: dict[str, str]) -> None:
    """Exactly the planned objects are removed, and commits can still be pulled."""
    garbage = set(plan(share, "--days", "0")["objects"])
    before = set(project.objects())
    assert json.loads(share("gc", "--days", "0", "--yes", "--json").out)["removed"] == len(garbage) == 2
    assert before - set(project.objects()) == garbage
    for revision in ("HEAD", "v1", "kept"):
        assert share("check", "--rev", revision).code == 0


def test_an_object_that_is_kept_is_an_error(
    project: Project, share: Share, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the remote reports success and keeps everything, data.gc fails and counts the kept objects."""
    monkeypatch.setattr(FolderStore, "remove", lambda self, oids: {})
    result = share("gc", "--days", "0", "--yes")
    assert result.code == 1
    assert "kept 2 objects that should be removed (0 were removed)" in result.err


def test_the_local_cache_is_cleaned(project: Project, share: Share, history: dict[str, str]) -> None:
    """--local cleans the cache, not the remote; it has version c and a first version that was never pushed."""
    before = project.objects()
    assert json.loads(share("gc", "--local", "--days", "0", "--yes", "--json").out)["removed"] == 4
    assert project.objects() == before
    assert not project.cached(history["c"]).exists()
    assert project.cached(history["a"]).exists()


def test_a_lost_list_stops_the_removal(project: Project, share: Share, history: dict[str, str]) -> None:
    """If the list of a needed folder is lost, its files are unknown, so nothing is removed."""
    project.on_remote(history["b"]).unlink()
    project.cached(history["b"]).unlink()
    before = project.objects()
    result = share("gc", "--days", "0", "--yes")
    assert (result.code, project.objects()) == (2, before)
    assert "so its files cannot be distinguished from garbage; nothing was removed" in result.err


def test_a_shallow_clone_is_refused(
    project: Project, share: Share, history: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shallow clone, the data that other commits need are unknown, so data.gc refuses."""
    origin, clone = f"file://{project.root}", tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", origin, clone], check=True)
    monkeypatch.chdir(clone)
    result = share("gc", "--yes")
    assert result.code == 2
    assert "this clone is shallow" in result.err


def test_lists_are_removed_before_their_files(
    project: Project, share: Share, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A removal that is interrupted leaves no list without its files."""
    removed: list[str] = []
    remove = FolderStore.remove

    def record(self: FolderStore, oids: Collection[str]) -> dict[str, str]:
        removed.extend(oids)
        return remove(self, oids)

    monkeypatch.setattr(FolderStore, "remove", record)
    assert share("gc", "--days", "0", "--yes").code == 0
    assert len(removed) == 2 and removed[0] == history["c"]

"""What data.gc must not remove: files of young lists, the data of capsules, and the data of branches of the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from data_share.errors import DataShareError
from data_share.garbage.needed import NeededData
from data_share.garbage.plan import StoredFacts, find_garbage

from .conftest import Share
from .tracked import Project


def md5(project: Project, content: bytes) -> str:
    return project.keep(content)


@pytest.fixture
def old(project: Project, share: Share) -> dict[str, str]:
    """Files on the remote that are 60 days old and that no commit needs: their objects by name."""
    files = {"1.parquet": b"one" * 100, "2.parquet": b"two" * 100}
    project.write("rain", files)
    share("push")
    project.age()
    oids = {name: md5(project, content) for name, content in files.items()}
    project._outputs.pop("rain")
    project.record()
    assert set(oids.values()) <= set(project.objects())
    return oids


def gc(share: Share, *words: str) -> None:
    result = share("gc", "--yes", *words)
    assert result.code == 0, result.err


def test_files_of_a_young_list_stay(project: Project, share: Share, old: dict[str, str], tmp_path: Path) -> None:
    """A colleague records old files of the remote in a new version and pushes its list; the steward has no commit."""
    colleague = project.clone(tmp_path / "colleague")
    fresh = colleague.write("rain", {"1.parquet": b"one" * 100, "new.parquet": b"three" * 100})
    assert colleague.run("push").returncode == 0
    gc(share)
    left = project.objects()
    assert fresh in left and old["1.parquet"] in left
    assert old["2.parquet"] not in left


def test_a_young_list_that_is_damaged_stops_the_removal(project: Project, share: Share, old: dict[str, str]) -> None:
    """The files that a damaged young list names are unknown, so nothing is removed."""
    path = project.on_remote(md5(project, b"[]").replace("/", "") + ".dir")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"damaged")
    before = project.objects()
    result = share("gc", "--yes")
    assert result.code == 1 and "is damaged" in result.err
    assert project.objects() == before


def capsule(commit: str, parts: Mapping[str, str], **changes: Any) -> str:
    """The text of a capsule of the dataset `climate`."""
    data = {"climate": {"table": "d" * 64, "parts": dict(parts)}}
    head = {"$schema": "capsule.schema.json", "form": 1, "name": "eda", "notebook": "notebooks/eda.ipynb"}
    rest = {"commit": commit, "image": {}, "parameters": {}, "code": {}, "versions": {}, "cells": []}
    return json.dumps({**head, **rest, "data": data, **changes})


@pytest.fixture
def frozen(project: Project, share: Share) -> dict[str, str]:
    """An old version of climate that only the commit of a capsule records; its objects by name."""
    files = {"2023.parquet": b"old 1" * 100, "2024.parquet": b"old 2" * 100}
    oids = {"list": project.write("climate", files)}
    oids |= {name: md5(project, content) for name, content in files.items()}
    share("push")
    oids["commit"] = project.commit("Old")
    project.write("climate", {"2025.parquet": b"new" * 100})
    share("push")
    project.age()
    return oids


def write_capsule(project: Project, text: str, folder: str = "notebooks/capsules") -> None:
    (project.root / folder).mkdir(parents=True, exist_ok=True)
    (project.root / folder / "eda.json").write_text(text)


OBJECTS = ("list", "2023.parquet", "2024.parquet")


@pytest.mark.parametrize("folder", ["notebooks/capsules", "paper"])
@pytest.mark.parametrize("place", ["the working tree", "main", "another branch", "a tag"])
def test_capsules_keep_their_data(
    project: Project, share: Share, frozen: dict[str, str], folder: str, place: str
) -> None:
    """A capsule keeps the list and the files of its commit, wherever it is, and also if no branch has the commit."""
    parts = {"2023.parquet": frozen["2023.parquet"]}
    if place == "another branch":
        project.git("switch", "--quiet", "--create", "kept")
    write_capsule(project, capsule(frozen["commit"], parts), folder)
    if place != "the working tree":
        project.commit("Capsule")
    if place == "a tag":
        project.git("tag", "paper")
        project.git("reset", "--quiet", "--hard", "HEAD~1")
    if place == "another branch":
        project.git("switch", "--quiet", "main")
    gc(share, "--days", "0")
    assert {frozen[name] for name in OBJECTS} <= set(project.objects())


def test_without_the_capsule_its_data_are_garbage(project: Project, share: Share, frozen: dict[str, str]) -> None:
    """The other tests of capsules mean something: without the capsule, the old version is removed."""
    project.commit("New")
    gc(share, "--days", "0")
    assert not {frozen[name] for name in OBJECTS} & set(project.objects())


def test_a_capsule_whose_commit_is_lost_keeps_its_parts(project: Project, share: Share, frozen: dict[str, str]) -> None:
    """After a squash merge, the clone may not have the capsule's commit: lists that name its parts stay, too."""
    write_capsule(project, capsule("a" * 40, {"2023.parquet": frozen["2023.parquet"]}))
    project.commit("Capsule")
    gc(share, "--days", "0")
    assert {frozen[name] for name in OBJECTS} <= set(project.objects())


@pytest.mark.parametrize(
    "text", ["<<<<<<< ours\n" + capsule("a" * 40, {}), capsule("main", {}), capsule("a" * 40, {"1": "../x"})]
)
def test_a_capsule_that_cannot_be_read_stops_the_removal(
    project: Project, share: Share, frozen: dict[str, str], text: str
) -> None:
    """What it needs is unknown, so nothing is removed, and the message names the file."""
    write_capsule(project, text)
    before = project.objects()
    result = share("gc", "--yes", "--days", "0")
    assert (result.code, project.objects()) == (2, before)
    assert "notebooks/capsules/eda.json: " in result.err


def test_other_json_files_are_no_capsules(project: Project, share: Share, frozen: dict[str, str]) -> None:
    """A file that looks like no capsule, or is not even JSON, keeps nothing and stops nothing."""
    project.commit("New")
    (project.root / "settings.json").write_text('// cells commit data image notebook\n{"a": 1}')
    (project.root / "package.json").write_text('{"commit": "x", "data": [], "notebook": 1, "cells": [], "images": 1}')
    gc(share, "--days", "0")
    assert not {frozen[name] for name in OBJECTS} & set(project.objects())


@pytest.fixture
def unfetched(project: Project, share: Share, tmp_path: Path) -> str:
    """A branch of a colleague that this clone never fetched, with old data on the remote; returns its list."""
    project.publish(tmp_path / "origin.git")
    share("push")
    colleague = project.clone(tmp_path / "colleague", origin=tmp_path / "origin.git")
    colleague.git("switch", "--quiet", "--create", "rain")
    fresh = colleague.write("rain", {"1.parquet": b"one" * 100})
    colleague.commit("Rain")
    assert colleague.run("push").returncode == 0
    colleague.git("push", "--quiet", "origin", "rain")
    project.age()
    return fresh


def test_a_branch_that_was_never_fetched_stops_the_removal(project: Project, share: Share, unfetched: str) -> None:
    """The message names the branch and the command that fetches it; after the command, its data stay."""
    before = project.objects()
    result = share("gc", "--yes", "--days", "0")
    assert (result.code, project.objects()) == (2, before)
    assert "git's remote" in result.err and "nothing was removed: origin/rain\n" in result.err
    command = "git fetch --tags origin '+refs/heads/*:refs/remotes/origin/*'"
    assert command in result.err
    project.git("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
    gc(share, "--days", "0")
    assert unfetched in project.objects()


def test_known_only_does_not_ask_the_server(project: Project, share: Share, unfetched: str) -> None:
    """With --known-only, the data of branches that this clone does not have are removed, and the plan says it."""
    result = share("gc", "--yes", "--days", "0", "--known-only")
    assert result.code == 0 and "branches that only the server has were not asked for" in result.out
    assert unfetched not in project.objects()


def test_a_moved_branch_keeps_its_data_if_its_commit_is_local(
    project: Project, share: Share, unfetched: str, tmp_path: Path
) -> None:
    """A commit that was fetched without a branch of its own counts, because the server's branch has it."""
    project.git("fetch", "--quiet", str(tmp_path / "origin.git"), "rain")
    gc(share, "--days", "0")
    assert unfetched in project.objects()


def test_a_server_that_does_not_answer_stops_the_removal(project: Project, share: Share, unfetched: str) -> None:
    """If git's remote cannot be asked, its branches are unknown, so nothing is removed."""
    project.git("remote", "add", "gone", str(project.root / "nowhere.git"))
    before = project.objects()
    result = share("gc", "--yes", "--days", "0")
    assert (result.code, project.objects()) == (2, before)
    assert "git's remote 'gone' does not answer" in result.err and "--known-only" in result.err


def test_a_recent_commit_behind_an_old_one_keeps_its_data(
    project: Project, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of a machine whose clock was wrong does not hide the recent commits before it."""
    recent = project.write("climate", {"recent.parquet": b"recent" * 50})
    share("push")
    project.commit("Recent")
    project.write("climate", {"2025.parquet": b"new" * 100})
    share("push")
    for name in ("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"):
        monkeypatch.setenv(name, "2020-01-01T00:00:00Z")
    for number in range(10):
        project.commit(f"Wrong clock {number}")
    project.age()
    gc(share)
    assert recent in project.objects()


def test_worktrees_keep_what_they_have_not_committed(project: Project, share: Share, tmp_path: Path) -> None:
    """The records of another worktree count before they are committed."""
    project.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "worktree"))
    lock = (project.root / "data/dvc.lock").read_text()
    fresh = project.write("climate", {"2025.parquet": b"new" * 100})
    share("push")
    (tmp_path / "worktree/data/dvc.lock").write_text((project.root / "data/dvc.lock").read_text())
    (project.root / "data/dvc.lock").write_text(lock)
    project.age()
    gc(share, "--days", "0")
    assert fresh in project.objects()


def test_what_is_pushed_during_the_question_stays(
    project: Project, share: Share, old: dict[str, str], tmp_path: Path
) -> None:
    """The garbage is read again after the user agreed, because a colleague may have pushed in the meantime."""
    from data_share import collect_garbage

    colleague = project.clone(tmp_path / "colleague")
    colleague.write("rain", {"1.parquet": b"one" * 100})

    def agree(_: object) -> bool:
        return colleague.run("push").returncode == 0

    removed = collect_garbage(project.root, confirm=agree)
    assert old["1.parquet"] in project.objects() and old["1.parquet"] not in removed.sizes
    assert old["2.parquet"] in removed.sizes and old["2.parquet"] not in project.objects()


def test_every_stash_keeps_its_data(project: Project, share: Share) -> None:
    """A ref names only the newest stash; the others, and untracked records in a stash, count as well."""
    kept = []
    for name in ("first", "second"):
        kept.append(project.write("climate", {f"{name}.parquet": name.encode() * 100}))
        content = f"untracked {name}".encode()
        kept.append(project.keep(content))
        record = {"outs": [{"md5": kept[-1], "size": len(content), "hash": "md5", "path": "notes.txt"}]}
        (project.root / f"{name}.dvc").write_text(json.dumps(record))
        (project.root / "notes.txt").write_bytes(content)
        share("push")
        (project.root / "notes.txt").unlink()
        project.git("stash", "push", "--quiet", "--include-untracked")
    project.age()
    gc(share, "--days", "0")
    assert set(kept) <= set(project.objects())
    project.git("stash", "clear")
    gc(share, "--days", "0")
    assert not set(kept) & set(project.objects())


def test_a_tag_of_a_tag_keeps_its_data(project: Project, share: Share, frozen: dict[str, str]) -> None:
    """An annotated tag may name another one; what the commit behind both records stays."""
    project.commit("New")
    project.git("tag", "--annotate", "--message=Inner", "inner", frozen["commit"])
    project.git("tag", "--annotate", "--message=Outer", "outer", "inner")
    project.git("tag", "--delete", "inner")
    gc(share, "--days", "0")
    assert {frozen[name] for name in OBJECTS} <= set(project.objects())


def test_what_is_staged_keeps_its_data(project: Project, share: Share) -> None:
    """The next commit records what is staged, also if the working tree has changed since."""
    lock = (project.root / "data/dvc.lock").read_text()
    staged = project.write("climate", {"2025.parquet": b"new" * 100})
    share("push")
    project.git("add", "data/dvc.lock")
    (project.root / "data/dvc.lock").write_text(lock)
    project.age()
    gc(share, "--days", "0")
    assert staged in project.objects()


@pytest.mark.parametrize("words", [(), ("--annotate", "--message=Rain")], ids=["light", "annotated"])
def test_a_tag_that_was_never_fetched_stops_the_removal(
    project: Project, share: Share, unfetched: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """A colleague has tagged a commit and deleted its branch; the message names the tag."""
    colleague = tmp_path / "colleague"
    for command in (["tag", *words, "v2", "rain"], ["push", "--quiet", "origin", "v2", ":rain"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@e.org", *command], cwd=colleague, check=True)
    before = project.objects()
    result = share("gc", "--yes", "--days", "0")
    assert (result.code, project.objects()) == (2, before)
    assert "nothing was removed: origin/v2\n" in result.err
    project.git("fetch", "--quiet", "--tags", "origin")
    gc(share, "--days", "0")
    assert unfetched in project.objects()


LIST = "c" * 32 + ".dir"


def needed_data(**changes: Any) -> NeededData:
    empty: dict[str, Any] = {"outputs": frozenset(), "parts": frozenset(), "lost": (), "commits": 1}
    return NeededData(**{**empty, **changes})


def test_parts_of_a_capsule_stay_without_any_list() -> None:
    """If neither its commit nor the list of its folder exists, a capsule keeps the parts that it names."""
    part, other = "a" * 32, "b" * 32
    stored = StoredFacts(where="the remote", sizes={part: 1, other: 2})
    assert find_garbage(stored, needed_data(parts=frozenset({part})), days=0).sizes == {other: 2}


def test_a_young_list_that_cannot_be_read_stops_the_removal() -> None:
    """A young list that disappears while the remote is read names files that are unknown."""
    stored = StoredFacts(where="the remote", sizes={LIST: 1, "b" * 32: 2}, young=frozenset({LIST}))
    with pytest.raises(DataShareError, match=f"the list {LIST} was added to the remote within the days"):
        find_garbage(stored, needed_data(), days=30)

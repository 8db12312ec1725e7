"""data.check and the hook that runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from data_share.hooks import pushed_commits

from .conftest import Share
from .tracked import Project

ROOT = Path(__file__).resolve().parents[3]


def test_all_is_there(project: Project, share: Share) -> None:
    """If the remote has every object of the working tree's records, it says so with code 0."""
    share("push")
    answer = share("check")
    assert (answer.code, answer.out) == (0, f"the working tree: all 5 objects of its data are on {project.remote}\n")


def test_what_is_missing_is_listed(project: Project, share: Share) -> None:
    """Datasets and files that the remote lacks are listed, with code 1; a folder stands for its list."""
    share("push", "--dataset", "climate")
    project.there("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    answer = share("check", "--json")
    assert answer.code == 1
    assert json.loads(answer.out)["missing"] == [
        {"dataset": "climate", "files": ["data/raw/parquet/climate/2023.parquet"]},
        {"dataset": "traffic", "files": ["data/raw/parquet/traffic", "data/raw/parquet/traffic/west/mai 1.parquet"]},
    ]
    said = share("check").err
    assert "lacks 3 of 5 objects:\n  climate: 1 file\n    data/raw/parquet/climate/2023.parquet\n" in said
    project.forget()
    assert json.loads(share("check", "--json").out)["missing"][1]["files"] == ["data/raw/parquet/traffic"]


def test_nothing_is_fetched(project: Project, share: Share) -> None:
    """A machine without data can check, and has none afterwards."""
    share("push")
    project.forget()
    assert share("check").code == 0
    assert project.data() == {}
    assert not (project.root / ".dvc/cache").exists()


def test_any_commit_can_be_checked(project: Project, share: Share) -> None:
    """What a commit knows counts, not what the working tree has become."""
    share("push")
    first = project.commit()
    project.write("climate", {"new": b"new"})
    second = project.commit()
    assert share("check", "--rev", first).code == 0
    assert share("check", "--rev", second).code == 1
    share("push")
    assert share("check", "--rev", second).code == 0


@pytest.mark.parametrize("revision", ["nowhere", "--all", ""])
def test_a_revision_that_is_none(share: Share, revision: str) -> None:
    """A commit that git does not know ends with code 2."""
    answer = share("check", f"--rev={revision}")
    assert answer.code == 2
    assert "git knows no such commit here; is it fetched?" in answer.err


def test_files_that_git_keeps_are_no_data(project: Project, share: Share) -> None:
    """Reports (`cache: false`) and data imported from another repository are not expected on the remote."""
    (project.root / "other.dvc").write_text(
        "deps:\n- path: x\n  repo:\n    url: https://example.org/x\nouts:\n- md5: "
        + "1" * 32
        + "\n  hash: md5\n  path: x\n"
    )
    share("push")
    assert share("check").code == 0


def test_what_dvc_add_tracks_is_data_too(project: Project, share: Share) -> None:
    """A file of its own .dvc file is pushed and checked by its path."""
    oid = project.keep(b"model")
    (project.root / "model.bin").write_bytes(b"model")
    (project.root / "model.bin.dvc").write_text(f"outs:\n- md5: {oid}\n  hash: md5\n  path: model.bin\n")
    assert share("check").code == 1
    assert json.loads(share("push", "--dataset", "model.bin", "--json").out)["moved"]["files"] == 1
    (project.root / "model.bin").unlink()
    share("pull", "--dataset", "model.bin")
    assert (project.root / "model.bin").read_bytes() == b"model"


def test_a_record_of_dvc_2(project: Project, share: Share) -> None:
    """An output without DVC 3's kind of hash is named with the command that renews it."""
    (project.root / "old.dvc").write_text("outs:\n- md5: " + "1" * 32 + "\n  path: old\n")
    answer = share("check")
    assert answer.code == 2
    assert "old.dvc: old is recorded in a form other than DVC 3's; record it anew with `dvc commit`" in answer.err


def test_commits_of_a_push() -> None:
    """Of what git tells a hook, deleted branches and repeated commits are left out."""
    zero = "0" * 40
    lines = [f"refs/heads/a {'a' * 40} refs/heads/a {zero}", f"(delete) {zero} refs/heads/b {'b' * 40}"]
    assert pushed_commits([*lines, lines[0], ""]) == ["a" * 40]


def with_front_door(project: Project) -> None:
    """A `./run` that starts what it is given with this Python, as ours does with the locked one."""
    import sys

    (project.root / "run").write_text(f'#!/bin/sh\nshift\nexec {sys.executable} "$@"\n')
    (project.root / "run").chmod(0o755)


def push(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "push", "--quiet", *words]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


def test_a_commit_is_not_shared_before_its_data(project: Project, share: Share, tmp_path: Path) -> None:
    """With the hook, `git push` is refused while the remote lacks data, and passes once data.push ran."""
    with_front_door(project)
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin"], check=True)
    project.git("remote", "add", "origin", str(tmp_path / "origin"))
    answer = share("install-hooks")
    assert (answer.code, "is there now" in answer.out) == (0, True)
    assert "was there already" in share("install-hooks").out
    refused = push(project, "origin", "main")
    assert refused.returncode != 0
    assert "lacks 5 of 5 objects" in refused.stderr
    share("push")
    assert push(project, "origin", "main").returncode == 0
    assert push(project, "origin", ":main").returncode == 0


def test_a_strangers_hook_stays(project: Project, share: Share) -> None:
    """Another pre-push hook is left as it is, and the line to add is told; with the line in it, all is well."""
    hook = project.root / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho theirs\n")
    answer = share("install-hooks")
    assert (answer.code, hook.read_text()) == (2, "#!/bin/sh\necho theirs\n")
    assert "./run python -m data_share check --pre-push" in answer.err
    hook.write_text("#!/bin/sh\necho theirs\n./run python -m data_share check --pre-push\n")
    assert share("install-hooks").code == 0


def test_hooks_path_is_respected(project: Project, share: Share, tmp_path: Path) -> None:
    """core.hooksPath inside the repository gets the hook; one that other repositories share does not."""
    project.git("config", "core.hooksPath", "my hooks")
    share("install-hooks")
    assert os.access(project.root / "my hooks/pre-push", os.X_OK)
    project.git("config", "core.hooksPath", str(tmp_path / "shared"))
    answer = share("install-hooks")
    assert (answer.code, (tmp_path / "shared").exists()) == (2, False)
    assert "which other repositories may share" in answer.err

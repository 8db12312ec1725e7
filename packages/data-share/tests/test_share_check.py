"""data.check, and the hook that runs it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from data_share.checks.hooks import pushed_commits

from .conftest import Share
from .tracked import Project

ROOT = Path(__file__).resolve().parents[3]


def test_a_complete_remote_passes(project: Project, share: Share) -> None:
    """data.check exits with 0 if the remote has every object that the working tree records."""
    share("push")
    result = share("check")
    assert (result.code, result.out) == (0, f"the working tree: all 5 objects of its data are on {project.remote}\n")


def test_missing_files_are_listed(project: Project, share: Share) -> None:
    """data.check exits with 1 and lists the files that are missing on the remote; a folder stands for its list."""
    share("push", "--dataset", "climate")
    project.on_remote("cabe45dcc9ae5b66ba86600cca6b8ba8").unlink()
    result = share("check", "--json")
    assert result.code == 1
    assert json.loads(result.out)["missing_on_remote"] == [
        {"dataset": "climate", "files": ["data/raw/parquet/climate/2023.parquet"]},
        {"dataset": "traffic", "files": ["data/raw/parquet/traffic", "data/raw/parquet/traffic/west/mai 1.parquet"]},
    ]
    printed = share("check").err
    assert "does not have 3 of 5 objects:\n  climate: 1 file\n    data/raw/parquet/climate/2023.parquet\n" in printed
    project.forget()
    assert json.loads(share("check", "--json").out)["missing_on_remote"][1]["files"] == ["data/raw/parquet/traffic"]


def test_a_check_downloads_no_data(project: Project, share: Share) -> None:
    """A machine without data can check, and still has none afterwards."""
    share("push")
    project.forget()
    assert share("check").code == 0
    assert project.data() == {}
    assert not (project.root / ".dvc/cache").exists()


def test_any_commit_can_be_checked(project: Project, share: Share) -> None:
    """A check of a commit ignores changes of the working tree."""
    share("push")
    first = project.commit()
    project.write("climate", {"new": b"new"})
    second = project.commit()
    assert share("check", "--rev", first).code == 0
    assert share("check", "--rev", second).code == 1
    share("push")
    assert share("check", "--rev", second).code == 0


@pytest.mark.parametrize("revision", ["nowhere", "--all", ""])
def test_an_unknown_revision_is_refused(share: Share, revision: str) -> None:
    """An unknown commit exits with 2."""
    result = share("check", f"--rev={revision}")
    assert result.code == 2
    assert "git does not know this commit; is it fetched?" in result.err


def test_files_of_git_are_not_checked(project: Project, share: Share) -> None:
    """Files in git (`cache: false`) and data of another repository are not expected on the remote."""
    (project.root / "other.dvc").write_text(
        "deps:\n- path: x\n  repo:\n    url: https://example.org/x\nouts:\n- md5: "
        + "1" * 32
        + "\n  hash: md5\n  path: x\n"
    )
    share("push")
    assert share("check").code == 0


def test_files_of_dvc_add_are_checked(project: Project, share: Share) -> None:
    """A file with its own .dvc file is pushed and checked by its path."""
    oid = project.keep(b"model")
    (project.root / "model.bin").write_bytes(b"model")
    (project.root / "model.bin.dvc").write_text(f"outs:\n- md5: {oid}\n  hash: md5\n  path: model.bin\n")
    assert share("check").code == 1
    assert json.loads(share("push", "--dataset", "model.bin", "--json").out)["moved"]["files"] == 1
    (project.root / "model.bin").unlink()
    share("pull", "--dataset", "model.bin")
    assert (project.root / "model.bin").read_bytes() == b"model"


def test_a_record_of_dvc_2_is_refused(project: Project, share: Share) -> None:
    """An output without the hash of DVC 3 is named with the command that records it again."""
    (project.root / "old.dvc").write_text("outs:\n- md5: " + "1" * 32 + "\n  path: old\n")
    result = share("check")
    assert result.code == 2
    assert "old.dvc: old is not recorded in the form of DVC 3; record it again with `dvc commit`" in result.err


def test_the_commits_of_a_push() -> None:
    """Deleted branches and repeated commits are not checked."""
    zero = "0" * 40
    lines = [f"refs/heads/a {'a' * 40} refs/heads/a {zero}", f"(delete) {zero} refs/heads/b {'b' * 40}"]
    assert pushed_commits([*lines, lines[0], ""]) == ["a" * 40]


def write_front_door(project: Project) -> None:
    """Write a `./run` that starts `invoke` in this environment, as ours starts it in the locked one."""
    program = shlex.quote(str(Path(sys.executable).with_name("shrinkwrap")))
    (project.root / "run").write_text(f'#!/bin/sh\nshift\nexec {program} "$@"\n')
    (project.root / "run").chmod(0o755)


def push(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "push", "--quiet", *words]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


def test_a_commit_is_not_pushed_before_its_data(project: Project, share: Share, tmp_path: Path) -> None:
    """The hook refuses `git push` until data.push has uploaded the data."""
    write_front_door(project)
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "origin"], check=True)
    project.git("remote", "add", "origin", str(tmp_path / "origin"))
    result = share("install-hooks")
    assert (result.code, "is installed" in result.out) == (0, True)
    assert "was already installed" in share("install-hooks").out
    refused = push(project, "origin", "main")
    assert refused.returncode != 0
    assert "does not have 5 of 5 objects" in refused.stderr
    share("push")
    assert push(project, "origin", "main").returncode == 0
    assert push(project, "origin", ":main").returncode == 0


def test_another_hook_is_not_changed(project: Project, share: Share) -> None:
    """Another pre-push hook is not changed; the error names the line to add, and a hook with that line is accepted."""
    hook = project.root / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho theirs\n")
    result = share("install-hooks")
    assert (result.code, hook.read_text()) == (2, "#!/bin/sh\necho theirs\n")
    assert "./run invoke data.check --pre-push" in result.err
    hook.write_text("#!/bin/sh\necho theirs\n./run invoke data.check --pre-push\n")
    assert share("install-hooks").code == 0


def test_hooks_path_is_respected(project: Project, share: Share, tmp_path: Path) -> None:
    """The hook is written to core.hooksPath if that is inside the repository, and refused if others may share it."""
    project.git("config", "core.hooksPath", "my hooks")
    share("install-hooks")
    assert os.access(project.root / "my hooks/pre-push", os.X_OK)
    project.git("config", "core.hooksPath", str(tmp_path / "shared"))
    result = share("install-hooks")
    assert (result.code, (tmp_path / "shared").exists()) == (2, False)
    assert "which other repositories may share" in result.err


def test_an_earlier_hook_of_ours_is_updated(project: Project, share: Share) -> None:
    """A hook that an earlier version installed is replaced: the command that it starts no longer exists."""
    hook = project.root / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        "#!/bin/sh\n# Installed by `invoke data.install-hooks`: old\nexec ./run python -m data_share check\n"
    )
    assert "is installed" in share("install-hooks").out
    assert "exec ./run invoke data.check --pre-push" in hook.read_text()

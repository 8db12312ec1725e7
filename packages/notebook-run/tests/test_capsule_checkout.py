"""Clean checkouts are removed afterwards, however their process ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notebook_run.capsule.checkout import CHECKOUTS, clean_checkout
from notebook_run.capsule.git import head_commit

OTHER_PROCESS = """
import sys
from pathlib import Path
from notebook_run.capsule.checkout import clean_checkout
with clean_checkout(Path(sys.argv[1]), sys.argv[2], name="other"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_process() -> None:
    """Git and the process that is killed are real in these tests."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    (tmp_path / "file").write_text("committed\n")
    for words in (["init", "--quiet"], ["add", "file"], ["commit", "--quiet", "-m", "One"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    return tmp_path


def other_process(repository: Path) -> subprocess.Popen[str]:
    """Another process, which uses a checkout until its standard input ends."""
    command = [sys.executable, "-c", OTHER_PROCESS, str(repository), head_commit(repository)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def checkouts(repository: Path) -> list[str]:
    return [path.name.split("-")[0] for path in (repository / CHECKOUTS).iterdir()]


def test_a_checkout_has_the_files_of_the_commit_and_is_removed(repository: Path) -> None:
    """It has no uncommitted change."""
    (repository / "file").write_text("changed\n")
    with clean_checkout(repository, head_commit(repository), name="mine") as folder:
        assert (folder / "file").read_text() == "committed\n"
    assert checkouts(repository) == []


@pytest.mark.parametrize("kind", ["complete", "shallow", "worktree", 'in a "folder" \\ of any name'])
def test_a_commit_on_no_branch_can_be_checked_out(repository: Path, tmp_path_factory: Any, kind: str) -> None:
    """Its objects were fetched by its name; the kind of clone does not matter."""

    def git(*words: str, at: Path = repository) -> str:
        command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *words]
        return subprocess.run(command, cwd=at, check=True, capture_output=True, text=True).stdout.strip()

    git("config", "uploadpack.allowAnySHA1InWant", "true")
    lonely = git("commit-tree", "-p", "HEAD", "-m", "Lonely", "HEAD^{tree}")
    git("commit", "--quiet", "--allow-empty", "-m", "Two")
    clone = tmp_path_factory.mktemp("clones") / kind
    if kind == "worktree":
        git("worktree", "add", "--quiet", "--detach", str(clone))
    else:
        git("clone", "--quiet", *(["--depth=1"] if kind == "shallow" else []), f"file://{repository}", str(clone))
        git("fetch", "--quiet", *(["--depth=1"] if kind == "shallow" else []), "origin", lonely, at=clone)
    with clean_checkout(clone, lonely, name="mine") as folder:
        assert (folder / "file").read_text() == "committed\n"
        assert git("log", "-1", "--format=%s", at=folder) == "Lonely"
        assert git("status", "--porcelain", at=folder) == ""


def test_the_checkout_of_a_killed_process_is_removed_with_the_next(repository: Path) -> None:
    """A killed process cannot remove its checkout."""
    with other_process(repository) as process:
        os.kill(process.pid, signal.SIGKILL)
    assert checkouts(repository) == ["other"]
    with clean_checkout(repository, head_commit(repository), name="mine"):
        assert checkouts(repository) == ["mine"]


def test_the_checkout_of_another_process_stays(repository: Path) -> None:
    """Two runs at the same time do not remove each other's checkout."""
    with other_process(repository) as process:
        with clean_checkout(repository, head_commit(repository), name="mine"):
            assert sorted(checkouts(repository)) == ["mine", "other"]
        assert checkouts(repository) == ["other"]
        process.communicate()

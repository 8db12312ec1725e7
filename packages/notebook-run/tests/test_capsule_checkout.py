"""Clean checkouts are gone afterwards, however their process ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notebook_run.repository import CHECKOUTS, clean_checkout, head_commit

HOLDING = """
import sys
from pathlib import Path
from notebook_run.repository import clean_checkout
with clean_checkout(Path(sys.argv[1]), sys.argv[2], name="held"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def no_process() -> None:
    """Git and the process that is killed are real here."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    (tmp_path / "file").write_text("committed\n")
    for words in (["init", "--quiet"], ["add", "file"], ["commit", "--quiet", "-m", "One"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    return tmp_path


def holding(repository: Path) -> subprocess.Popen[str]:
    """Another process that has a checkout until its standard input ends."""
    command = [sys.executable, "-c", HOLDING, str(repository), head_commit(repository)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def checkouts(repository: Path) -> list[str]:
    return [path.name.split("-")[0] for path in (repository / CHECKOUTS).iterdir()]


def test_a_checkout_holds_the_commit_and_is_gone_afterwards(repository: Path) -> None:
    """What is not committed is not in it, and nothing of it stays."""
    (repository / "file").write_text("changed\n")
    with clean_checkout(repository, head_commit(repository), name="mine") as folder:
        assert (folder / "file").read_text() == "committed\n"
    assert checkouts(repository) == []


@pytest.mark.parametrize("kind", ["whole", "shallow", "worktree", 'in a "folder" \\ of any name'])
def test_a_commit_that_no_branch_leads_to_can_be_had(repository: Path, tmp_path_factory: Any, kind: str) -> None:
    """As long as its objects are here: what was fetched by its name, in whatever kind of clone."""

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


def test_what_a_killed_process_left_goes_with_the_next(repository: Path) -> None:
    """A killed process cannot clean up; whoever makes the next checkout does."""
    with holding(repository) as process:
        os.kill(process.pid, signal.SIGKILL)
    assert checkouts(repository) == ["held"]
    with clean_checkout(repository, head_commit(repository), name="mine"):
        assert checkouts(repository) == ["mine"]


def test_what_another_process_uses_stays(repository: Path) -> None:
    """Two runs at once leave each other's checkout alone."""
    with holding(repository) as process:
        with clean_checkout(repository, head_commit(repository), name="mine"):
            assert sorted(checkouts(repository)) == ["held", "mine"]
        assert checkouts(repository) == ["held"]
        process.communicate()

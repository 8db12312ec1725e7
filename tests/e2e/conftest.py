"""A fresh clone of this working tree with an empty HOME, as a new user has it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this working tree with its uncommitted changes, in a folder with a space in its name."""
    target = tmp_path_factory.mktemp("home") / "fresh clone"
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        # The results of data.compress in this working tree are not part of a clone.
        if (ROOT / name).is_file() and name != "data/dvc.lock" and not name.startswith("data/reports/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
            (target / name).chmod((ROOT / name).stat().st_mode)
    git("init", "--quiet", cwd=target)
    git("add", "--all", cwd=target)
    return target


@pytest.fixture(scope="module")
def environment(clone: Path) -> dict[str, str]:
    """The variables of this process with an empty HOME and without the environment of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "NOX_"))}
    path = [entry for entry in kept["PATH"].split(os.pathsep) if not Path(entry).is_relative_to(ROOT)]
    return {**kept, "PATH": os.pathsep.join(path), "HOME": str(clone.parent)}


@pytest.fixture(scope="module")
def run(clone: Path, environment: dict[str, str]) -> Run:
    """A function that runs `./run COMMAND…` in the clone; the test fails if the command does, unless `check=False`."""

    def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            ["./run", *command],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or answer.returncode == 0, answer.stdout + answer.stderr
        return answer

    return run


def git(*arguments: str, cwd: Path, check: bool = True) -> str:
    """The standard output of git."""
    return subprocess.run(["git", *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, check=check).stdout

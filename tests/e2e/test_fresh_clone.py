"""The first minutes of a stranger: a fresh clone, an empty HOME, one command."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a clone of this working tree would hold, changes included, in a folder with a space in its name."""
    target = tmp_path_factory.mktemp("home") / "fresh clone"
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
            (target / name).chmod((ROOT / name).stat().st_mode)
    _git("init", "--quiet", cwd=target)
    _git("add", "--all", cwd=target)
    return target


@pytest.mark.parametrize("delay_s", [1.0, 4.0, 7.0])
def test_interrupted_first_run_heals(clone: Path, delay_s: float) -> None:
    """A first run that is killed with -9 leaves nothing that keeps the next one from succeeding."""
    with subprocess.Popen(
        ["./run", "python", "-V"], cwd=clone, env=_environment(clone), start_new_session=True
    ) as first:
        time.sleep(delay_s)
        os.killpg(first.pid, signal.SIGKILL)
    answer = _run(clone, "python", "-c", "import data_convert, dvc.version, invoke; print('whole')")
    assert answer.stdout == "whole\n"
    for made in (".venv", ".shrinkwrap/tools"):
        subprocess.run(["rm", "-rf", made], cwd=clone, check=True)


def test_tasks_are_listed_at_once(clone: Path) -> None:
    """Once the environment is made, listing the tasks takes less than a second."""
    _run(clone, "true")
    began_s = time.monotonic()
    _run(clone, "invoke", "--list")
    assert time.monotonic() - began_s < 1


def _environment(clone: Path) -> dict[str, str]:
    """This environment with an empty HOME, and without the one that the tests run in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "NOX_"))}
    path = [entry for entry in kept["PATH"].split(os.pathsep) if not Path(entry).is_relative_to(ROOT)]
    return {**kept, "PATH": os.pathsep.join(path), "HOME": str(clone.parent)}


def _run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["./run", *command], cwd=clone, env=_environment(clone), stdout=subprocess.PIPE, text=True, check=True
    )


def _git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, check=True).stdout

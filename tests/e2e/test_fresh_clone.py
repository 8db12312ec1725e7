"""The first minute of a new user: a fresh clone, an empty HOME, and a first run that may be interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("moment", [".shrinkwrap/tools/pyvenv.cfg", ".shrinkwrap/slice", ".venv/pyvenv.cfg"])
def test_run_recovers_from_an_interrupted_first_run(  # type: ignore[no-untyped-def]
    clone: Path, run, environment: dict[str, str], moment: str
) -> None:
    """After `kill -9` at any moment of the first run, the next run succeeds. The path has a space."""
    assert " " in str(clone)
    for folder in (".venv", ".shrinkwrap"):
        shutil.rmtree(clone / folder, ignore_errors=True)
    with subprocess.Popen(["./run", "python", "-V"], cwd=clone, env=environment, start_new_session=True) as first:
        while first.poll() is None and not (clone / moment).exists():
            time.sleep(0.01)
        assert first.poll() is None, "the first run ended before it could be killed"
        os.killpg(first.pid, signal.SIGKILL)
    answer = run("python", "-c", "import data_convert, dvc.version, invoke; print('complete')")
    assert answer.stdout == "complete\n"

"""The first minute of a stranger: a fresh clone, an empty HOME, and a first run that does not always end well."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize("moment", [".shrinkwrap/tools/pyvenv.cfg", ".shrinkwrap/slice", ".venv/pyvenv.cfg"])
def test_interrupted_first_run_heals(  # type: ignore[no-untyped-def]
    clone: Path, run, environment: dict[str, str], moment: str
) -> None:
    """A first run that is killed with -9 leaves nothing that keeps the next one from succeeding."""
    for made in (".venv", ".shrinkwrap"):
        shutil.rmtree(clone / made, ignore_errors=True)
    with subprocess.Popen(["./run", "python", "-V"], cwd=clone, env=environment, start_new_session=True) as first:
        while first.poll() is None and not (clone / moment).exists():
            time.sleep(0.01)
        assert first.poll() is None, "the first run ended before it could be killed"
        os.killpg(first.pid, signal.SIGKILL)
    answer = run("python", "-c", "import data_convert, dvc.version, invoke; print('whole')")
    assert answer.stdout == "whole\n"

"""The first minute of a stranger: a fresh clone, an empty HOME, and a first run that does not always end well."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest


def _shared() -> ModuleType:
    """The module beside this one: with importlib's import mode, conftest cannot be imported by name."""
    spec = importlib.util.spec_from_file_location("e2e_clone", Path(__file__).with_name("conftest.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("moment", [".shrinkwrap/tools/pyvenv.cfg", ".shrinkwrap/slice", ".venv/pyvenv.cfg"])
def test_interrupted_first_run_heals(clone: Path, run, moment: str) -> None:  # type: ignore[no-untyped-def]
    """A first run that is killed with -9 leaves nothing that keeps the next one from succeeding."""
    for made in (".venv", ".shrinkwrap"):
        shutil.rmtree(clone / made, ignore_errors=True)
    with subprocess.Popen(
        ["./run", "python", "-V"], cwd=clone, env=_shared().environment(clone), start_new_session=True
    ) as first:
        while first.poll() is None and not (clone / moment).exists():
            time.sleep(0.01)
        assert first.poll() is None, "the first run ended before it could be killed"
        os.killpg(first.pid, signal.SIGKILL)
    answer = run("python", "-c", "import data_convert, dvc.version, invoke; print('whole')")
    assert answer.stdout == "whole\n"

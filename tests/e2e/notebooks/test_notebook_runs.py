"""Notebooks run in their images without a browser; and what goes wrong is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("images")


@pytest.mark.parametrize("name", ["traffic-eda", "climate-eda", "speed-model"])
def test_a_shipped_notebook_runs(project: Any, name: str) -> None:
    """It ends with an executed notebook and a page, both with plots, that belong to who started it."""
    answer = project.notebook("run", name, "--json")
    facts = json.loads(answer.stdout)
    out = project.root / "notebooks/out" / name
    assert (facts["failed"], facts["executed"]) == (None, str(out / f"{name}.ipynb"))
    assert f"[{len(facts['cells'])}/{len(facts['cells'])}]" in answer.stderr
    cells = json.loads((out / f"{name}.ipynb").read_text("utf-8"))["cells"]
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
    assert "data:image/png;base64" in (out / f"{name}.html").read_text("utf-8")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in out.iterdir()}
    assert owners == {(project.uid, project.gid)}
    assert project.containers() == []


def test_parameters_reach_the_notebook(project: Any) -> None:
    """-p takes the place of the table's value, in a cell behind the one with the defaults; the file stays as it is."""
    project.write_notebook("trial", "# parameters\nx = 1\ny = 'a'", "print(x * 2, y)", parameters={"x": 5, "y": "b"})
    before = (project.root / "notebooks/trial.ipynb").read_bytes()
    project.notebook("run", "trial", "-p", "x=21")
    assert _printed(project) == "42 b\n"
    assert (project.root / "notebooks/trial.ipynb").read_bytes() == before


def test_what_a_notebook_is_given(project: Any) -> None:
    """Its dataset's chosen part and nothing else of the data, read-only; the lib; no network; no home of root's."""
    project.write_notebook(
        "trial",
        "import getpass, json, os, socket\nfrom pathlib import Path\nimport experiment",
        "data = Path(os.environ['SHRINKWRAP_DATA'])\n"
        "try:\n    next((data / 'raw/parquet/climate').iterdir()).open('ab')\n    written = True\n"
        "except OSError as error:\n    written = error.strerror\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=5)\n    reached = True\n"
        "except OSError as error:\n    reached = error.strerror\n",
        "print(json.dumps({'uid': os.getuid(), 'user': getpass.getuser(), 'written': written, 'reached': reached,\n"
        "  'files': sorted(path.name for path in data.rglob('*') if path.is_file()),\n"
        "  'rows': len(experiment.load('climate', columns=None)) > 0}))",
        datasets=[{"name": "climate", "parts": ["*_2024*"]}],
    )
    project.notebook("run", "trial")
    facts = json.loads(_printed(project))
    parts = [name for name in facts["files"] if name != "datasets.toml"]
    assert len(facts["files"]) == len(parts) + 1 and all("_2024" in name for name in parts)
    assert (facts["uid"], facts["user"], facts["rows"]) == (project.uid, "jovyan", True)
    assert (facts["written"], facts["reached"]) == ("Read-only file system", "Network is unreachable")


def test_a_cell_that_fails_is_shown(project: Any) -> None:
    """Cell, line and traceback; later cells do not run; what ran is kept, as a page too."""
    project.write_notebook("trial", "x = 0", "y = 1\n\nprint(y / x)", "print('never')")
    answer = project.notebook("run", "trial", check=False)
    assert answer.returncode == 1
    assert "error: cell 2 of 3 (y = 1), line 3 failed:" in answer.stderr
    assert "ZeroDivisionError: division by zero" in answer.stderr
    assert "Traceback" not in answer.stderr.replace("Traceback (most recent call last)\n  Cell", "")
    assert "never" not in _executed(project)["cells"][2]["outputs"]
    assert "ZeroDivisionError" in (project.root / "notebooks/out/trial/trial.html").read_text("utf-8")


def test_a_cell_that_never_ends_is_ended(project: Any) -> None:
    """At the table's limit, unless the command line sets another; meanwhile it says that it runs."""
    project.write_notebook("trial", "x = 0", "while True:\n    pass", timeout_s=300)
    answer = project.notebook("run", "trial", "--timeout", "3", check=False)
    assert answer.returncode == 1
    assert "[2/2]    2.0 s still running  while True:" in answer.stderr
    assert "error: cell 2 of 2 (while True:) ran longer than 3 s and was stopped." in answer.stderr
    assert project.containers() == []


def test_a_kernel_killed_for_its_memory_says_so(project: Any) -> None:
    """With the limit, and where to raise it."""
    hungry = "block = bytearray(600_000_000)\nfor i in range(0, len(block), 4096):\n    block[i] = 1"
    project.write_notebook("trial", hungry, memory="300MB")
    answer = project.notebook("run", "trial", check=False)
    assert answer.returncode == 1
    assert "took more memory than its limit of 300 MB, and the kernel was killed." in answer.stderr
    assert 'raise memory = "…" in [tool.env-spec.notebooks.trial]' in answer.stderr


@pytest.fixture
def full_disk(project: Any) -> Iterator[Path]:
    """The folder for the results of `trial`, on a disk of 100 kB."""
    out: Path = project.root / "notebooks/out/trial"
    out.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size=100k,uid={project.uid},gid={project.gid}", "tmpfs", str(out)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only who may mount can make a small disk")
    yield out
    subprocess.run(["umount", out], check=True)


def test_a_full_disk_is_named(project: Any, full_disk: Path) -> None:
    """Results appear whole or not at all."""
    project.write_notebook("trial", "print('x' * 50_000)")
    answer = project.notebook("run", "trial", check=False)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (
        1,
        f"error: no space is left for results in {full_disk}. Free some on that disk, and run it again.",
    )
    assert not (full_disk / "trial.html").exists()
    assert not list(full_disk.glob(".*"))


@contextmanager
def _sleeping(project: Any) -> Iterator[subprocess.Popen[str]]:
    """A run whose only cell sleeps, with its container."""
    project.write_notebook("trial", "# parameters\nseconds = 600", "import time\ntime.sleep(seconds)",
                           parameters={"seconds": 600})  # fmt: skip
    command = project.command(sys.executable, "-m", "notebook_run", "run", "trial")
    with subprocess.Popen(
        command, cwd=project.root, env=project.environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert next(line for line in process.stderr if "still running" in line)
        assert len(project.containers()) == 1
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_no_container(project: Any, kind: signal.Signals) -> None:
    """Ctrl-C, a polite kill or a closed terminal stops and removes it; the exit code is that of an interruption."""
    with _sleeping(project) as process:
        process.send_signal(kind)
        rest = process.stderr.read() if process.stderr else ""
        assert process.wait() == 130
    assert "error: interrupted. No container was left." in rest
    assert project.containers() == []


def test_what_a_killed_run_left_goes_with_the_next(project: Any) -> None:
    """Nobody can clean up after a kill -9 but the next run; one that goes on is left alone, and not doubled."""
    with _sleeping(project) as process:
        (container,) = project.containers()
        second = project.notebook("run", "trial", check=False)
        assert second.returncode == 1 and "error: trial is being run already" in second.stderr
        assert project.containers() == [container]
        process.kill()
        process.wait()
        assert project.containers() == [container]
        third = project.notebook("run", "trial", "-p", "seconds=0")
    assert "trial: removed the container of a run that was killed\n" in third.stderr
    assert project.containers() == []


def _executed(project: Any) -> dict[str, Any]:
    text = (project.root / "notebooks/out/trial/trial.ipynb").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _printed(project: Any) -> str:
    outputs = [output for cell in _executed(project)["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")

"""Notebooks run in their images without a browser, and failures are explained."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from notebook_run.container import Mount
from notebook_run.engine import ContainerRequest, Engine

BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
pytestmark = pytest.mark.usefixtures("images")


@pytest.mark.parametrize("name", ["traffic-eda", "climate-eda", "speed-model"])
def test_a_shipped_notebook_runs(project: Any, name: str) -> None:
    """It writes an executed notebook and a page, both with plots, which belong to the user who started it."""
    result = project.notebook("run", name, "--json")
    facts = json.loads(result.stdout)
    out = project.root / "notebooks/out" / name
    assert (facts["failed"], facts["executed"]) == (None, str(out / f"{name}.ipynb"))
    assert f"[{len(facts['cells'])}/{len(facts['cells'])}]" in result.stderr
    cells = json.loads((out / f"{name}.ipynb").read_text("utf-8"))["cells"]
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
    assert "data:image/png;base64" in (out / f"{name}.html").read_text("utf-8")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in out.iterdir()}
    assert owners == {(project.uid, project.gid)}
    assert project.containers() == []


def test_parameters_reach_the_notebook(project: Any) -> None:
    """-p overrides the table's value, in a cell after the one with the defaults; the file does not change."""
    project.write_notebook("trial", "# parameters\nx = 1\ny = 'a'", "print(x * 2, y)", parameters={"x": 5, "y": "b"})
    before = (project.root / "notebooks/trial.ipynb").read_bytes()
    project.notebook("run", "trial", "-p", "x=21")
    assert _printed(project, "trial@x=21") == "42 b\n"
    assert (project.root / "notebooks/trial.ipynb").read_bytes() == before


def test_a_notebook_has_only_its_data(project: Any) -> None:
    """It has the selected parts, read-only, and the shared code; no other data, no network, no rights of root."""
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


def test_a_relative_path_is_a_result(project: Any) -> None:
    """Also of a command; it belongs to the user. The next run removes it."""
    project.write_notebook(
        "trial", "import pandas\npandas.DataFrame({'a': [1]}).to_csv('result.csv')", "!echo 1 > shell.txt"
    )
    project.notebook("run", "trial")
    out = project.root / "notebooks/out/trial"
    assert {path.name for path in out.iterdir()} == {"result.csv", "shell.txt", "trial.html", "trial.ipynb"}
    assert (out / "result.csv").stat().st_uid == project.uid
    assert not (project.root / "notebooks/result.csv").exists()
    project.write_notebook("trial", "1")
    project.notebook("run", "trial")
    assert {path.name for path in out.iterdir()} == {"trial.html", "trial.ipynb"}


def test_files_that_are_lost_are_found(project: Any, tmp_path: Path) -> None:
    """Those in the container's own layer; not folders, removed files, temporary files, or those below a mount."""
    script = "mkdir -p /empty /new && touch /new/a.csv /tmp/b.csv /mounted/c.csv /etc/issue && rm /etc/debian_version"
    request = ContainerRequest(
        image=BASE,
        command=["sh", "-c", script],
        mounts=[Mount(source=tmp_path, target="/mounted", is_writable=True)],
        environment={},
        user="0:0",
        memory_bytes=None,
        has_network=True,
        labels={},
    )
    engine = Engine(project.root)
    with closing(engine._client):
        ended = engine.run_lines(request, print)
    assert (ended.exit_code, ended.lost_files) == (0, ("/etc/issue", "/new/a.csv"))
    # A connection that was left open becomes an error here, not in whatever test runs next.
    del engine
    gc.collect()


def test_the_projects_own_package_is_mounted(project: Any) -> None:
    """Its folder is on the path, read-only; the image is the one without it."""
    pyproject = (project.root / "pyproject.toml").read_text("utf-8")
    project.write("src/ours/__init__.py", "ANSWER = 42\n")
    table = "\n[tool.env-spec.images.jupyter-notebook]\n"
    project.write("pyproject.toml", pyproject.replace(table, f'{table}own = "mount"\n'))
    project.write_notebook("trial", "import ours\nprint(ours.ANSWER, ours.__file__)", "open(ours.__file__, 'w')")
    try:
        result = project.notebook("run", "trial", check=False)
        assert result.returncode == 1 and "Read-only file system" in result.stderr
        assert _printed(project) == "42 /project/src/ours/__init__.py\n"
    finally:
        project.write("pyproject.toml", pyproject)
        shutil.rmtree(project.root / "src")


def test_a_kernel_that_ends_itself_keeps_what_it_printed(project: Any) -> None:
    """Its cell is the one that failed."""
    project.write_notebook("trial", "print('one')", "import os\nprint('two')\nos._exit(7)", "print('three')")
    result = project.notebook("run", "trial", check=False)
    assert result.returncode == 1
    assert "error: the kernel died in cell 2 of 3 (import os), but not for lack of memory." in result.stderr
    assert _printed(project) == "one\ntwo\n"


def test_three_hundred_thousand_lines_are_cut(project: Any) -> None:
    """The table declares the limit; the results are as small as it says, in the memory of a small container."""
    project.write_notebook(
        "trial", "for i in range(300_000):\n    print(i, 'x' * 100)", memory="400MB", max_text="200kB"
    )
    facts = json.loads(project.notebook("run", "trial", "--json").stdout)
    (warning,) = facts["warnings"]
    assert (warning["kind"], warning["cell"]) == ("cut", "cell-1")
    assert "printed 32.2 MB in 300,000 lines, and max_text is 200 kB" in warning["text"].replace("32.3", "32.2")
    text = _printed(project)
    assert text.startswith("0 xxx") and text.endswith(f"299999 {'x' * 100}\n") and len(text) < 200_200
    assert all(path.stat().st_size < 1_000_000 for path in (project.root / "notebooks/out/trial").iterdir())


def test_a_notebook_of_another_language_is_refused(project: Any) -> None:
    """By the name of its kernel, before a container is started."""
    project.write_notebook("trial", "puts 1")
    text = (project.root / "notebooks/trial.ipynb").read_text("utf-8").replace('"python3"', '"ruby"')
    project.write("notebooks/trial.ipynb", text.replace('"python"', '"ruby"'))
    result = project.notebook("run", "trial", check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("error: notebooks/trial.ipynb is a notebook of the kernel ruby, which is ruby, and")


def test_a_cell_that_fails_is_shown(project: Any) -> None:
    """The error has cell, line and traceback; later cells do not run; earlier outputs are kept, also as a page."""
    project.write_notebook("trial", "x = 0", "y = 1\n\nprint(y / x)", "print('never')")
    result = project.notebook("run", "trial", check=False)
    assert result.returncode == 1
    assert "error: cell 2 of 3 (y = 1), line 3 failed:" in result.stderr
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "Traceback" not in result.stderr.replace("Traceback (most recent call last)\n  Cell", "")
    assert "never" not in _executed(project)["cells"][2]["outputs"]
    assert "ZeroDivisionError" in (project.root / "notebooks/out/trial/trial.html").read_text("utf-8")


def test_a_cell_that_never_ends_is_ended(project: Any) -> None:
    """The command line overrides the limit of the table; meanwhile a line of progress shows that the cell runs."""
    project.write_notebook("trial", "x = 0", "while True:\n    pass", timeout_s=300)
    result = project.notebook("run", "trial", "--timeout", "3", check=False)
    assert result.returncode == 1
    assert "[2/2]    2.0 s still running  while True:" in result.stderr
    assert "error: cell 2 of 2 (while True:) ran longer than 3 s and was stopped." in result.stderr
    assert project.containers() == []


def test_a_kernel_that_is_killed_for_its_memory_is_explained(project: Any) -> None:
    """The error has the limit and where to raise it."""
    hungry = "block = bytearray(600_000_000)\nfor i in range(0, len(block), 4096):\n    block[i] = 1"
    project.write_notebook("trial", hungry, memory="300MB")
    result = project.notebook("run", "trial", check=False)
    assert result.returncode == 1
    assert "used more memory than its limit of 300 MB, and the kernel was killed." in result.stderr
    assert 'raise memory = "…" in [tool.env-spec.notebooks.trial]' in result.stderr


@pytest.fixture
def full_disk(project: Any) -> Iterator[Path]:
    """The folder for the results of `trial`, on a disk of 100 kB."""
    out: Path = project.root / "notebooks/out/trial"
    out.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size=100k,uid={project.uid},gid={project.gid}", "tmpfs", str(out)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only a user who may mount can make a small disk")
    yield out
    subprocess.run(["umount", out], check=True)


def test_a_full_disk_is_named(project: Any, full_disk: Path) -> None:
    """Results appear completely or not at all."""
    project.write_notebook("trial", "print('x' * 50_000)")
    result = project.notebook("run", "trial", check=False)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (
        1,
        f"error: no space is left for results in {full_disk}. Free some on that disk, and run it again.",
    )
    assert not (full_disk / "trial.html").exists()
    assert not list(full_disk.glob(".*"))


@contextmanager
def _sleeping(project: Any) -> Iterator[subprocess.Popen[str]]:
    """A run whose only cell sleeps, in its container."""
    project.write_notebook("trial", "# parameters\nseconds = 600", "import time\ntime.sleep(seconds)",
                           parameters={"seconds": 600})  # fmt: skip
    command = project.command(*project.notebook_command("run", "trial"))
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
    """SIGINT, SIGTERM and a closed terminal remove it; the exit code is that of an interruption."""
    with _sleeping(project) as process:
        process.send_signal(kind)
        rest = process.stderr.read() if process.stderr else ""
        assert process.wait() == 130
    assert "error: interrupted. No container was left running." in rest
    assert project.containers() == []


def test_the_container_of_a_killed_run_is_removed_by_the_next(project: Any) -> None:
    """After SIGKILL, the next run removes it; a run that is still running keeps it, and prevents a second one."""
    with _sleeping(project) as process:
        (container,) = project.containers()
        second = project.notebook("run", "trial", check=False)
        assert second.returncode == 1 and "error: trial is already being run" in second.stderr
        assert project.containers() == [container]
        process.kill()
        process.wait()
        assert project.containers() == [container]
        out = str(project.root / "notebooks/out/trial")
        third = project.notebook("run", "trial", "-p", "seconds=0", "--out", out)
    assert "trial: removed the container of a run that was killed\n" in third.stderr
    assert project.containers() == []


def _executed(project: Any, folder: str = "trial") -> dict[str, Any]:
    text = (project.root / "notebooks/out" / folder / "trial.ipynb").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _printed(project: Any, folder: str = "trial") -> str:
    outputs = [output for cell in _executed(project, folder)["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")

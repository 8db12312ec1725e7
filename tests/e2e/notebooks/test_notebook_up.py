"""Notebooks in Jupyter: what `up` starts and prints, and what it says where it cannot."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("images")


@pytest.fixture
def is_down(project: Any) -> Iterator[None]:
    """Nothing is up before, and nothing after."""
    project.notebook("down")
    yield
    project.notebook("down")


def test_one_command_line_ends_with_a_url(project: Any, is_down: None) -> None:
    """From raw files to a page that answers with its token and not without; a second `up` finds it up."""
    chain = ("data.sample", "--size", "8MB", "data.compress", "notebook.up", "traffic-eda")
    answer = project.run(sys.executable, "-m", "invoke", *chain)
    url = _url(answer.stdout)
    assert _status(url) == 200
    assert _status(re.sub("/lab/.*", "/api/contents", url)) == 403
    assert not re.search("pull", answer.stderr), "the data was just made"
    again = project.notebook("up", "traffic-eda")
    assert again.stdout.splitlines()[0] == f"traffic-eda was up: {url}"
    (row,) = json.loads(project.notebook("status", "--json").stdout)
    assert (row["notebook"], row["state"], row["url"]) == ("traffic-eda", "running", url)
    listed = {row["name"]: row for row in json.loads(project.notebook("list", "--json").stdout)}
    assert (listed["traffic-eda"]["url"], listed["speed-model"]["url"]) == (url, None)
    assert all(row["is_image_here"] and not row["missing"] for row in listed.values())
    assert "Jupyter Server" in project.notebook("logs", "traffic-eda").stdout
    assert project.notebook("down", "traffic-eda").stdout == "traffic-eda is down\n"
    assert project.containers() == []
    assert project.notebook("status").stdout == "nothing is up\n"


def test_the_token_is_its_owners(project: Any, is_down: None) -> None:
    """It is in a file that only the user can read, is another with every start, and `docker ps` does not tell it."""
    secrets = []
    for _ in range(2):
        url = _url(project.notebook("up", "climate-eda").stdout)
        secrets.append(url.partition("token=")[2])
        project.notebook("down", "climate-eda")
    file = project.root / "build/notebooks/climate-eda/token.env"
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, project.uid)
    assert len(set(secrets)) == 2
    assert secrets[1] not in file.with_name("compose.yaml").read_text("utf-8")


def test_the_rendered_file_works_alone(project: Any, is_down: None) -> None:
    """`docker compose -f … up` starts the same, whose container becomes healthy; nothing was made by Docker's root."""
    url = _url(project.notebook("up", "climate-eda").stdout)
    project.notebook("down")
    file = "build/notebooks/climate-eda/compose.yaml"
    project.run("docker", "compose", "-f", file, "up", "--detach", "--wait")
    assert _status(url) == 200
    (row,) = json.loads(project.notebook("status", "--json").stdout)
    assert (row["health"], row["url"]) == ("healthy", url)
    project.run("docker", "compose", "-f", file, "down")
    assert project.containers() == []
    owners = {path.stat().st_uid for path in (project.root / "notebooks").rglob("*")}
    assert owners == {project.uid}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start it as two users")
def test_root_may_write_into_another_users_clone(project: Any, is_down: None) -> None:
    """As on the host; who is not root has no capability at all. Data is read-only for both."""
    probe = (
        "touch /project/notebooks/probe && rm /project/notebooks/probe;"
        "touch /project/data/datasets.toml; grep CapEff /proc/self/status"
    )
    root = type(project)(project.root, uid=0, gid=0)
    for user, capabilities in ((project, 0), (root, 2)):
        container = json.loads(user.notebook("up", "climate-eda", "--json").stdout)["container"]
        said = project.run("docker", "exec", container, "sh", "-c", probe)
        assert said.stderr.strip().endswith("datasets.toml': Read-only file system")
        assert len(said.stderr.splitlines()) == 1
        assert int(said.stdout.split()[-1], 16) == capabilities
        user.notebook("down", "climate-eda")
    shutil.rmtree(project.root / "build/notebooks/climate-eda")


def test_a_busy_port_is_replaced_or_explained(project: Any, is_down: None) -> None:
    """The default is replaced by the next free one; one that was asked for is not, and its owner is named."""
    taken = _url(project.notebook("up", "climate-eda").stdout)
    port = int(re.search(r":(\d+)/", taken)[1])  # type: ignore[index]
    second = _url(project.notebook("up", "traffic-eda").stdout)
    assert f":{port}/" not in second and _status(second) == 200
    project.notebook("down", "traffic-eda")
    answer = project.notebook("up", "traffic-eda", "--port", str(port), check=False)
    assert (answer.returncode, answer.stderr.splitlines()[-1]) == (
        2,
        f"error: port {port} of 127.0.0.1 is taken by the notebook climate-eda. Choose another with --port, or leave it"
        " out: then the next free one from 8888 on is taken.",
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = project.notebook("up", "traffic-eda", "--port", str(server.getsockname()[1]), check=False)
        assert answer.returncode == 2 and "is taken by another program." in answer.stderr


def test_ctrl_c_stops_what_is_attached(project: Any) -> None:
    """On a terminal `up` goes on until Ctrl-C, which stops and removes the container and is no failure."""
    with _on_a_terminal(project, "up", "climate-eda") as (output, process):
        _read_until(output, "Ctrl-C stops it.")
        assert len(project.containers()) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert project.containers() == []


def test_ctrl_c_during_the_start_leaves_nothing(project: Any) -> None:
    """Also before the page answers."""
    with _on_a_terminal(project, "up", "climate-eda") as (output, process):
        _read_until(output, "starting")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert project.containers() == []


@pytest.mark.parametrize("command", ["up", "run"])
def test_an_unknown_notebook_gets_the_nearest_name(project: Any, command: str) -> None:
    """And the exit code of wrong input."""
    answer = project.notebook(command, "trafic-eda", check=False)
    assert answer.returncode == 2
    assert "trafic-eda" in answer.stderr and "'traffic-eda'" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["up", "run"])
def test_without_docker_the_error_says_what_to_start(project: Any, command: str) -> None:
    """Before anything is fetched."""
    answer = project.notebook(command, "climate-eda", check=False, DOCKER_HOST="unix:///nowhere.sock")
    assert answer.returncode == 1
    assert answer.stderr.startswith("error: no Docker Engine answers at unix:///nowhere.sock. Start it")


def test_without_docker_the_list_still_lists(project: Any) -> None:
    """It says of each image that no engine could be asked."""
    rows = json.loads(project.notebook("list", "--json", DOCKER_HOST="unix:///nowhere.sock").stdout)
    assert {row["is_image_here"] for row in rows} == {None}


def test_an_image_that_cannot_be_made_is_an_error(project: Any) -> None:
    """From a base that is nowhere; nothing is started."""
    answer = project.notebook("up", "climate-eda", "--base", "127.0.0.1:9/none:1", check=False)
    assert answer.returncode in (1, 2)
    assert "127.0.0.1:9" in answer.stderr and "Traceback" not in answer.stderr
    assert project.containers() == []


def test_unknown_images_and_datasets_are_told_with_their_table(project: Any) -> None:
    """With the key path and the nearest name."""
    kept = (project.root / "pyproject.toml").read_text("utf-8")
    try:
        project.write_notebook("trial", "1", image="jupyter-notebok", datasets=["climat"])
        answer = project.notebook("up", "trial", check=False)
        assert answer.returncode == 2
        assert "notebooks.trial.image" in answer.stderr and "'jupyter-notebook'" in answer.stderr
        project.write_notebook("trial", "1", datasets=["climat"])
        answer = project.notebook("up", "trial", check=False)
        assert answer.returncode == 2
        assert "notebooks.trial.datasets[0]" in answer.stderr and "'climate'" in answer.stderr
    finally:
        project.write("pyproject.toml", kept)


@pytest.fixture
def forgotten(project: Any) -> Iterator[Path]:
    """The climate data is on the remote and nowhere else; gives the remote's folder."""
    project.run(sys.executable, "-m", "data_share", "push", "--dataset", "climate")
    here, cache = project.root / "data/raw/parquet/climate", project.root / ".dvc/cache"
    kept = {path: path.rename(project.root / "data" / f"kept-{path.name}") for path in (here, cache)}
    yield project.root / "data/remote"
    for path, away in kept.items():
        shutil.rmtree(path, ignore_errors=True)
        away.rename(path)


def test_what_is_missing_is_pulled(project: Any, forgotten: Path) -> None:
    """After a plan; then the notebook runs."""
    project.write_notebook("trial", "import experiment\nprint(len(experiment.load('climate')))", datasets=["climate"])
    answer = project.notebook("run", "trial")
    lines = answer.stderr.splitlines()
    assert lines[0] == "trial: climate is not here; pulling it"
    assert lines[1].startswith("to pull from local") and any(line.startswith("pulled ") for line in lines)


def test_data_that_is_nowhere_is_an_error(project: Any, forgotten: Path) -> None:
    """Neither here nor on the remote: it says what is missing and how to get it; nothing is started."""
    away = forgotten.rename(forgotten.with_name("away"))
    try:
        answer = project.notebook("up", "climate-eda", check=False)
    finally:
        shutil.rmtree(forgotten, ignore_errors=True)
        away.rename(forgotten)
    assert answer.returncode == 1
    assert "error: climate-eda reads climate" in answer.stderr and "invoke data.compress" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert project.containers() == []


@pytest.mark.parametrize("missing", ["notebooks/lib", "images/compose.yaml"])
def test_what_is_missing_on_the_host_is_an_error(project: Any, missing: str) -> None:
    """And not a folder that Docker makes and root owns."""
    path = project.root / missing
    away = path.rename(path.with_name("away"))
    try:
        answer = project.notebook("up", "climate-eda", check=False)
        assert answer.returncode == 2
        assert str(path) in answer.stderr
        assert not path.exists()
    finally:
        away.rename(path)


def test_a_new_notebook_can_be_worked_with_at_once(project: Any) -> None:
    """Its file loads its datasets, its table is in pyproject.toml; its name is taken then."""
    kept = (project.root / "pyproject.toml").read_text("utf-8")
    try:
        project.notebook("new", "fresh", "--image", "jupyter-notebook", "--dataset", "climate")
        assert project.notebook("run", "fresh").stdout.startswith("fresh: 2 cells in ")
        answer = project.notebook("new", "fresh", "--image", "jupyter-notebook", check=False)
        assert answer.returncode == 2 and "there is a notebook fresh already" in answer.stderr
        for words, nearest in (
            (("other", "--image", "jupyter-notbook"), "'jupyter-notebook'"),
            (("other", "--image", "jupyter-notebook", "--dataset", "climat"), "'climate'"),
        ):
            answer = project.notebook("new", *words, check=False)
            assert answer.returncode == 2 and nearest in answer.stderr
        assert not (project.root / "notebooks/other.ipynb").exists()
    finally:
        project.write("pyproject.toml", kept)
        (project.root / "notebooks/fresh.ipynb").unlink(missing_ok=True)


def _url(output: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/lab/tree/[a-z-]+\.ipynb\?token=[\w-]+", output)
    assert found, output
    return found[0]


def _status(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@contextmanager
def _on_a_terminal(project: Any, *words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A command as somebody types it, and what it writes."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        project.command(sys.executable, "-m", "notebook_run", *words),
        cwd=project.root,
        env=project.environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield ours, process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(output: int, text: str) -> None:
    said, end = "", time.monotonic() + 120
    while text not in said:
        assert time.monotonic() < end, said
        said += os.read(output, 4096).decode("utf-8", "replace")

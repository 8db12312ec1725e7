"""Notebooks in Jupyter: `notebook.up` starts them and prints their URL, or explains why it cannot."""

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
    """No notebook runs before the test, and none after it."""
    project.notebook("down", "all")
    yield
    project.notebook("down", "all")


def test_one_command_line_ends_with_a_url(project: Any, is_down: None) -> None:
    """It starts with raw files; the page answers only with the token; a second `up` finds the notebook running."""
    chain = ("data.sample", "--size", "8MB", "data.compress", "notebook.up", "traffic-eda")
    result = project.run(sys.executable, "-m", "invoke", *chain)
    url = _url(result.stdout)
    assert _status(url) == 200
    assert _status(re.sub("/lab/.*", "/api/contents", url)) == 403
    assert not re.search("pull", result.stderr), "the data was just created"
    again = project.notebook("up", "traffic-eda")
    assert again.stdout.splitlines()[0] == f"traffic-eda was already up: {url}"
    (row,) = json.loads(project.notebook("status", "--json").stdout)
    assert (row["notebook"], row["state"], row["url"]) == ("traffic-eda", "running", url)
    listed = {row["name"]: row for row in json.loads(project.notebook("list", "--json").stdout)}
    assert (listed["traffic-eda"]["url"], listed["speed-model"]["url"]) == (url, None)
    assert all(row["is_image_local"] and not row["missing_locally"] for row in listed.values())
    assert "Jupyter Server" in project.notebook("logs", "traffic-eda").stdout
    assert project.notebook("down", "traffic-eda").stdout == "traffic-eda is down\n"
    assert project.containers() == []
    assert project.notebook("status").stdout == "no notebook is running\n"


def test_labels_for_selinux_are_accepted(project: Any, is_down: None) -> None:
    """With `selinux = true`, notebooks run and write their results; an engine without SELinux ignores the label."""
    path = project.root / "pyproject.toml"
    text = path.read_text("utf-8")
    try:
        project.write("pyproject.toml", f"{text}\n[tool.env-spec.notebook]\nselinux = true\n")
        project.write_notebook("labelled", "open('result.txt', 'w').write('x')")
        project.notebook("run", "labelled")
        result = project.root / "notebooks/out/labelled/result.txt"
        assert (result.read_text(), result.stat().st_uid) == ("x", project.uid)
        assert _status(_url(project.notebook("up", "climate-eda").stdout)) == 200
        (container,) = project.containers()
        mounts = json.loads(project.run("docker", "inspect", container).stdout)[0]["HostConfig"]["Binds"]
        assert len(mounts) >= 7 and all("z" in mount.rpartition(":")[2].split(",") for mount in mounts)
    finally:
        project.notebook("down", "all")
        project.write("pyproject.toml", text)


def test_the_token_is_secret(project: Any, is_down: None) -> None:
    """It is in a file that only the user can read, changes with every start, and is not in the compose file."""
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
    """`docker compose -f … up` starts the same container, which becomes healthy; no file belongs to root."""
    url = _url(project.notebook("up", "climate-eda").stdout)
    project.notebook("down", "all")
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
    """Root may do so on the host, too; other users have no capability. Data is read-only for both."""
    probe = (
        "touch /project/notebooks/probe && rm /project/notebooks/probe;"
        "touch /project/data/datasets.toml; grep CapEff /proc/self/status"
    )
    root = type(project)(project.root, uid=0, gid=0)
    for user, capabilities in ((project, 0), (root, 2)):
        container = json.loads(user.notebook("up", "climate-eda", "--json").stdout)["container"]
        probed = project.run("docker", "exec", container, "sh", "-c", probe)
        assert probed.stderr.strip().endswith("datasets.toml': Read-only file system")
        assert len(probed.stderr.splitlines()) == 1
        assert int(probed.stdout.split()[-1], 16) == capabilities
        user.notebook("down", "climate-eda")
    shutil.rmtree(project.root / "build/notebooks/climate-eda")


def test_files_that_are_lost_with_the_container_are_reported(project: Any, is_down: None) -> None:
    """Root's files outside of every mount, and those in the memory that hides other results; not temporary ones."""
    root = type(project)(project.root, uid=0, gid=0) if os.getuid() == 0 else project
    container = json.loads(root.notebook("up", "climate-eda", "--json").stdout)["container"]
    written = "/home/lost.csv /project/notebooks/out/also.csv /project/notebooks/out/climate-eda/kept.csv /tmp/scratch"
    root.run("docker", "exec", "--user", "0", container, "touch", *written.split())
    result = root.notebook("down", "climate-eda")
    assert [line for line in result.stderr.splitlines() if "lost" in line] == [
        "climate-eda: 2 files outside the results are lost with the container: /home/lost.csv,"
        ' /project/notebooks/out/also.csv. A relative path, or experiment.out("FILE"), is kept in'
        " notebooks/out/climate-eda."
    ]
    assert result.stdout == "climate-eda is down\n"
    (project.root / "notebooks/out/climate-eda/kept.csv").unlink()
    root.notebook("up", "climate-eda")
    assert "lost" not in root.notebook("down", "climate-eda").stderr
    shutil.rmtree(project.root / "build/notebooks/climate-eda")


def test_a_busy_port_is_replaced_or_explained(project: Any, is_down: None) -> None:
    """The default is replaced by the next free one; a requested port is not, and the error names its user."""
    taken = _url(project.notebook("up", "climate-eda").stdout)
    port = int(re.search(r":(\d+)/", taken)[1])  # type: ignore[index]
    second = _url(project.notebook("up", "traffic-eda").stdout)
    assert f":{port}/" not in second and _status(second) == 200
    project.notebook("down", "traffic-eda")
    result = project.notebook("up", "traffic-eda", "--port", str(port), check=False)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (
        2,
        f"error: port {port} of 127.0.0.1 is in use by the notebook climate-eda. Choose another one with --port, or"
        " omit --port to use the next free port from 8888 on.",
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = project.notebook("up", "traffic-eda", "--port", str(server.getsockname()[1]), check=False)
        assert result.returncode == 2 and "is in use by another program." in result.stderr


def test_ctrl_c_stops_a_notebook_on_a_terminal(project: Any) -> None:
    """There `up` waits until Ctrl-C, which stops and removes the container and is no failure."""
    with _on_a_terminal(project, "up", "climate-eda") as (output, process):
        _read_until(output, "Ctrl-C stops it.")
        assert len(project.containers()) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert project.containers() == []


def test_ctrl_c_during_the_start_leaves_no_container(project: Any) -> None:
    """This is before the page answers."""
    with _on_a_terminal(project, "up", "climate-eda") as (output, process):
        _read_until(output, "starting")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert project.containers() == []


@pytest.mark.parametrize("command", ["up", "run"])
def test_an_unknown_notebook_gets_the_nearest_name(project: Any, command: str) -> None:
    """The exit code is that of wrong input."""
    result = project.notebook(command, "trafic-eda", check=False)
    assert result.returncode == 2
    assert "trafic-eda" in result.stderr and "'traffic-eda'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["up", "run"])
def test_without_docker_the_error_names_what_to_start(project: Any, command: str) -> None:
    """Nothing is fetched before."""
    result = project.notebook(command, "climate-eda", check=False, DOCKER_HOST="unix:///nowhere.sock")
    assert result.returncode == 1
    assert result.stderr.startswith("error: no Docker Engine answers at unix:///nowhere.sock. Start it")


def test_notebooks_are_listed_without_docker(project: Any) -> None:
    """The state of their images is unknown."""
    rows = json.loads(project.notebook("list", "--json", DOCKER_HOST="unix:///nowhere.sock").stdout)
    assert {row["is_image_local"] for row in rows} == {None}


def test_an_image_that_cannot_be_built_is_an_error(project: Any) -> None:
    """Its base does not exist; nothing is started."""
    result = project.notebook("up", "climate-eda", "--base", "127.0.0.1:9/none:1", check=False)
    assert result.returncode in (1, 2)
    assert "127.0.0.1:9" in result.stderr and "Traceback" not in result.stderr
    assert project.containers() == []


def test_unknown_images_and_datasets_are_reported_with_their_table(project: Any) -> None:
    """The error has the key path and the nearest name."""
    kept = (project.root / "pyproject.toml").read_text("utf-8")
    try:
        project.write_notebook("trial", "1", image="jupyter-notebok", datasets=["climat"])
        result = project.notebook("up", "trial", check=False)
        assert result.returncode == 2
        assert "notebooks.trial.image" in result.stderr and "'jupyter-notebook'" in result.stderr
        project.write_notebook("trial", "1", datasets=["climat"])
        result = project.notebook("up", "trial", check=False)
        assert result.returncode == 2
        assert "notebooks.trial.datasets[0]" in result.stderr and "'climate'" in result.stderr
    finally:
        project.write("pyproject.toml", kept)


@pytest.fixture
def forgotten(project: Any) -> Iterator[Path]:
    """The climate data is only on the remote; the folder of the remote."""
    project.run(sys.executable, "-m", "invoke", "data.push", "--dataset", "climate")
    local, cache = project.root / "data/raw/parquet/climate", project.root / ".dvc/cache"
    kept = {path: path.rename(project.root / "data" / f"kept-{path.name}") for path in (local, cache)}
    yield project.root / "data/remote"
    for path, away in kept.items():
        shutil.rmtree(path, ignore_errors=True)
        away.rename(path)


def test_missing_data_is_pulled(project: Any, forgotten: Path) -> None:
    """The plan is shown first; then the notebook runs."""
    project.write_notebook("trial", "import experiment\nprint(len(experiment.load('climate')))", datasets=["climate"])
    result = project.notebook("run", "trial")
    lines = result.stderr.splitlines()
    assert lines[0] == "trial: climate is missing locally; pulling it"
    assert lines[1].startswith("to pull from local") and any(line.startswith("pulled ") for line in lines)


def test_data_that_is_not_on_the_remote_either_is_an_error(project: Any, forgotten: Path) -> None:
    """The error names what is missing and how to get it; nothing is started."""
    away = forgotten.rename(forgotten.with_name("away"))
    try:
        result = project.notebook("up", "climate-eda", check=False)
    finally:
        shutil.rmtree(forgotten, ignore_errors=True)
        away.rename(forgotten)
    assert result.returncode == 1
    assert "error: climate-eda reads climate" in result.stderr and "invoke data.compress" in result.stderr
    assert "Traceback" not in result.stderr
    assert project.containers() == []


@pytest.mark.parametrize("missing", ["notebooks/lib", "images/compose.yaml"])
def test_a_missing_path_on_the_host_is_an_error(project: Any, missing: str) -> None:
    """Docker does not make a folder for it, which would belong to root."""
    path = project.root / missing
    away = path.rename(path.with_name("away"))
    try:
        result = project.notebook("up", "climate-eda", check=False)
        assert result.returncode == 2
        assert str(path) in result.stderr
        assert not path.exists()
    finally:
        away.rename(path)


def test_a_new_notebook_runs_at_once(project: Any) -> None:
    """Its file loads its datasets, its table is in pyproject.toml, and its name is in use."""
    kept = (project.root / "pyproject.toml").read_text("utf-8")
    try:
        project.notebook("new", "fresh", "--image", "jupyter-notebook", "--dataset", "climate")
        assert project.notebook("run", "fresh").stdout.startswith("fresh: 2 cells in ")
        result = project.notebook("new", "fresh", "--image", "jupyter-notebook", check=False)
        assert result.returncode == 2 and "a notebook fresh already exists" in result.stderr
        for words, nearest in (
            (("other", "--image", "jupyter-notbook"), "'jupyter-notebook'"),
            (("other", "--image", "jupyter-notebook", "--dataset", "climat"), "'climate'"),
        ):
            result = project.notebook("new", *words, check=False)
            assert result.returncode == 2 and nearest in result.stderr
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
        with opener.open(url, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@contextmanager
def _on_a_terminal(project: Any, *words: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A command on a terminal, with its output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        project.command(*project.notebook_command(*words)),
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
    text_so_far, end = "", time.monotonic() + 120
    while text not in text_so_far:
        assert time.monotonic() < end, text_so_far
        text_so_far += os.read(output, 4096).decode("utf-8", "replace")

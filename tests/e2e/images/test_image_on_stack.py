"""Our Dockerfile on an image like a Jupyter stack, and Jupyter started by image.run.

These tests must not depend on a registry on the internet, so jupyter_stack/ replaces quay.io/jupyter/base-notebook. Its
Dockerfile lists what it has in common with docker-stacks and what not. The real image is untested.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import BASE, Clone, jupyter_by_image_run, make_clone, response_of, status
from .test_image_build import docker

STACK = "e2e-jupyter-stack:test"


@pytest.fixture(scope="module")
def on_stack(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with one image, `lab`, on the replacement of a stack."""
    docker(
        "build",
        "--quiet",
        "--build-arg",
        f"BASE_IMAGE={BASE}",
        "--tag",
        STACK,
        str(Path(__file__).parent / "jupyter_stack"),
    )
    made = make_clone(tmp_path_factory.mktemp("stack"), f"e2e-stack-{time.time_ns()}")
    made.write_images('lab]\ngroups = ["notebook"]')
    text = (made.root / "pyproject.toml").read_text()
    (made.root / "pyproject.toml").write_text(text.replace(f'base = "{BASE}"', f'base = "{STACK}"'))
    made.commit("All of it")
    yield made
    made.image("clean", check=False)
    docker("image", "rm", STACK)


@pytest.fixture(scope="module")
def lab(on_stack: Clone) -> dict[str, Any]:
    (image,) = on_stack.build()
    return image


def test_an_image_on_a_stack_passes_its_test(lab: dict[str, Any]) -> None:
    """The image has the locked packages, complete files, user 1000, no tools of the builder, and the venv's kernel."""
    assert {finding["what"]: finding["problem"] for finding in lab["test"]["findings"]} == dict.fromkeys(
        ("packages", "files", "imports", "user", "tools", "kernel", "jupyter", "size")
    )


def test_the_image_keeps_what_the_stack_has(lab: dict[str, Any]) -> None:
    """User, group, home with its permissions, entry point, health check and port are the stack's."""
    ours, stacks = (
        json.loads(docker("image", "inspect", "--format", "{{json .Config}}", name))
        for name in (lab["reference"], STACK)
    )
    for key in ("Entrypoint", "Healthcheck", "User", "WorkingDir", "ExposedPorts"):
        assert ours[key] == stacks[key], key
    command = "id; stat -c '%a %u:%g %n' /home/jovyan /home/jovyan/work /usr/local/bin/before-notebook.d"
    outputs = [docker("run", "--rm", "--entrypoint=sh", name, "-c", command) for name in (lab["reference"], STACK)]
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith("uid=1000(jovyan) gid=100(users)")


@pytest.mark.parametrize("shell", ["-c", "-ic"])
def test_the_venv_comes_before_conda(lab: dict[str, Any], shell: str) -> None:
    """After the stack's entry point, which activates conda, and in a terminal, python and jupyter are the venv's."""
    code = "import shutil, sys; print(sys.prefix, shutil.which('jupyter'))"
    output = docker("run", "--rm", lab["reference"], "bash", shell, f'python -c "{code}"')
    assert output.splitlines()[-1] == "/opt/venv /opt/venv/bin/jupyter"
    assert "10activate-conda-env.sh" in output


def test_image_run_opens_jupyter(lab: dict[str, Any], on_stack: Clone) -> None:
    """Jupyter listens only on 127.0.0.1 and requires its token; the stack's command starts it."""
    with jupyter_by_image_run(on_stack, "lab") as (address, token, process):
        (container,) = containers(process)
        assert status(f"{address}/api/status") == 403
        assert status(f"{address}/api/status", "not-the-token") == 403
        assert status(f"{address}/api/status", token) == 200
        ports = json.loads(docker("container", "inspect", "--format", "{{json .NetworkSettings.Ports}}", container))
        assert [bound["HostIp"] for bound in ports["8888/tcp"]] == ["127.0.0.1"]
        logs = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
        assert "Executing: jupyter lab" in logs.stdout
        assert response_of(f"{address}/api/kernelspecs", token)[1]["default"] == "python3"
        created, kernel = response_of(f"{address}/api/kernels", token, content=b"{}")
        assert (created, kernel["name"]) == (201, "python3")
        assert "/opt/venv/bin/python -m ipykernel_launcher" in processes(container)
        assert is_healthy(container)
        verified = on_stack.invoke("env.verify", "--container", container, check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
        assert containers(process) == []


def test_image_run_runs_a_command(lab: dict[str, Any], on_stack: Clone) -> None:
    """--command runs a command instead of Jupyter, and its exit code is returned."""
    result = on_stack.image("run", "lab", "--command", "id -un; exit 3", check=False)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (3, "jovyan")


def test_image_run_needs_a_free_port(lab: dict[str, Any], on_stack: Clone) -> None:
    """The error names a port that another program uses; exit code 2."""
    with jupyter_by_image_run(on_stack, "lab") as (address, _, _process):
        port = address.rpartition(":")[2]
        refused = on_stack.image("run", "lab", "--port", port, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: port {port} of 127.0.0.1 cannot be used")


def containers(process: subprocess.Popen[str]) -> list[str]:
    """The containers of an image.run process."""
    return docker("container", "ls", "--all", "--quiet", "--filter", f"name=shrinkwrap-{process.pid}-").split()


def processes(container: str) -> str:
    """The command lines in a container, when a kernel is running."""
    code = "import glob; [print(open(name).read().replace(chr(0), ' ')) for name in glob.glob('/proc/[0-9]*/cmdline')]"
    deadline_s = time.monotonic() + 30
    while "ipykernel_launcher" not in (found := docker("exec", container, "python3", "-c", code)):
        assert time.monotonic() < deadline_s, found
    return found


def is_healthy(container: str) -> bool:
    """Whether the stack's own health check succeeds."""
    deadline_s = time.monotonic() + 30
    while (health := docker("container", "inspect", "--format", "{{.State.Health.Status}}", container)) != "healthy":
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.2)
    return health == "healthy"

"""Podman's service in place of Docker Engine: images are found, listed, cleaned and run, but not built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_build import clean_images
from image_build.planning.repository import repository_ids
from notebook_run.container import Mount
from notebook_run.engine import ContainerRequest, Engine

from .conftest import BASE, SKIP_REASON, make_clone

# Podman as root in a container may not raise the limits of this process.
_SETTINGS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'


@pytest.fixture(scope="module")
def podman(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Podman's service with the base image, as a DOCKER_HOST; its storage is its own, and removed at the end."""
    program = shutil.which("podman")
    if program is None or os.geteuid() != 0:
        pytest.skip("images: these tests need the program podman, which nothing here installs, and root")
    folder = tmp_path_factory.mktemp("podman")
    (folder / "containers.conf").write_text(_SETTINGS)
    host = f"unix://{folder}/podman.sock"
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver=vfs"]
    command = [program, *storage, "--cgroup-manager=cgroupfs", "--events-backend=file", "system", "service", "--time=0"]
    variables = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")}
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([*command, host], stdout=log, stderr=log, env=variables) as process,
    ):
        try:
            deadline_s = time.monotonic() + 60
            while subprocess.run(["docker", "--host", host, "info"], capture_output=True, check=False).returncode:
                if process.poll() is not None or time.monotonic() > deadline_s:
                    pytest.skip(SKIP_REASON.format(f"podman does not start: {(folder / 'log').read_text()[-500:]}"))
                time.sleep(0.2)
            archive = folder / "base.tar"
            subprocess.run(["docker", "save", "--output", str(archive), BASE], check=True)
            load = ["docker", "--host", host, "load", "--input", str(archive)]
            subprocess.run(load, check=True, capture_output=True)
            yield host
        finally:
            process.terminate()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("has_selinux", [False, True])
def test_a_container_runs_as_with_docker(
    podman: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_selinux: bool
) -> None:
    """Read-only and writable mounts, with and without labels, the limit of memory, exit code and lost files."""
    monkeypatch.setenv("DOCKER_HOST", podman)
    read, written = tmp_path / "read", tmp_path / "written"
    for folder in (read, written):
        folder.mkdir()
    (read / "text").write_text("hello")
    script = "cat /again/text; cat /read/text; touch /read/new; echo result > /written/file; touch /etc/lost; exit 3"
    request = ContainerRequest(
        image=BASE,
        command=["sh", "-c", script],
        mounts=[
            Mount(source=read, target="/read"),
            Mount(source=read, target="/again"),
            Mount(source=written, target="/written", is_writable=True),
        ],
        environment={},
        user="0:0",
        memory_bytes=100_000_000,
        has_network=False,
        labels={},
        has_selinux=has_selinux,
    )
    lines: list[str] = []
    ended = Engine(tmp_path).run_lines(request, lines.append)
    assert (ended.exit_code, ended.lost_files) == (3, ("/etc/lost",))
    assert any("hello" in line for line in lines)
    assert ((written / "file").read_text(), (read / "new").exists()) == ("result\n", False)


def test_images_are_cleaned_and_not_built(podman: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build is refused before it begins, with the way out; images that were loaded go by their labels."""
    clone = make_clone(tmp_path / "clone", f"podman-{time.time_ns()}")
    clone.write_images('small]\ngroups = ["test"]')
    clone.commit("All of it")
    listed = json.loads(clone.image("list", "--json", DOCKER_HOST=podman).stdout)
    assert [image["state"] for image in listed] == ["absent"]
    refused = clone.image("build", DOCKER_HOST=podman, check=False)
    assert refused.returncode == 1
    assert "error: Podman cannot build these images" in refused.stderr and "FAIL" not in refused.stderr
    monkeypatch.setenv("DOCKER_HOST", podman)
    (repository,) = repository_ids(clone.root)
    client = Engine(clone.root)._client
    labels = {"io.shrinkwrap.repository": repository, "io.shrinkwrap.project": clone.project}
    container = client.containers.create(BASE, ["true"])
    container.commit("localhost/small", "env-0", changes=[f"LABEL {key}={value}" for key, value in labels.items()])
    container.remove()
    cleaned = clean_images(clone.root)
    assert [(image.name, image.problem) for image in cleaned.images] == [("localhost/small:env-0", None)]
    assert clean_images(clone.root).images == ()

"""What one machine leaves for another: caches of steps, in a folder or a registry; and an engine whose disk is full.

The other machine is a second engine with a small disk of its own and without a network inside of builds, so that a step
which is not in the cache fails. GitHub's cache (`--cache gha`) exists only there: its definition alone is tested, in
test_image_plan.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import BASE, Clone, make_clone, second_engine, serving_registry
from .test_image_build import docker

SMALL = ('small]\ngroups = ["test"]', 'small-other]\ngroups = ["policy-lint"]')
SCOPES = {"registry": ("small", "small-other"), "local": ("small",)}


@pytest.fixture(scope="module")
def shelf(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A registry that both engines reach under one address, and its configuration."""
    folder = tmp_path_factory.mktemp("shelf")
    with serving_registry(folder) as address:
        yield address, folder / "config.yml"


@pytest.fixture(scope="module")
def registry(shelf: tuple[str, Path]) -> str:
    return shelf[0]


@pytest.fixture(scope="module")
def other(shelf: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DOCKER_HOST of the other machine."""
    with second_engine(tmp_path_factory.mktemp("engine"), size="1500m", registry=shelf[1]) as host:
        yield host


@pytest.fixture(scope="module")
def cached(engine: None, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone on a base of the registry, whose two images were built here with both caches written."""
    base = f"{registry}/bases/cached:1"
    docker("tag", BASE, base)
    docker("push", "--quiet", base)
    docker("image", "rm", base)
    made = make_clone(tmp_path_factory.mktemp("cached"), f"e2e-cached-{time.time_ns()}")
    made.write_images(*SMALL, registry=f"{registry}/cached")
    path = made.root / "pyproject.toml"
    path.write_text(path.read_text().replace(f'base = "{BASE}"', f'base = "{base}"'))
    made.commit("All of it")
    # One by one, as the jobs of a matrix do.
    for cache, names in SCOPES.items():
        for name in names:
            made.build("--image", name, "--cache", cache, "--force")
    yield made
    made.image("clean", check=False)


def steps(clone: Clone) -> dict[str, bool]:
    """The RUN steps of the last build, and whether each was cached."""
    log = (clone.root / ".shrinkwrap/logs/image-build.log").read_text()
    names = dict(re.findall(r"^#(\d+) \[(.*?\] RUN .*)$", log, re.MULTILINE))
    is_cached = set(re.findall(r"^#(\d+) CACHED$", log, re.MULTILINE))
    return {name: number in is_cached for number, name in names.items()}


def forget(host: str) -> None:
    """Remove all that the other engine has built and pulled."""
    images = docker("--host", host, "image", "ls", "--all", "--quiet").split()
    subprocess.run(["docker", "--host", host, "image", "rm", "--force", *images], capture_output=True, check=False)
    docker("--host", host, "buildx", "prune", "--all", "--force")


@pytest.mark.parametrize("cache", ["registry", "local"])
def test_another_machine_runs_no_step(cached: Clone, other: str, cache: str) -> None:
    """With the cache that was written here, no step of either image is run there, and the digests are the same."""
    forget(other)
    there = {"DOCKER_HOST": other, "BUILDX_BUILDER": "default"}
    for name in SCOPES[cache]:
        cached.image("build", "--image", name, "--cache", cache, **there)
        # That it succeeded says that no step was run; that it was cached, BuildKit tells of most.
        installing = [was_cached for step, was_cached in steps(cached).items() if "/install-" in step]
        assert any(installing)
    assert {line for line in images() if line.split(":env-")[0].rpartition("/")[2] in SCOPES[cache]} == images(other)


def images(host: str | None = None) -> set[str]:
    """Names and digests of what was built from the caches' clone."""
    where = ["--host", host] if host else []
    listed = docker(*where, "image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()
    return {line for line in listed if "/cached/" in line and ":env-" in line}


def test_without_a_cache_steps_are_run(cached: Clone, other: str) -> None:
    """The same build there without a cache runs a step, and fails for want of a network: so the test above can fail."""
    forget(other)
    answer = cached.image("build", check=False, DOCKER_HOST=other, BUILDX_BUILDER="default")
    assert answer.returncode == 1
    assert re.search(r"the build failed at \[.*\] RUN sh /run/.*:\n.*network bridge not found", answer.stderr)


def test_each_image_has_a_scope_of_its_own(cached: Clone, registry: str) -> None:
    """Two images write two caches: tags of their repositories, folders of their names."""
    inspect = ("buildx", "imagetools", "inspect", "--raw")
    caches = [docker(*inspect, f"{registry}/cached/{name}:cache") for name in SCOPES["registry"]]
    assert caches[0] != caches[1]
    assert [path.name for path in (cached.root / ".shrinkwrap/buildkit").iterdir()] == ["small"]


def test_a_full_disk_of_the_engine(cached: Clone, other: str, registry: str, tmp_path: Path) -> None:
    """Where the engine's disk is full, build and pull end with 1, say what frees space, and leave no tag."""
    forget(other)
    cached.image("build", "--push", "--image", "small")
    docker("--host", other, "pull", "--quiet", f"{registry}/bases/cached:1")
    root = Path(docker("--host", other, "info", "--format", "{{.DockerRootDir}}"))
    filler = root / "filler"
    filler.touch()
    subprocess.run(["fallocate", "--length", str(shutil.disk_usage(root).free - 300_000), str(filler)], check=True)
    try:
        for command in (("build", "--image", "small-other"), ("ensure", "small", "--no-build")):
            answer = cached.image(*command, check=False, DOCKER_HOST=other, BUILDX_BUILDER="default")
            assert answer.returncode == 1, answer.stderr
            assert "error: no space is left on the Docker Engine's disk (while: " in answer.stderr
            assert "invoke image.clean" in answer.stderr and "Traceback" not in answer.stderr
    finally:
        filler.unlink()
    tags = docker("--host", other, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert tags == [f"{registry}/bases/cached:1"]

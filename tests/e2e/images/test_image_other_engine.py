"""Caches that another machine can use, in a folder or a registry; and an engine whose disk is full.

The other machine is a second engine with its own small disk and without a network in builds, so that a step that is not
cached fails. Only GitHub has the cache of `--cache gha`; test_image_plan.py tests its definition.
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

SMALL = ('small]\ngroups = ["test"]', 'small-other]\ngroups = ["policy-lint"]\nskip_imports = ["parliament"]')
SCOPES = {"registry": ("small", "small-other"), "local": ("small",)}


@pytest.fixture(scope="module")
def shelf(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A registry that both engines reach at the same address, and its configuration."""
    folder = tmp_path_factory.mktemp("shelf")
    with serving_registry(folder) as address:
        yield address, folder / "config.yml"


@pytest.fixture(scope="module")
def registry(shelf: tuple[str, Path]) -> str:
    return shelf[0]


@pytest.fixture(scope="module")
def other(shelf: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DOCKER_HOST of the other machine."""
    with second_engine(tmp_path_factory.mktemp("engine"), size="1500m", registry=shelf[1]) as host:
        yield host


@pytest.fixture(scope="module")
def cached(engine: None, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone on a base in the registry, whose two images were built on this engine with both caches."""
    base = f"{registry}/bases/cached:1"
    docker("tag", BASE, base)
    docker("push", "--quiet", base)
    docker("image", "rm", base)
    made = make_clone(tmp_path_factory.mktemp("cached"), f"e2e-cached-{time.time_ns()}")
    made.write_images(*SMALL, registry=f"{registry}/cached")
    path = made.root / "pyproject.toml"
    path.write_text(path.read_text().replace(f'base = "{BASE}"', f'base = "{base}"'))
    made.commit("All of it")
    # One by one, like the jobs of a matrix.
    for cache, names in SCOPES.items():
        for name in names:
            made.build("--image", name, "--cache", cache, "--force")
    yield made
    made.image("clean", check=False)


def finished(clone: Clone) -> str:
    """The RUN steps of the last build that were cached or finished, one in each line."""
    log = (clone.root / ".shrinkwrap/logs/image-build.log").read_text()
    names = dict(re.findall(r"^#(\d+) \[(.*?\] RUN .*)$", log, re.MULTILINE))
    finished_steps = set(re.findall(r"^#(\d+) (?:CACHED|DONE .*)$", log, re.MULTILINE))
    return "\n".join(name for number, name in names.items() if number in finished_steps)


def forget(host: str) -> None:
    """Remove everything that the other engine has built and pulled."""
    images = docker("--host", host, "image", "ls", "--all", "--quiet").split()
    subprocess.run(["docker", "--host", host, "image", "rm", "--force", *images], capture_output=True, check=False)
    docker("--host", host, "buildx", "prune", "--all", "--force")


@pytest.mark.parametrize("cache", SCOPES)
def test_another_machine_uses_the_cached_tooling(cached: Clone, other: str, cache: str) -> None:
    """The longest step, which cannot run there without a network, comes from the cache that this engine wrote.

    The build itself can fail, because BuildKit sometimes repeats a later step.
    """
    forget(other)
    words = ["build", "--image", "small", "--cache", cache]
    cached.image(*words, check=False, DOCKER_HOST=other)
    assert "sh /run/base/install-tools.sh" in finished(cached)


def test_without_a_cache_the_tooling_fails(cached: Clone, other: str) -> None:
    """Without a cache, the same build fails before this step; this shows that the test above can fail."""
    forget(other)
    result = cached.image("build", "--image", "small", check=False, DOCKER_HOST=other)
    assert result.returncode == 1 and "network bridge not found" in result.stderr
    assert "sh /run/base/install-tools.sh" not in finished(cached)


def test_each_image_has_its_own_scope(cached: Clone, registry: str) -> None:
    """Two images write two caches: tags in their repositories, folders with their names."""
    inspect = ("buildx", "imagetools", "inspect", "--raw")
    caches = [docker(*inspect, f"{registry}/cached/{name}:cache") for name in SCOPES["registry"]]
    assert caches[0] != caches[1]
    assert [path.name for path in (cached.root / ".shrinkwrap/buildkit").iterdir()] == ["small"]


def test_a_full_disk_of_the_engine(cached: Clone, other: str, registry: str, tmp_path: Path) -> None:
    """If the engine's disk is full, build and pull exit with 1, say how to free space, and leave no tag."""
    forget(other)
    cached.image("build", "--push", "--image", "small")
    docker("--host", other, "pull", "--quiet", f"{registry}/bases/cached:1")
    root = Path(docker("--host", other, "info", "--format", "{{.DockerRootDir}}"))
    filler = root / "filler"
    filler.touch()
    subprocess.run(["fallocate", "--length", str(shutil.disk_usage(root).free - 300_000), str(filler)], check=True)
    try:
        for command in (("build", "--image", "small-other"), ("get", "small", "--no-build")):
            result = cached.image(*command, check=False, DOCKER_HOST=other)
            assert result.returncode == 1, result.stderr
            assert "error: no space is left on the Docker Engine's disk (while: " in result.stderr
            assert "invoke image.clean" in result.stderr and "Traceback" not in result.stderr
    finally:
        filler.unlink()
    tags = docker("--host", other, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert tags == [f"{registry}/bases/cached:1"]

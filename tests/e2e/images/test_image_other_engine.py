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


def finished(clone: Clone) -> str:
    """The RUN steps of the last build that were cached or done, a line each."""
    log = (clone.root / ".shrinkwrap/logs/image-build.log").read_text()
    names = dict(re.findall(r"^#(\d+) \[(.*?\] RUN .*)$", log, re.MULTILINE))
    there = set(re.findall(r"^#(\d+) (?:CACHED|DONE .*)$", log, re.MULTILINE))
    return "\n".join(name for number, name in names.items() if number in there)


def forget(host: str) -> None:
    """Remove all that the other engine has built and pulled."""
    images = docker("--host", host, "image", "ls", "--all", "--quiet").split()
    subprocess.run(["docker", "--host", host, "image", "rm", "--force", *images], capture_output=True, check=False)
    docker("--host", host, "buildx", "prune", "--all", "--force")


@pytest.mark.parametrize("cache", SCOPES)
def test_another_machine_takes_the_tooling_from_the_cache(cached: Clone, other: str, cache: str) -> None:
    """The longest step, which cannot run there for want of a network, is taken from the cache that was written here.

    Not that the build ends well: BuildKit sometimes runs a later step again, which fails there.
    """
    forget(other)
    words = ["build", "--image", "small", "--cache", cache]
    cached.image(*words, check=False, DOCKER_HOST=other)
    assert "sh /run/base/install-tools.sh" in finished(cached)


def test_without_a_cache_the_tooling_would_be_made(cached: Clone, other: str) -> None:
    """The same build there without a cache fails before it: so the test above can fail."""
    forget(other)
    answer = cached.image("build", "--image", "small", check=False, DOCKER_HOST=other)
    assert answer.returncode == 1 and "network bridge not found" in answer.stderr
    assert "sh /run/base/install-tools.sh" not in finished(cached)


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
            answer = cached.image(*command, check=False, DOCKER_HOST=other)
            assert answer.returncode == 1, answer.stderr
            assert "error: no space is left on the Docker Engine's disk (while: " in answer.stderr
            assert "invoke image.clean" in answer.stderr and "Traceback" not in answer.stderr
    finally:
        filler.unlink()
    tags = docker("--host", other, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split()
    assert tags == [f"{registry}/bases/cached:1"]

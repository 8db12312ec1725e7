"""What end-to-end tests of images share: a real engine, a real registry, a clone to build in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
ANSWER = "images: {}; tests/e2e/engine.sh sees to it where it can"


class Clone:
    """A repository like ours whose images are small: groups that need few packages, in the same lock."""

    def __init__(self, root: Path, project: str) -> None:
        self.root = root
        self.project = project

    def write_images(self, *tables: str, registry: str | None = None) -> None:
        """Replace the images that pyproject.toml declares; its notebooks go, since they name them."""
        kept = (ROOT / "pyproject.toml").read_text("utf-8").replace('name = "shrinkwrap"', f'name = "{self.project}"')
        head, _, rest = kept.partition("\n[tool.env-spec.images.")
        rest = "[tool.pytest" + rest.partition("\n[tool.pytest")[2]
        registry_line = f'registry = "{registry}"\n' if registry else ""
        text = "".join(f'[tool.env-spec.images.{table}\nbase = "{BASE}"\n{registry_line}\n' for table in tables)
        (self.root / "pyproject.toml").write_text(f"{head}\n{text}{rest}")

    def commit(self, message: str = "A change") -> None:
        """Commit everything, on main."""
        git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run([*git, "add", "--all"], cwd=self.root, check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", message], cwd=self.root, check=True)

    def image(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """`invoke image.…` in the clone, without what CI says of its own run."""
        command = [sys.executable, "-m", "image_build", *words]
        return self.run(*command, check=check, **environment)

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            command, cwd=self.root, env=self.environment(**environment), capture_output=True, text=True, check=False
        )
        if check and answer.returncode:
            pytest.fail(f"{' '.join(command)}: {answer.returncode}\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}")
        return answer

    def environment(self, **changes: str) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
        tools = Path(sys.executable).parent
        return {**ours, "PATH": f"{tools}{os.pathsep}{ours['PATH']}", **changes}

    def build(self, *words: str) -> list[dict[str, Any]]:
        """Build, and the images as JSON tells them."""
        images: list[dict[str, Any]] = json.loads(self.image("build", "--json", *words).stdout)["images"]
        return images


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker Engine with buildx and a base image; without it the test is skipped."""
    for command, lack in (
        (["docker", "info"], "no Docker Engine answers"),
        (["docker", "buildx", "version"], "there is no docker buildx"),
        (["docker", "image", "inspect", BASE], f"there is no base image {BASE}"),
    ):
        is_there = shutil.which("docker") and subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not is_there:
            pytest.skip(ANSWER.format(lack))


@pytest.fixture(scope="session")
def registry(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on 127.0.0.1; gives HOST:PORT."""
    with serving_registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


class serving_registry:
    """Debian's docker-registry for as long as the block runs; `auth` is more of its configuration."""

    def __init__(self, folder: Path, *, auth: str = "") -> None:
        self._folder = folder
        self._auth = auth

    def __enter__(self) -> str:
        program = shutil.which("docker-registry")
        if program is None:
            pytest.skip(ANSWER.format("there is no docker-registry"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = self._folder / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {self._folder}}}\n"
            f"  delete: {{enabled: true}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n{self._auth}"
        )
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=subprocess.STDOUT)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(100):
            try:
                opener.open(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        return f"127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


def make_clone(folder: Path, project: str) -> Clone:
    """What a build may see of this repository, as a repository of its own with two small images."""
    for name in (
        "images",
        "packages",
        ".dockerignore",
        "poetry.lock",
        "tools-requirements.txt",
        "README.md",
        "tasks.py",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        else:
            shutil.copy(source, folder / name)
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("/.shrinkwrap/\n")
    (folder / ".shrinkwrap").mkdir()
    # Poetry, for `env_spec lock`.
    (folder / ".shrinkwrap/tools").symlink_to(ROOT / ".shrinkwrap/tools")
    return Clone(folder, project)


@pytest.fixture(scope="module")
def clone(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with two small images, one on top of the other; what it built is removed in the end."""
    made = make_clone(tmp_path_factory.mktemp("clone"), f"e2e-{os.getpid()}-{time.time_ns()}")
    made.write_images(*SMALL)
    made.commit("All of it")
    yield made
    made.image("clean", check=False)


SMALL = ('small]\ngroups = ["test"]', 'small-more]\ngroups = ["test", "bench"]')

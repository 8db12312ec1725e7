"""Shared by end-to-end tests of notebooks: a clone with sample data, its images, and an ordinary user."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
SKIP_REASON = "notebooks: {}; tests/e2e/engine.sh installs or starts it where it can"
SAMPLE = "8MB"
INVOKE = (sys.executable, "-m", "invoke")
# If tests run as root, notebooks are started by this user, who does not own everything.
OTHER = "nobody"


class Project:
    """A clone of this working tree, and commands that its user runs there."""

    def __init__(self, root: Path, *, uid: int, gid: int) -> None:
        self.root = root
        self.uid = uid
        self.gid = gid
        self.variables: Mapping[str, str] = {}

    def notebook(
        self, command: str, *words: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """`invoke notebook.COMMAND …` in the clone."""
        return self.run(*self.notebook_command(command, *words), check=check, **variables)

    def notebook_command(self, command: str, *words: str) -> list[str]:
        """The words of `invoke notebook.COMMAND …`."""
        return [*INVOKE, f"notebook.{command}", *words]

    def run(self, *command: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command in the clone; by default, a failure of it fails the test."""
        result = subprocess.run(
            self.command(*command),
            cwd=self.root,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and result.returncode:
            pytest.fail(f"{' '.join(command)}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}")
        return result

    def command(self, *command: str) -> list[str]:
        """A command as the user of the clone, who is in the group that may use Docker."""
        if self.uid == os.getuid():
            return list(command)
        return [*_as_other(self.uid, self.gid), *command]

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of commands in the clone."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "DVC_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"
        return {
            **ours,
            "PATH": path,
            "HOME": str(self.root.parent),
            "SHRINKWRAP_BASE": BASE,
            **self.variables,
            **changes,
        }

    def write(self, name: str, text: str) -> Path:
        """Write a file that belongs to the user."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.chown(path, self.uid, self.gid)
        return path

    def write_notebook(self, name: str, *sources: str, **table: Any) -> None:
        """Write a notebook with these cells, and its table with an image and other keys."""
        cells = [
            {
                "cell_type": "code",
                "execution_count": None,
                "id": f"cell-{number}",
                "metadata": {"tags": ["parameters"]} if source.startswith("# parameters\n") else {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(sources, start=1)
        ]
        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        document = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        self.write(f"notebooks/{name}.ipynb", json.dumps(document))
        text = (self.root / "pyproject.toml").read_text("utf-8")
        text = re.sub(rf"\n\[tool\.env-spec\.notebooks\.{name}\]\n(?:(?!\[).*\n)*", "", text)
        facts = {"path": f"notebooks/{name}.ipynb", "image": "jupyter-notebook", "datasets": [], **table}
        lines = "".join(f"{key} = {_toml(value)}\n" for key, value in facts.items())
        self.write("pyproject.toml", f"{text.rstrip()}\n\n[tool.env-spec.notebooks.{name}]\n{lines}")

    def containers(self) -> list[str]:
        """The containers of this clone, those of runs without a browser included."""
        command = ["docker", "ps", "--all", "--quiet", f"--filter=label=io.shrinkwrap.root={self.root}"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value)


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """A Docker Engine with buildx, compose and a base image; without these the test is skipped."""
    for command, problem in (
        (["docker", "info"], "no Docker Engine answers"),
        (["docker", "buildx", "version"], "docker buildx is missing"),
        (["docker", "compose", "version"], "docker compose is missing"),
        (["docker", "image", "inspect", BASE], f"the base image {BASE} is missing"),
    ):
        is_available = (
            shutil.which("docker") and subprocess.run(command, capture_output=True, check=False).returncode == 0
        )
        if not is_available:
            pytest.skip(SKIP_REASON.format(problem))


@pytest.fixture(scope="session")
def project(docker_engine: None) -> Iterator[Project]:
    """A clone with compressed sample data that belongs to an ordinary user; its images are removed at the end."""
    with _clone("notebooks") as made:
        try:
            yield made
        finally:
            made.notebook("down", "all", check=False)
            made.run(*INVOKE, "image.clean", check=False)


@pytest.fixture(scope="session")
def local_project() -> Iterator[Project]:
    """The same for notebooks without Docker; no Docker Engine answers there."""
    with _clone("local") as made:
        made.variables = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
        try:
            yield made
        finally:
            made.notebook("down", "all", check=False)


@pytest.fixture(scope="module")
def sampled_project() -> Iterator[Project]:
    """A clone with the raw files of the sample data alone, without Docker."""
    with _clone("sampled", is_compressed=False) as made:
        made.variables = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
        yield made


@contextmanager
def _clone(name: str, *, is_compressed: bool = True) -> Iterator[Project]:
    """A new clone, in a folder with a space in its name, outside of pytest's, which only the owner may enter."""
    home = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    home.chmod(0o755)
    uid, gid = _ordinary_user()
    made = Project(home / "a clone", uid=uid, gid=gid)
    try:
        _fill(made)
        made.run(*INVOKE, "data.sample", "--size", SAMPLE, *(["data.compress"] if is_compressed else []))
        yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> ModuleType:
    """The module next to this one; skips the test without Chromium or Playwright."""
    spec = importlib.util.spec_from_file_location("browser", Path(__file__).with_name("browser.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.find_browser() is None:
        pytest.skip("Chromium is missing: apt-get install chromium, or brew install --cask chromium")
    pytest.importorskip("playwright.sync_api")
    return module


def _fill(made: Project) -> None:
    _copy_working_tree(made.root)
    text = (made.root / "pyproject.toml").read_text("utf-8")
    # A random name can end with `_`, which Poetry refuses.
    (made.root / "pyproject.toml").write_text(
        text.replace('name = "shrinkwrap"', f'name = "e2e-{made.root.parent.name}-x"', 1), "utf-8"
    )
    # ./run would have made this folder for Poetry and the like.
    (made.root / ".shrinkwrap").mkdir()
    subprocess.run(["chown", "-R", f"{made.uid}:{made.gid}", made.root.parent], check=True)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "All"]):
        made.run(*git, *command)


@pytest.fixture(scope="session")
def images(project: Project) -> dict[str, str]:
    """Both images, built once; their references by name."""
    names = ("jupyter-notebook", "jupyter-notebook-models")
    return {name: _reference(project, name) for name in names}


def _reference(project: Project, name: str) -> str:
    result = project.run(*INVOKE, "image.get", name, "--json")
    return str(json.loads(result.stdout)["reference"])


def _as_other(uid: int, gid: int) -> list[str]:
    """Words that run a command as a user who may use Docker and may read this Python wherever root installed it."""
    socket = Path("/var/run/docker.sock")
    group = socket.stat().st_gid if socket.exists() else gid
    rights = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", f"--groups={group}", *rights]


def _ordinary_user() -> tuple[int, int]:
    """The user who starts notebooks: one without special rights, if such a user can run this Python."""
    if os.getuid() == 0 and shutil.which("setpriv"):
        other = pwd.getpwnam(OTHER)
        command = [*_as_other(other.pw_uid, other.pw_gid), "sh", "-c", '"$0" -c "import invoke"', sys.executable]
        result = subprocess.run(command, capture_output=True, check=False)
        if result.returncode == 0:
            return other.pw_uid, other.pw_gid
    return os.getuid(), os.getgid()


def _copy_working_tree(target: Path) -> None:
    """Copy the files that a clone of this working tree would have, uncommitted changes included."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        # Results of data.compress in this working tree are not copied.
        if name and (ROOT / name).is_file() and name != "data/dvc.lock" and not name.startswith("data/reports/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)

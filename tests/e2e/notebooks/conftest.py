"""What end-to-end tests of notebooks share: one clone with sample data, its images, and an ordinary user to work as."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BASE = os.environ.get("SHRINKWRAP_TEST_BASE", "localhost/debian-python:bookworm")
ANSWER = "notebooks: {}; tests/e2e/engine.sh sees to it where it can"
SAMPLE = "8MB"
# Tests may run as root, who owns everything; notebooks are started by somebody else then, whom the system knows.
OTHER = "nobody"


class Project:
    """A clone of this working tree, and commands that its user types there."""

    def __init__(self, root: Path, *, uid: int, gid: int) -> None:
        self.root = root
        self.uid = uid
        self.gid = gid

    def notebook(self, *words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """`invoke notebook.…` in the clone."""
        return self.run(sys.executable, "-m", "notebook_run", *words, check=check, **variables)

    def run(self, *command: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        answer = subprocess.run(
            self.command(*command),
            cwd=self.root,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and answer.returncode:
            pytest.fail(f"{' '.join(command)}: {answer.returncode}\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}")
        return answer

    def command(self, *command: str) -> list[str]:
        """As the user of the clone, who may use Docker as members of its group may."""
        if self.uid == os.getuid():
            return list(command)
        return [*_as_other(self.uid, self.gid), *command]

    def environment(self, **changes: str) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "DVC_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}"
        return {**ours, "PATH": path, "HOME": str(self.root.parent), "SHRINKWRAP_BASE": BASE, **changes}

    def write(self, name: str, text: str) -> Path:
        """A file of the user's."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.chown(path, self.uid, self.gid)
        return path

    def write_notebook(self, name: str, *sources: str, **table: Any) -> None:
        """A notebook of these cells, and its table with one image and whatever else is given."""
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
        """Names of what runs for this clone, runs without a browser included."""
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
    """A Docker Engine with buildx, compose and a base image; without it the test is skipped."""
    for command, lack in (
        (["docker", "info"], "no Docker Engine answers"),
        (["docker", "buildx", "version"], "there is no docker buildx"),
        (["docker", "compose", "version"], "there is no docker compose"),
        (["docker", "image", "inspect", BASE], f"there is no base image {BASE}"),
    ):
        is_there = shutil.which("docker") and subprocess.run(command, capture_output=True, check=False).returncode == 0
        if not is_there:
            pytest.skip(ANSWER.format(lack))


@pytest.fixture(scope="session")
def project(docker_engine: None) -> Iterator[Project]:
    """A clone with compressed sample data, as an ordinary user's; the images that are built for it go in the end.

    Its folder has a space in its name, and is no pytest folder, which only its owner may enter.
    """
    home = Path(tempfile.mkdtemp(prefix="notebooks-"))
    home.chmod(0o755)
    uid, gid = _ordinary_user()
    made = Project(home / "a clone", uid=uid, gid=gid)
    try:
        _fill(made)
        yield made
    finally:
        if (made.root / "images").exists():
            made.notebook("down", check=False)
            made.run(sys.executable, "-m", "image_build", "clean", check=False)
        shutil.rmtree(home, ignore_errors=True)


def _fill(made: Project) -> None:
    _copy_working_tree(made.root)
    text = (made.root / "pyproject.toml").read_text("utf-8")
    (made.root / "pyproject.toml").write_text(
        text.replace('name = "shrinkwrap"', f'name = "e2e-{made.root.parent.name}"', 1), "utf-8"
    )
    # Poetry and the like, as ./run would have made them.
    (made.root / ".shrinkwrap").mkdir()
    subprocess.run(["chown", "-R", f"{made.uid}:{made.gid}", made.root.parent], check=True)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "All"]):
        made.run(*git, *command)
    made.run(sys.executable, "-m", "invoke", "data.sample", "--size", SAMPLE, "data.compress")


@pytest.fixture(scope="session")
def images(project: Project) -> dict[str, str]:
    """Both images, built once: their references by name."""
    names = ("jupyter-notebook", "jupyter-notebook-models")
    return {name: _ensured(project, name) for name in names}


def _ensured(project: Project, name: str) -> str:
    answer = project.run(sys.executable, "-m", "image_build", "ensure", name, "--json")
    return str(json.loads(answer.stdout)["reference"])


def _as_other(uid: int, gid: int) -> list[str]:
    """Somebody who may use Docker as members of its group may, and read this Python wherever root installed it."""
    group = Path("/var/run/docker.sock").stat().st_gid
    rights = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", f"--groups={group}", *rights]


def _ordinary_user() -> tuple[int, int]:
    """Whom notebooks are started by: somebody without special rights, if such a one can run this Python here."""
    if os.getuid() == 0 and shutil.which("setpriv"):
        other = pwd.getpwnam(OTHER)
        command = [*_as_other(other.pw_uid, other.pw_gid), "sh", "-c", '"$0" -c "import invoke"', sys.executable]
        tried = subprocess.run(command, capture_output=True, check=False)
        if tried.returncode == 0:
            return other.pw_uid, other.pw_gid
    return os.getuid(), os.getgid()


def _copy_working_tree(target: Path) -> None:
    """What a clone of this working tree would hold, changes included."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        # What somebody compressed in this working tree is not part of it.
        if name and (ROOT / name).is_file() and name != "data/dvc.lock" and not name.startswith("data/reports/"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)

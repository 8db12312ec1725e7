"""A package comes from the index that the lock names for it: a real build, a real index with a password."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Clone, make_clone
from .package_index import PASSWORD, USER, PackageIndex

CREDENTIALS = {"POETRY_HTTP_BASIC_OWN_USERNAME": USER, "POETRY_HTTP_BASIC_OWN_PASSWORD": PASSWORD}
TABLES = """
[tool.poetry.group.private.dependencies]
shrinkwrap-private = {{ version = "*", source = "own" }}

[[tool.poetry.source]]
name = "own"
url = "{url}"
priority = "explicit"
"""


@pytest.fixture(scope="module")
def index(engine: None) -> Iterator[PackageIndex]:
    with PackageIndex() as started:
        yield started


@pytest.fixture(scope="module")
def clone(index: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone whose group private has a package of the index, and an image with this group."""
    made = make_clone(tmp_path_factory.mktemp("indexes"), f"e2e-index-{time.time_ns()}")
    made.write_images('indexed]\ngroups = ["test", "private"]')
    pyproject = made.root / "pyproject.toml"
    text = pyproject.read_text("utf-8").replace("\n[dependency-groups]\n", "\n[dependency-groups]\nprivate = []\n")
    pyproject.write_text(text + TABLES.format(url=index.url))
    made.invoke("env.lock", **CREDENTIALS)
    made.commit()
    yield made
    made.image("clean", check=False)


def test_each_package_comes_from_its_index(clone: Clone, index: PackageIndex) -> None:
    """The index is asked for its package alone: its old version of another one does not matter, and no name leaks."""
    index.asked.clear()
    (built,) = json.loads(clone.image("build", "--json", **CREDENTIALS).stdout)["images"]
    assert {"shrinkwrap_private", "iniconfig"} <= {name.replace("-", "_") for name in built["test"]["package_bytes"]}
    assert {path.strip("/").rpartition("/")[2].partition("-")[0] for path in index.asked} == {
        "shrinkwrap",
        "shrinkwrap_private",
    }
    history = clone.run("docker", "history", "--no-trunc", built["reference"]).stdout
    log = (clone.root / ".shrinkwrap/logs/image-build.log").read_text("utf-8")
    assert PASSWORD not in history + log and "p%40ss" not in history + log


def test_an_index_that_denies_access(clone: Clone) -> None:
    """The error names the index and the variables that Poetry reads, too."""
    refused = clone.image("build", "--no-cache", check=False)
    assert refused.returncode == 2
    assert re.search(
        r"error: the package index own \(http://[\d.:]+/simple\) answers 401 Unauthorized; ", refused.stderr
    )
    assert "set POETRY_HTTP_BASIC_OWN_USERNAME and POETRY_HTTP_BASIC_OWN_PASSWORD" in refused.stderr


def test_a_local_environment_has_the_same_package(clone: Clone, index: PackageIndex, tmp_path: Path) -> None:
    """Made by the same rule: only the private package comes from the private index; a second time nothing is asked."""
    index.asked.clear()
    program = (
        "import sys; from pathlib import Path; from env_make import make_environment as make;"
        "print(make(Path(sys.argv[1]), ['test', 'private'], Path(sys.argv[2])).python)"
    )
    python = clone.run("python", "-c", program, str(clone.root), str(tmp_path / "env"), **CREDENTIALS).stdout.strip()
    versions = "from importlib.metadata import version as v; print(v('shrinkwrap-private'), v('iniconfig') != '0.1')"
    assert clone.run(python, "-c", versions).stdout == "1.0 True\n"
    assert {path for path in index.asked if path.startswith("/simple/")} == {"/simple/shrinkwrap-private/"}

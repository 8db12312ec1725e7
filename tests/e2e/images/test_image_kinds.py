"""Each kind of dependency that a lock may hold reaches an image: one build on a real engine, with a real git server."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Clone, make_clone
from .package_index import bridge_address, wheel

PACKAGE = """
[project]
name = "{name}"
version = "1.0"
requires-python = ">=3.11"

[build-system]
requires = [{requires}]
build-backend = "{backend}"
"""
POETRY = {"requires": '"poetry-core>=2"', "backend": "poetry.core.masonry.api"}
SETUPTOOLS = {"requires": '"setuptools>=77"', "backend": "setuptools.build_meta"}
TABLES = """
[tool.poetry.group.kinds.dependencies]
kind-editable = {{ path = "libs/editable", develop = true }}
kind-plain = {{ path = "libs/plain" }}
kind-other = {{ path = "libs/other" }}
kind-wheel = {{ path = "wheels/kind_wheel-1.0-py3-none-any.whl" }}
kind-sdist = {{ path = "wheels/kind_sdist-1.0.tar.gz" }}
kind-git = {{ git = "{url}", rev = "{commit}" }}
"""
NAMES = ("editable", "plain", "other", "wheel", "sdist", "git")


def write_package(folder: Path, name: str, backend: dict[str, str] = POETRY) -> None:
    """A package with one module, which is called like it."""
    (folder / f"kind_{name}").mkdir(parents=True)
    (folder / f"kind_{name}/__init__.py").write_text(f"NAME = '{name}'\n")
    (folder / "pyproject.toml").write_text(PACKAGE.format(name=f"kind-{name}", **backend))


@pytest.fixture(scope="module")
def git_package(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL of a repository with one package, on an address that containers reach, and its commit."""
    folder = tmp_path_factory.mktemp("git")
    write_package(folder / "kind", "git")
    git = ["git", "-C", str(folder / "kind"), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=It"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    with socket.socket() as free:
        free.bind((bridge_address(), 0))
        host, port = free.getsockname()
    options = ["--export-all", "--reuseaddr", f"--listen={host}", f"--port={port}", f"--base-path={folder}"]
    with subprocess.Popen(["git", "daemon", *options], stderr=subprocess.DEVNULL) as process:
        url = f"git://{host}:{port}/kind"
        deadline_s = time.monotonic() + 30
        while subprocess.run(["git", "ls-remote", url], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline_s, "git daemon did not start"
        yield url, commit
        process.terminate()


@pytest.fixture(scope="module")
def clone(git_package: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    made = make_clone(tmp_path_factory.mktemp("kinds"), f"e2e-kinds-{time.time_ns()}")
    root = made.root
    for name in ("editable", "plain"):
        write_package(root / "libs" / name, name)
    write_package(root / "libs/other", "other", SETUPTOOLS)
    (root / "wheels").mkdir()
    name, content = wheel("kind_wheel", "1.0", requires="", module="NAME = 'wheel'\n")
    (root / "wheels" / name).write_bytes(content)
    write_package(root / "kind_sdist-1.0", "sdist")
    (root / "kind_sdist-1.0/PKG-INFO").write_text("Metadata-Version: 2.2\nName: kind-sdist\nVersion: 1.0\n")
    with tarfile.open(root / "wheels/kind_sdist-1.0.tar.gz", "w:gz") as archive:
        archive.add(root / "kind_sdist-1.0", "kind_sdist-1.0")
    shutil.rmtree(root / "kind_sdist-1.0")
    made.write_images('kinds]\ngroups = ["test", "kinds"]\nbuild = ["iniconfig"]')
    pyproject = root / "pyproject.toml"
    names = ", ".join(f'"kind-{name}"' for name in NAMES)
    text = pyproject.read_text("utf-8").replace(
        "\n[dependency-groups]\n", f"\n[dependency-groups]\nkinds = [{names}]\n"
    )
    url, commit = git_package
    pyproject.write_text(text + TABLES.format(url=url, commit=commit))
    made.invoke("env.lock")
    made.commit()
    yield made
    made.image("clean", check=False)


def test_each_kind_reaches_an_image(clone: Clone, git_package: tuple[str, str]) -> None:
    """Paths with and without develop, another build backend, both archives and git; the SBOM has the commit.

    With a package in `build`, whose source distribution can come from the cache, already compiled.
    An edit of a path package outside of packages/ is another fingerprint; without an edit, nothing is built.
    """
    (image,) = clone.build()
    program = f"import importlib; print(*(importlib.import_module('kind_' + n).NAME for n in {NAMES!r}))"
    run = ["docker", "run", "--rm", image["reference"], "python", "-c", program]
    assert subprocess.run(run, check=True, capture_output=True, text=True).stdout.split() == list(NAMES)
    url, commit = git_package
    sbom = clone.invoke("env.sbom", "kinds").stdout
    assert f"{url}@{commit}" in sbom
    (unchanged,) = json.loads(clone.image("build", "--json", "--dry-run").stdout)
    assert not unchanged["needs_build"]
    (clone.root / "libs/plain/kind_plain/__init__.py").write_text("NAME = 'edited'\n")
    (edited,) = json.loads(clone.image("build", "--json", "--dry-run").stdout)
    assert edited["needs_build"] and edited["fingerprint"] != image["fingerprint"]

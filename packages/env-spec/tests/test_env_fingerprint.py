"""A fingerprint changes exactly when an input of its image changes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from env_spec import LockedFile, LockedPackage, LockedSource, fingerprint, image_environment, read_project, with_base

PYPROJECT = """\
[dependency-groups]
main = ["numpy", "own"]
dev = ["ruff"]
[tool.env-spec.images.eda]
groups = ["main"]
dockerfile = "images/eda"
base = "debian:12"
"""
LOCK = """\
[[package]]
name = "numpy"
version = "2.4"
groups = ["dev", "main"]
markers = {main = "os_name == 'posix'"}
files = [{file = "numpy-2.4.whl", hash = "sha256:aa"}]

[[package]]
name = "own"
version = "0.1"
groups = ["main"]
develop = true
files = []
[package.source]
type = "directory"
url = "packages/own"

[[package]]
name = "ruff"
version = "1"
groups = ["dev"]
files = [{file = "ruff-1.whl", hash = "sha256:bb"}]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""
FILES = {
    "pyproject.toml": PYPROJECT,
    "poetry.lock": LOCK,
    "images/eda/Dockerfile": "FROM debian:12\n",
    "packages/own/pyproject.toml": "",
    "packages/own/src/own/__init__.py": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def fingerprint_of(project: Path) -> str:
    return image_environment(read_project(project), "eda").fingerprint


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_fingerprint_is_stable() -> None:
    """The same inputs have the same 16 digits on every machine and in every version; other digits rebuild all."""
    packages = [LockedPackage(name="numpy", version="2.4", files=(LockedFile(name="n.whl", hash="sha256:aa"),))]
    found = fingerprint(packages, folders={"d": "0"}, dockerfile="d", base="b", python=">=3.11", platform="linux/amd64")
    assert found == "7f1d1a5728d040ee"


def test_the_day_of_the_archive_counts_with_debian_packages(project: Path) -> None:
    """A snapshot changes the fingerprints of images with Debian packages, and no others."""
    before = fingerprint_of(project)
    edit(project / "pyproject.toml", "[tool", '[tool.env-spec]\nsnapshot = "2026-11-01"\n[tool')
    assert fingerprint_of(project) == before
    edit(project / "pyproject.toml", "base =", 'system = ["libgomp1"]\nbase =')
    dated = fingerprint_of(project)
    edit(project / "pyproject.toml", "2026-11-01", "2026-11-02")
    assert len({before, dated, fingerprint_of(project)}) == 3


ANOTHER_IMAGE = '[tool.env-spec.images.b]\ngroups = ["main"]\ndockerfile = "images/eda"\n[tool'


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param("pyproject.toml", "[dep", "# a comment\n[dep", id="comment"),
        pytest.param("pyproject.toml", '"ruff"]', '"ruff", "mypy"]', id="another group"),
        pytest.param("pyproject.toml", "base =", 'max_size = "2GB"\nbase =', id="max_size"),
        pytest.param("pyproject.toml", "[tool", ANOTHER_IMAGE, id="another image"),
        pytest.param("poetry.lock", 'version = "1"', 'version = "2"', id="another group's version"),
        pytest.param("poetry.lock", "sha256:bb", "sha256:cc", id="another group's hash"),
        pytest.param("poetry.lock", '["dev", "main"]', '["dev", "main", "new"]', id="one more group needs it"),
        pytest.param("poetry.lock", "[metadata]", '[metadata]\ncontent-hash = "0"', id="content-hash"),
    ],
)
def test_edits_that_do_not_change_it(project: Path, path: str, old: str, new: str) -> None:
    """Edits without an effect on the image do not change its fingerprint."""
    before = fingerprint_of(project)
    edit(project / path, old, new)
    assert fingerprint_of(project) == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        pytest.param("pyproject.toml", "debian:12", "debian:13", id="base"),
        pytest.param("pyproject.toml", "debian:12", f"debian:12@sha256:{64 * '0'}", id="base digest"),
        pytest.param("pyproject.toml", '["main"]', '["main", "dev"]', id="groups"),
        pytest.param("pyproject.toml", "base =", 'platforms = ["linux/arm64"]\nbase =', id="platform"),
        pytest.param("pyproject.toml", "base =", 'system = ["libgomp1"]\nbase =', id="a Debian package"),
        pytest.param("poetry.lock", "sha256:aa", "sha256:cc", id="hash"),
        pytest.param("poetry.lock", '"2.4"', '"2.5"', id="version"),
        pytest.param("poetry.lock", "'posix'", "'nt'", id="marker"),
        pytest.param("poetry.lock", ">=3.11", ">=3.12", id="Python"),
        pytest.param("poetry.lock", 'groups = ["dev"]', 'groups = ["dev", "main"]', id="one more package"),
        pytest.param("images/eda/Dockerfile", "FROM", "#\nFROM", id="Dockerfile"),
    ],
)
def test_edits_that_change_it(project: Path, path: str, old: str, new: str) -> None:
    """Every input of an image changes its fingerprint."""
    before = fingerprint_of(project)
    edit(project / path, old, new)
    assert re.fullmatch("[0-9a-f]{16}", fingerprint_of(project))
    assert fingerprint_of(project) != before


@pytest.mark.parametrize("path", ["images/eda/start.sh", "packages/own/src/own/new.py"])
def test_a_new_source_file_changes_it(project: Path, path: str) -> None:
    """Files next to the Dockerfile and sources of the project's own packages are inputs."""
    before = fingerprint_of(project)
    (project / path).write_text("")
    assert fingerprint_of(project) != before


@pytest.mark.parametrize(
    "path",
    [
        "packages/own/tests/test_own.py",
        "packages/own/src/own/__pycache__/a.cpython-311.pyc",
        "packages/own/own.egg-info/PKG-INFO",
        "packages/other/a.py",
        "notebooks/eda.ipynb",
        "README.md",
    ],
)
def test_a_file_that_is_not_a_source_does_not_change_it(project: Path, path: str) -> None:
    """Tests, files that tools leave, and files in other folders are not inputs."""
    before = fingerprint_of(project)
    (project / path).parent.mkdir(parents=True, exist_ok=True)
    (project / path).write_text("new")
    assert fingerprint_of(project) == before


def test_a_files_mode_is_an_input_and_its_time_is_not(project: Path) -> None:
    """A script that becomes executable changes the fingerprint; a new modification time does not."""
    before = fingerprint_of(project)
    os.utime(project / "images/eda/Dockerfile", (0, 0))
    assert fingerprint_of(project) == before
    (project / "images/eda/Dockerfile").chmod(0o755)
    assert fingerprint_of(project) != before


def test_order_is_not_an_input() -> None:
    """Neither the order of packages nor that of a package's files is an input."""
    a, b = LockedFile(name="a", hash="sha256:a"), LockedFile(name="b", hash="sha256:b")
    first = [LockedPackage(name="p", version="1", files=(a, b)), LockedPackage(name="q", version="1")]
    second = [LockedPackage(name="q", version="1"), LockedPackage(name="p", version="1", files=(b, a))]
    assert _simple(first) == _simple(second)


def test_the_commit_of_a_git_package_is_an_input() -> None:
    """Two commits with the same version are different inputs."""
    first, second = (
        LockedPackage(
            name="p",
            version="1",
            source=LockedSource(type="git", url="https://example.org/p", resolved_reference=commit),
        )
        for commit in ("0", "1")
    )
    assert _simple([first]) != _simple([second])


def test_each_platform_has_its_own(project: Path) -> None:
    """An image for two platforms has a fingerprint for each, and one for both."""
    edit(project / "pyproject.toml", "base", 'platforms = ["linux/amd64", "linux/arm64"]\nbase')
    environment = image_environment(read_project(project), "eda")
    assert list(environment.fingerprints) == ["linux/amd64", "linux/arm64"]
    assert len({environment.fingerprint, *environment.fingerprints.values()}) == 3


def test_another_base_or_platform_changes_it(project: Path) -> None:
    """A base or platform on the command line overrides the table's."""
    files = with_base(read_project(project), "debian:13")
    other = image_environment(files, "eda", platforms=["linux/arm64"])
    assert list(other.fingerprints) == ["linux/arm64"]
    edit(project / "pyproject.toml", "debian:12", "debian:13")
    same_base = image_environment(read_project(project), "eda", platforms=["linux/arm64"])
    assert other.fingerprint == same_base.fingerprint


def test_this_projects_images_differ() -> None:
    """The shipped images have different fingerprints, and the smaller is the parent of the larger."""
    files = read_project(Path(__file__).parents[3])
    environments = {name: image_environment(files, name) for name in files.spec.images}
    assert len({environment.fingerprint for environment in environments.values()}) == len(environments)
    assert environments["jupyter-notebook"].parent is None
    assert environments["jupyter-notebook-models"].parent == "jupyter-notebook"
    assert files.is_lock_current


def _simple(packages: list[LockedPackage]) -> str:
    return fingerprint(packages, folders={"d": "0"}, dockerfile="d", base=None, python="*", platform="linux/amd64")

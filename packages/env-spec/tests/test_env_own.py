"""The project's own package in images: as a wheel, whose content counts, or by a mount, which images do not see."""

from __future__ import annotations

from pathlib import Path

import pytest

from env_spec import SpecErrors, image_environment, load_spec, read_project

PYPROJECT = """\
[project]
name = "Our_Project"
version = "1.2"
readme = "README.md"
dependencies = ["numpy"]
[tool.env-spec.images]
plain = { groups = ["main"] }
wheel = { groups = ["main"], own = "wheel" }
mount = { groups = ["main"], own = "mount" }
[tool.env-spec.notebooks.eda]
path = "notebooks/eda.ipynb"
image = "mount"
"""
LOCK = """\
[[package]]
name = "numpy"
version = "2.4"
groups = ["main"]
files = [{ file = "numpy.whl", hash = "sha256:aa" }]
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "pyproject.toml": PYPROJECT,
        "poetry.lock": LOCK,
        "src/our_project/__init__.py": "",
        "images/notebook/Dockerfile": "FROM debian:12\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def fingerprints(project: Path) -> dict[str, str]:
    files = read_project(project)
    return {name: image_environment(files, name).fingerprint for name in files.spec.images}


def test_a_wheel_is_a_package_of_the_image(project: Path) -> None:
    """It has the project's name and version, is imported by the image's test, and is on top of the image without it."""
    files = read_project(project)
    environment = image_environment(files, "wheel")
    own = environment.packages[-1]
    assert (own.name, own.version, own.path) == ("our-project", "1.2", "src")
    assert environment.declared == ("numpy", "our-project")
    assert environment.parent == "plain"


def test_only_what_a_wheel_is_made_from_counts(project: Path) -> None:
    """An edit of the source or of the package's tables is another image with the wheel, and no other image."""
    before = fingerprints(project)
    assert before["plain"] == before["mount"] != before["wheel"]
    (project / "src/our_project/__init__.py").write_text("x = 1\n")
    edited = fingerprints(project)
    edit(project, 'version = "1.2"', 'version = "1.2"\nscripts = { ours = "our_project:main" }')
    described = fingerprints(project)
    edit(project, '["numpy"]', '["numpy>=1"]')
    assert fingerprints(project) == described
    for name in ("plain", "mount"):
        assert before[name] == edited[name] == described[name]
    assert len({before["wheel"], edited["wheel"], described["wheel"]}) == 3


def test_a_notebook_knows_how_its_image_has_the_package(project: Path) -> None:
    """So that its container mounts the folder."""
    assert load_spec(project / "pyproject.toml").notebook("eda").own == "mount"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"mount" }', '"copy" }', "mount.own: must be wheel or mount, not 'copy'"),
        ('version = "1.2"', 'dynamic = ["version"]', "wheel.own: needs name and version in [project]"),
        (
            "[tool.env-spec.images]",
            "[tool.poetry]\npackage-mode = false\n[tool.env-spec.images]",
            "wheel.own: needs name and version in [project], and no `package-mode = false`",
        ),
        (
            'plain = { groups = ["main"] }',
            'plain = { groups = ["main"], parent = "wheel", own = "mount" }',
            'plain.own: must be "wheel", as in its parent',
        ),
    ],
)
def test_mistakes(project: Path, old: str, new: str, mistake: str) -> None:
    """They are reported with their key path."""
    edit(project, old, new)
    with pytest.raises(SpecErrors) as caught:
        load_spec(project / "pyproject.toml")
    assert any(str(error).startswith(f"tool.env-spec.images.{mistake}") for error in caught.value.errors)


def edit(project: Path, old: str, new: str) -> None:
    path = project / "pyproject.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))

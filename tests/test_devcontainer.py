""".devcontainer/devcontainer.json opens the image of a table, and is current."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator

from env_spec import EnvSpecError, image_environment, read_project
from image_build import ImageRequestError, devcontainer_text, write_devcontainer

ROOT = Path(__file__).resolve().parent.parent
FILE = ".devcontainer/devcontainer.json"


def facts_of(text: str) -> dict[str, Any]:
    """The JSON after the comment in the first line."""
    comment, _, rest = text.partition("\n")
    assert comment.startswith("// Written by `invoke image.devcontainer`")
    facts: dict[str, Any] = json.loads(rest)
    return facts


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the fingerprints of this project are made from."""
    for name in ("pyproject.toml", "poetry.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "images", tmp_path / "images")
    shutil.copytree(
        ROOT / "packages", tmp_path / "packages", ignore=shutil.ignore_patterns("tests", "__pycache__", "fuzz")
    )
    shutil.copytree(ROOT / "notebooks/lib", tmp_path / "notebooks/lib")
    return tmp_path


def test_the_committed_file_is_current() -> None:
    """After a change of an image or of the lock, run `invoke image.devcontainer`."""
    assert (ROOT / FILE).read_text("utf-8") == devcontainer_text(read_project(ROOT))


@pytest.mark.parametrize("name", ["jupyter-notebook", "jupyter-notebook-models"])
def test_it_is_a_development_container(name: str) -> None:
    """It has the properties of the specification, and the reference of exactly this image."""
    files = read_project(ROOT)
    facts = facts_of(devcontainer_text(files, name))
    schema = json.loads((ROOT / "tests/devcontainer.schema.json").read_text("utf-8"))
    Draft201909Validator.check_schema(schema)
    assert [error.message for error in Draft201909Validator(schema).iter_errors(facts)] == []
    assert facts["image"] == image_environment(files, name).reference


def test_an_image_without_a_registry_is_built_first(project: Path) -> None:
    """The command runs on the machine before the container is created; an image with a registry is pulled."""
    facts = facts_of(devcontainer_text(read_project(project)))
    assert facts["initializeCommand"] == ["./run", "invoke", "image.get", "jupyter-notebook"]
    table = "[tool.env-spec.images.jupyter-notebook]\n"
    text = (project / "pyproject.toml").read_text("utf-8")
    (project / "pyproject.toml").write_text(text.replace(table, f'{table}registry = "ghcr.io/me"\n'), "utf-8")
    facts = facts_of(devcontainer_text(read_project(project)))
    assert "initializeCommand" not in facts
    assert facts["image"].startswith("ghcr.io/me/jupyter-notebook:env-")


def test_it_is_written_for_the_named_image(project: Path) -> None:
    """It is replaced when it changes; the first image is the default."""
    path, is_changed = write_devcontainer(project)
    assert (path, is_changed) == (project / FILE, True)
    assert write_devcontainer(project) == (path, False)
    assert write_devcontainer(project, "jupyter-notebook-models") == (path, True)
    assert facts_of(path.read_text("utf-8"))["name"] == "jupyter-notebook-models"
    with pytest.raises(EnvSpecError, match="jupyter-notbook"):
        write_devcontainer(project, "jupyter-notbook")


def test_a_file_by_hand_is_kept(project: Path) -> None:
    """The user's settings are not lost."""
    (project / ".devcontainer").mkdir()
    (project / FILE).write_text("{}")
    with pytest.raises(ImageRequestError, match="was written by hand, and is not overwritten"):
        write_devcontainer(project)
    assert (project / FILE).read_text() == "{}"

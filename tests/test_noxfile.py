"""The sessions of the noxfile, as nox lists them."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMAGES = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["env-spec"]["images"]


@pytest.fixture(scope="module")
def sessions() -> list[dict[str, str]]:
    """What `nox --list` prints as JSON."""
    answer = subprocess.run([ROOT / "run", "nox", "--list", "--json"], capture_output=True, text=True, check=True)
    listed: list[dict[str, str]] = json.loads(answer.stdout)
    return listed


def test_each_session_is_explained(sessions: list[dict[str, str]]) -> None:
    """`nox -l` shows a sentence for each session."""
    assert [session["session"] for session in sessions if not session["description"].endswith(".")] == []


def test_one_tests_session_per_set_of_groups(sessions: list[dict[str, str]]) -> None:
    """One session tests each set of groups of an image, one tests the commands, and one tests infra-pulumi."""
    expected = {"+".join(image["groups"]) for image in IMAGES.values()} | {"infra", "ops"}
    listed = [session["session"] for session in sessions if session["name"] == "tests"]
    assert sorted(listed) == sorted(f"tests({groups})" for groups in expected)


def test_each_image_group_has_tests() -> None:
    """Each group of an image has a test file of its own."""
    groups = {group for image in IMAGES.values() for group in image["groups"]}
    assert {path.stem.removeprefix("test_group_") for path in ROOT.glob("tests/groups/test_group_*.py")} == groups

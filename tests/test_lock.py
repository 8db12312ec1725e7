"""poetry.lock and the packages of this repository, which Poetry's own check does not compare."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKED = tomllib.loads((ROOT / "poetry.lock").read_text("utf-8"))["package"]
PROJECT_FILES = sorted(ROOT.glob("packages/*/pyproject.toml"))


@pytest.mark.parametrize("project_file", PROJECT_FILES, ids=lambda path: path.parent.name)
def test_lock_knows_what_a_package_needs(project_file: Path) -> None:
    """The lock has the dependencies that a package declares: after a change, run poetry lock."""
    project: dict[str, Any] = tomllib.loads(project_file.read_text("utf-8"))["project"]
    (locked,) = [package for package in LOCKED if package["name"] == project["name"]]
    declared = {canonicalize_name(re.split(r"[^\w.-]", line)[0]) for line in project.get("dependencies", [])}
    assert {canonicalize_name(name) for name in locked.get("dependencies", {})} == declared


def test_lock_names_no_index() -> None:
    """The lock has no source but the packages of this repository: it works behind every mirror."""
    assert {package["source"]["type"] for package in LOCKED if "source" in package} == {"directory"}


def test_policy_engine_lock_names_no_index() -> None:
    """The lock of the policy engine pins by hash and names no host either."""
    lock = json.loads((ROOT / "infra-pulumi/tests/iam-simulate/package-lock.json").read_text("utf-8"))
    locked = [package for place, package in lock["packages"].items() if place]
    assert locked and all("integrity" in package and "resolved" not in package for package in locked)

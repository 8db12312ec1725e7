"""The environment of a session has exactly the packages that the lock has for its groups."""

from __future__ import annotations

import os
import re
import tomllib
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def test_environment_is_the_slice() -> None:
    """No other package is installed, and none is missing."""
    slice_lines = Path(os.environ["SHRINKWRAP_SLICE"]).read_text("utf-8").splitlines()
    assert _installed() == _locked(slice_lines)


def _installed() -> dict[str, str]:
    return {canonicalize_name(found.name): found.version for found in metadata.distributions()}


def _locked(slice_lines: list[str]) -> dict[str, str]:
    locked = {}
    for line in slice_lines:
        if match := re.match(r"-e (\S+)", line):
            project_file = Path(unquote(urlsplit(match[1]).path)) / "pyproject.toml"
            project = tomllib.loads(project_file.read_text("utf-8"))["project"]
            locked[canonicalize_name(project["name"])] = project["version"]
        elif line and line[0].isalnum():
            requirement = Requirement(line.removesuffix("\\"))
            if requirement.marker is None or requirement.marker.evaluate():
                (pin,) = requirement.specifier
                locked[canonicalize_name(requirement.name)] = pin.version
    return locked

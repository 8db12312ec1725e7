"""Findings of an image's test, from what its containers printed."""

from __future__ import annotations

import pytest

from image_build.engine import RunResult
from image_build.testing.findings import system_finding

OUTPUT = "libgl1 1.6.0-1 installed\nlibgomp1 12.2 config-files\ndpkg-query: no packages found matching libxy\n"


@pytest.mark.parametrize(
    ("requested", "problem"),
    [
        (("libgl1",), None),
        (("libgl1=1.6.0-1",), None),
        (("libgl1=1.7",), "libgl1 is 1.6.0-1, not 1.7"),
        (("libgl1", "libgomp1", "libxy"), "libgomp1 is missing, libxy is missing"),
    ],
)
def test_debian_packages_have_to_be_installed(requested: tuple[str, ...], problem: str | None) -> None:
    """Each has to be installed, in the pinned version; the fact has the versions."""
    found = system_finding(requested, RunResult(exit_code=1, output=OUTPUT))
    assert (found.fact, found.problem) == ("libgl1 1.6.0-1", problem)

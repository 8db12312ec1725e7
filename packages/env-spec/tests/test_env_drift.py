"""Drift lists every package that is missing, extra or of another version in the probed environment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from packaging.markers import default_environment

from env_spec import (
    PROBE,
    Difference,
    Installed,
    InstalledError,
    LockedPackage,
    added_distributions,
    drift,
    parse_installed,
)

LINUX = {"sys_platform": "linux", "python_version": "3.11", "python_full_version": "3.11.7"}


def installed(environment: dict[str, str] | None = None, **versions: str) -> Installed:
    return Installed(environment=environment or LINUX, versions=versions, paths=dict.fromkeys(versions, "/lib"))


def locked(name: str, version: str, marker: str | None = None) -> LockedPackage:
    return LockedPackage(name=name, version=version, marker=marker)


def test_as_locked() -> None:
    """A drift without differences is false."""
    found = drift([locked("numpy", "2.4"), locked("pandas", "3.0")], installed(numpy="2.4", pandas="3.0"))
    assert not found
    assert found.checked == 2


def test_every_difference_is_named() -> None:
    """Missing, extra and changed packages are distinguished, with their versions and folders."""
    found = drift(
        [locked("b", "1"), locked("a", "1"), locked("numpy", "2.4")], installed(numpy="2.3", tabulate="0.9", b="1")
    )
    assert found
    assert found.missing == (Difference(name="a", locked="1", installed=None),)
    assert found.extra == (Difference(name="tabulate", locked=None, installed="0.9", path="/lib"),)
    assert found.changed == (Difference(name="numpy", locked="2.4", installed="2.3", path="/lib"),)


@pytest.mark.parametrize(
    ("environment", "version"),
    [(LINUX, "2.4"), ({**LINUX, "python_version": "3.13", "python_full_version": "3.13.1"}, "2.5")],
)
def test_markers_are_evaluated_for_the_probed_python(environment: dict[str, str], version: str) -> None:
    """The probed interpreter decides which packages apply, not the one that compares."""
    packages = [
        locked("numpy", "2.4", "python_version < '3.13'"),
        locked("numpy", "2.5", "python_version >= '3.13'"),
        locked("colorama", "0.4", "sys_platform == 'win32'"),
    ]
    assert not drift(packages, installed(environment, numpy=version))
    assert drift(packages, installed(environment, numpy=version, colorama="0.4")).extra[0].name == "colorama"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [("1.0", "1.0.0", True), ("1.0", "1.0+cpu", False), ("2026.01.02", "2026.1.2", True), ("odd", "1", False)],
)
def test_versions_are_compared_as_versions(one: str, other: str, is_same: bool) -> None:
    """Two spellings of a version are equal; a local version differs."""
    assert bool(drift([locked("a", one)], installed(a=other))) is not is_same


def test_names_are_normalised() -> None:
    """A distribution that calls itself Ruamel.Yaml is ruamel-yaml."""
    answer = answer_of({"name": "Ruamel.Yaml", "version": "1", "path": "/lib"})
    assert not drift([locked("ruamel-yaml", "1")], parse_installed(answer))


def test_a_shadowed_distribution_is_ignored() -> None:
    """Of two distributions with one name, Python imports the first; one without a name is ignored."""
    answer = answer_of(
        {"name": "a", "version": "2", "path": "/user"},
        {"name": "A", "version": "1", "path": "/lib"},
        {"name": None, "version": None, "path": "/lib"},
    )
    assert parse_installed(answer).versions == {"a": "2"}


def test_lines_before_the_probes_are_ignored() -> None:
    """A container's entry point can print lines first; the last line is the probe's."""
    assert parse_installed("Entered start.sh\n" + answer_of() + "\n").prefix == "/venv"


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "printed nothing"), ("no python", "printed 'no python'"), ('{"a": 1}', "printed '{\"a\": 1}'")],
)
def test_other_output_is_an_error(text: str, found: str) -> None:
    """The error quotes output that is not the probe's."""
    with pytest.raises(InstalledError) as caught:
        parse_installed(text, source="python in the container")
    assert str(caught.value) == (
        f"python in the container did not list its installed packages: it {found}; is Python 3.8 or newer there?"
    )


def test_a_package_outside_the_environment_is_extra() -> None:
    """A package that was installed for another Python is found among the files that were added to the container."""
    paths = (
        "/home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info",
        "/home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info/METADATA",
        "/usr/lib/old-1.dist-info",
    )
    found = drift([], installed(old="1"), added=added_distributions(paths))
    assert [(extra.name, extra.installed, extra.path) for extra in found.extra] == [
        ("old", "1", "/lib"),
        ("tabulate", "0.9.0", "/home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info"),
    ]


def test_the_probe_agrees_with_packaging() -> None:
    """The probe needs no package, and its marker variables are those of packaging."""
    done = subprocess.run([sys.executable, "-I", "-c", PROBE], capture_output=True, text=True, check=True)
    found = parse_installed(done.stdout)
    assert found.environment == default_environment()
    assert found.prefix == sys.prefix
    assert "pytest" in found.versions


def answer_of(*distributions: dict[str, Any]) -> str:
    return json.dumps({"prefix": "/venv", "environment": LINUX, "distributions": distributions})

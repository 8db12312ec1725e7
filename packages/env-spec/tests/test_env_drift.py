"""Drift names every package that is missing, extra or of another version, where the probe ran."""

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
    """Nothing differs: a drift is false."""
    found = drift([locked("numpy", "2.4"), locked("pandas", "3.0")], installed(numpy="2.4", pandas="3.0"))
    assert not found
    assert found.checked == 2


def test_every_difference_is_named() -> None:
    """Missing, extra and other versions are told apart, each with what is known of it."""
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
def test_markers_are_those_of_the_other_side(environment: dict[str, str], version: str) -> None:
    """What applies is decided by the probed interpreter, not by the one that compares."""
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
    """Two spellings of a version are one; a local version is another."""
    assert bool(drift([locked("a", one)], installed(a=other))) is not is_same


def test_names_are_normalised() -> None:
    """A distribution that calls itself Ruamel.Yaml is ruamel-yaml."""
    answer = answer_of({"name": "Ruamel.Yaml", "version": "1", "path": "/lib"})
    assert not drift([locked("ruamel-yaml", "1")], parse_installed(answer))


def test_the_first_of_two_is_what_python_imports() -> None:
    """A distribution that shadows another of its name is the one that counts; one without a name is none."""
    answer = answer_of(
        {"name": "a", "version": "2", "path": "/user"},
        {"name": "A", "version": "1", "path": "/lib"},
        {"name": None, "version": None, "path": "/lib"},
    )
    assert parse_installed(answer).versions == {"a": "2"}


def test_what_starts_a_container_may_speak_first() -> None:
    """Only the last line is the probe's."""
    assert parse_installed("Entered start.sh\n" + answer_of() + "\n").prefix == "/venv"


@pytest.mark.parametrize(
    ("text", "got"),
    [("", "printed nothing"), ("no python", "printed 'no python'"), ('{"a": 1}', "printed '{\"a\": 1}'")],
)
def test_what_is_no_answer(text: str, got: str) -> None:
    """Anything that the probe does not print is an error that quotes it."""
    with pytest.raises(InstalledError) as caught:
        parse_installed(text, source="python in the container")
    assert str(caught.value) == (
        f"python in the container did not say what is installed there: it {got}; is there a Python 3.8 or newer?"
    )


def test_what_pip_put_elsewhere_is_extra() -> None:
    """A package that went to another Python of the container is found by the container's changed files."""
    changes = (
        "C /usr/lib\nA /home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info\n"
        "A /home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info/METADATA\n"
        "A /usr/lib/old-1.dist-info\nD /usr/lib/gone-1.dist-info\nC /usr/lib/kept-1.dist-info\n"
    )
    found = drift([], installed(old="1"), added=added_distributions(changes))
    assert [(extra.name, extra.installed, extra.path) for extra in found.extra] == [
        ("old", "1", "/lib"),
        ("tabulate", "0.9.0", "/home/jovyan/.local/lib/python3.11/site-packages/tabulate-0.9.0.dist-info"),
    ]


def test_the_probe_says_what_packaging_would() -> None:
    """The probe needs no package, and its marker variables are those that packaging takes."""
    done = subprocess.run([sys.executable, "-I", "-c", PROBE], capture_output=True, text=True, check=True)
    found = parse_installed(done.stdout)
    assert found.environment == default_environment()
    assert found.prefix == sys.prefix
    assert "pytest" in found.versions


def answer_of(*distributions: dict[str, Any]) -> str:
    return json.dumps({"prefix": "/venv", "environment": LINUX, "distributions": distributions})

"""Contradicting groups are reported before Poetry runs."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import SpecErrors, parse_spec


def mistakes_in(first: str, second: str, *, table: str = "") -> list[str]:
    text = f'[dependency-groups]\na = ["{first}"]\nb = ["{second}"]\n{table}'
    try:
        parse_spec(tomllib.loads(text))
    except SpecErrors as error:
        return [str(mistake) for mistake in error.errors]
    return []


def test_a_contradiction_names_both_places() -> None:
    """The message contains both requirements, their key paths, and what to do."""
    assert mistakes_in("numpy (>=2,<3)", "Numpy<2") == [
        "dependency-groups.b[0]: numpy <2 contradicts (>=2,<3) at dependency-groups.a[0]; all groups share "
        "one lock, so widen one of the two, or add markers that exclude each other"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("n>=2", "n<3"),
        ("n>=2,<3", "n>=2.5"),
        ("n>2", "n<2.1"),
        ("n==2.*", "n>=2.9"),
        ("n~=2.3", "n<2.9"),
        ("n!=2", "n"),
        ("n<2", "n<1"),
        ("n>=2 ; python_version < '3.12'", "n<2 ; python_version >= '3.12'"),
        ("n @ git+https://example.org/n", "n<2"),
        ("n===odd", "n<2"),
    ],
)
def test_requirements_that_a_version_can_meet(first: str, second: str) -> None:
    """Overlapping versions, markers, and requirements that only Poetry can parse are not reported."""
    assert mistakes_in(first, second) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("n>=2", "n<2"),
        ("n==2.1", "n==2.2"),
        ("n==2.*", "n>=3"),
        ("n~=2.3", "n>=3"),
        ("n>2", "n<=2"),
        ("n<1", "n>=1.0a1"),
        ("n!=2", "n==2"),
    ],
)
def test_requirements_that_no_version_can_meet(first: str, second: str) -> None:
    """Versions that exclude each other are a mistake."""
    assert len(mistakes_in(first, second)) == 1


def test_poetrys_own_syntax_is_not_checked() -> None:
    """A caret is not parsed here; plain bounds in Poetry's tables are."""
    table = "[tool.poetry.group.c.dependencies]\nn = {}\n"
    assert mistakes_in("n<2", "n<2", table=table.format('"^3"')) == []
    assert mistakes_in("n<2", "n<2", table=table.format('{ version = ">=3", optional = true }')) != []
    assert mistakes_in("n<2", "n<2", table=table.format('{ version = ">=3", markers = "os_name == \'nt\'" }')) == []

"""Packages that only extras of the project need."""

from __future__ import annotations

import tomllib

import pytest

from env_spec import SpecErrors, parse_spec
from env_spec.lock.extras import without_extras
from env_spec.lock.slice import lock_slice

EXTRA = 'extra == "plot"'
OTHER = 'extra == "other"'
OLD = 'python_version < "3.14"'


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        (OLD, OLD),
        (EXTRA, ""),
        (OTHER, None),
        (f"{EXTRA} or {OTHER}", ""),
        (f"{OLD} and {EXTRA}", OLD),
        (f"{OLD} and {OTHER}", None),
        (f"{OLD} and ({EXTRA} or {OTHER})", OLD),
        (f"({OLD} or os_name == 'nt') and {EXTRA}", f"{OLD} or os_name == 'nt'"),
        (f"({OLD} or os_name == 'nt') and sys_platform != 'x y' and {EXTRA}",
         f"({OLD} or os_name == 'nt') and sys_platform != 'x y'"),
        (f"platform_machine not in \"a and b\" and {EXTRA}", 'platform_machine not in "a and b"'),
        (f"{OTHER} and {OLD} or {OLD} and {EXTRA}", OLD),
    ],
)  # fmt: skip
def test_the_rest_of_a_marker(marker: str, expected: str | None) -> None:
    """Empty if the package is always needed with the extra plot, None if it is not needed."""
    assert without_extras(marker, frozenset({"plot"})) == expected


def test_a_slice_with_extras() -> None:
    """An extra adds its packages, and no others; spelling does not matter."""
    lock = tomllib.loads(
        "\n".join(
            f'[[package]]\nname = "{name}"\nversion = "1"\ngroups = ["main"]\nmarkers = \'{marker}\''
            for name, marker in (("always", OLD), ("drawn", f"{OLD} and {EXTRA}"), ("more", OTHER))
        )
        + '\n[metadata]\nlock-version = "2.1"'
    )
    assert [package.name for package in lock_slice(lock, ["main"])] == ["always"]
    assert [(package.name, package.marker) for package in lock_slice(lock, ["main"], extras=["Plot"])] == [
        ("always", OLD),
        ("drawn", OLD),
    ]


def parents(plots: str, more: str = "") -> str | None:
    """The parent of an image with these lines, next to one with the same group and its first extra."""
    images = tomllib.loads(
        'small = {groups = ["main"], build = ["x"]}\n'
        f'[plots]\ngroups = ["main"]\n{plots}\n[more]\ngroups = ["main"]\n{more}'
    )
    spec = parse_spec({"dependency-groups": {"main": []}, "tool": {"env-spec": {"images": images}}})
    return spec.parent("more")


def test_images_with_extras_share_layers() -> None:
    """An image with more extras is on the one with fewer; one that compiles other packages shares none."""
    assert parents('extras = ["a"]', 'extras = ["A", "b"]') == "plots"
    assert parents('extras = ["a"]', 'extras = ["b"]') is None
    assert parents("", 'extras = ["b"]\nbuild = ["x"]') == "small"


def test_a_declared_parent_must_fit() -> None:
    with pytest.raises(SpecErrors) as caught:
        parents('extras = ["a"]', 'parent = "plots"\nextras = []\nbuild = ["y"]')
    assert [str(error) for error in caught.value.errors] == [
        "tool.env-spec.images.more.build: differs from that of its parent 'plots', so they cannot share layers;"
        " remove it here",
        "tool.env-spec.images.more.extras: must have those of its parent 'plots': a",
    ]


def test_build_needs_names() -> None:
    with pytest.raises(SpecErrors, match="build: name the packages to compile, like build = "):
        parents("build = true")

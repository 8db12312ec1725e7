"""Both sides of a poetry.lock in conflict become one that Poetry can start from."""

from __future__ import annotations

import tomllib

import pytest

from env_make.lock_merge import conflict_sides, merged_lock, moved_packages
from env_make.lock_state import conflict_line

PACKAGE = """\
[[package]]
name = "{0}"
version = "{1}"
groups = ["main"]
files = [
    {{file = "{0}-{1}.whl", hash = "sha256:{1}"}},
]

[package.dependencies]
other = ">=1"

"""
METADATA = '[extras]\nplot = ["numpy"]\n\n[metadata]\nlock-version = "2.1"\ncontent-hash = "{}"\n'


def entry(name: str, version: str) -> str:
    return PACKAGE.format(name, version)


def conflict(ours: str, theirs: str, *, base: str | None = None, end: str = "\n") -> str:
    common = "" if base is None else f"||||||| base{end}{base}"
    return f"<<<<<<< HEAD{end}{ours}{common}======={end}{theirs}>>>>>>> a branch{end}"


def versions(text: str) -> list[tuple[str, str]]:
    return [(package["name"], package["version"]) for package in tomllib.loads(text)["package"]]


def test_both_sides_add_a_package() -> None:
    """A whole entry on each side: the merge has both, and one copy of what they share."""
    text = entry("numpy", "2.3") + conflict(entry("idna", "3.1"), entry("six", "1.17")) + METADATA.format("a")
    assert versions(merged_lock(text)) == [("idna", "3.1"), ("numpy", "2.3"), ("six", "1.17")]
    assert conflict_line(text) == 12


def test_both_sides_update_a_package() -> None:
    """Conflicts inside an entry: the merge has it in both versions, each complete; the hashes conflict too."""
    lines = entry("numpy", "2.3").splitlines(keepends=True)
    others = entry("numpy", "2.4").splitlines(keepends=True)
    text = (
        "".join([*lines[:2], conflict(lines[2], others[2], base='version = "2.1"\n')])
        + "".join([*lines[3:5], conflict(lines[5], others[5]), *lines[6:]])
        + "[metadata]\n"
        + conflict('content-hash = "a"\n', 'content-hash = "b"\n')
    )
    merged = merged_lock(text)
    assert versions(merged) == [("numpy", "2.3"), ("numpy", "2.4")]
    assert [package["files"][0]["hash"] for package in tomllib.loads(merged)["package"]] == ["sha256:2.3", "sha256:2.4"]
    assert all(package["dependencies"] == {"other": ">=1"} for package in tomllib.loads(merged)["package"])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_sides_of_a_conflict(end: str) -> None:
    """Each side has its own lines and those outside; the common text of diff3 is in neither."""
    text = f"a{end}" + conflict(f"b{end}", f"c{end}", base=f"d{end}", end=end) + f"======={end}e{end}"
    ours, theirs = (f"a{end}{side}{end}======={end}e{end}" for side in "bc")
    assert conflict_sides(text) == (ours, theirs)


def test_a_broken_entry_is_left_to_poetry() -> None:
    """An entry that is no TOML on either side does not spoil the others."""
    text = entry("numpy", "2.3") + '[[package]]\nname = "six\n\n' + conflict("", entry("idna", "3.1"))
    assert versions(merged_lock(text)) == [("idna", "3.1"), ("numpy", "2.3")]


def test_what_moved() -> None:
    """A line for each package, by name; of a lock in conflict, the first side counts."""
    before = entry("numpy", "2.3") + conflict(entry("idna", "3.1"), entry("idna", "3.2")) + METADATA
    after = entry("numpy", "2.4") + entry("six", "1.17") + METADATA
    assert moved_packages(before, after) == ["idna 3.1 removed", "numpy 2.3 → 2.4", "six 1.17 added"]
    assert moved_packages(after, after) == []

"""A slice has the packages that groups need, with hashes, sources and the union of their markers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from env_spec import (
    LockedFile,
    LockedPackage,
    LockedSource,
    LockError,
    applicable,
    load_lock,
    lock_slice,
    parse_lock,
)

METADATA = '[metadata]\nlock-version = "2.1"\n'


def lock_of(*packages: str) -> dict[str, Any]:
    return tomllib.loads("\n".join([*(f"[[package]]\n{package}" for package in packages), METADATA]))


def package_of(rest: str, *, name: str = "pkg", version: str = "1") -> str:
    return f'name = "{name}"\nversion = "{version}"\n{rest}\n'


def markers_of(lock: dict[str, Any], *groups: str) -> list[str | None]:
    return [package.marker for package in lock_slice(lock, groups)]


def test_a_slice_has_the_packages_of_its_groups() -> None:
    """Packages of other groups are omitted; the others are sorted by name and have all their files."""
    lock = lock_of(
        package_of('groups = ["main"]', name="Zope.Interface"),
        package_of('groups = ["dev"]', name="ruff"),
        package_of(
            'groups = ["dev", "main"]\n'
            'files = [{file = "n-1.whl", hash = "sha256:aa"}, {file = "n-1.tar.gz", hash = "sha256:bb"}]',
            name="numpy",
        ),
    )
    assert lock_slice(lock, ["Main"]) == (
        LockedPackage(
            name="numpy",
            version="1",
            files=(
                LockedFile(name="n-1.whl", hash="sha256:aa"),
                LockedFile(name="n-1.tar.gz", hash="sha256:bb"),
            ),
        ),
        LockedPackage(name="zope-interface", version="1"),
    )


def test_one_marker_applies_to_every_group() -> None:
    """A marker that is a string applies to each group that needs the package."""
    lock = lock_of(package_of('groups = ["main", "dev"]\nmarkers = "os_name == \\"nt\\""'))
    assert markers_of(lock, "main") == markers_of(lock, "main", "dev") == ['os_name == "nt"']


def test_markers_per_group_are_joined() -> None:
    """The marker of several groups is true where that of any of them is; equal alternatives appear once."""
    lock = lock_of(
        package_of(
            'groups = ["dev", "main", "ops"]\n'
            "markers = {dev = \"sys_platform == 'win32'\", "
            "main = \"python_version < '3.12' and os_name == 'nt' or sys_platform == 'win32'\"}"
        )
    )
    assert markers_of(lock, "dev") == ["sys_platform == 'win32'"]
    union = "python_version < '3.12' and os_name == 'nt' or sys_platform == 'win32'"
    assert markers_of(lock, "dev", "main") == markers_of(lock, "main", "dev") == [union]


def test_a_group_without_a_marker_always_needs_the_package() -> None:
    """A group that is missing in the table of markers makes the union unconditional."""
    lock = lock_of(package_of('groups = ["main", "ops"]\nmarkers = {main = "os_name == \\"nt\\""}'))
    assert markers_of(lock, "ops") == markers_of(lock, "main", "ops") == [None]


def test_a_marker_with_parentheses_is_not_split() -> None:
    """Alternatives inside parentheses stay together."""
    marker = "(os_name == 'nt' or os_name == 'java') and python_version < '3.13'"
    lock = lock_of(package_of(f'groups = ["a", "b"]\nmarkers = {{a = "{marker}", b = "os_name == \'nt\'"}}'))
    assert markers_of(lock, "a", "b") == [f"{marker} or os_name == 'nt'"]


def test_an_extra_of_the_project_is_not_installed() -> None:
    """A package that only an extra needs is omitted; for one that a group also needs, only that marker is kept."""
    lock = lock_of(
        package_of('groups = ["main"]\nmarkers = "extra == \\"plot\\""', name="only-extra"),
        package_of('groups = ["dev", "main"]\nmarkers = {dev = "os_name == \'nt\'", main = "extra == \'plot\'"}'),
    )
    assert lock_slice(lock, ["main"]) == ()
    assert markers_of(lock, "main", "dev") == ["os_name == 'nt'"]


def test_an_included_group_needs_no_entry_of_its_own() -> None:
    """Poetry also records a package under the including group; a lock without that has the same slice."""
    both = lock_of(package_of('groups = ["dev", "test"]'))
    included_only = lock_of(package_of('groups = ["test"]'))
    assert lock_slice(both, ["dev"]) == lock_slice(both, ["dev", "test"])
    assert lock_slice(both, ["dev"]) == lock_slice(included_only, ["dev", "test"])


def test_two_versions_of_a_package() -> None:
    """Versions for different markers are all in the slice; one applies in each environment."""
    lock = lock_of(
        package_of('groups = ["main"]\nmarkers = "python_version >= \\"3.13\\""', version="2.5"),
        package_of('groups = ["main"]\nmarkers = "python_version < \\"3.13\\""', version="2.4"),
    )
    packages = lock_slice(lock, ["main"])
    assert [package.version for package in packages] == ["2.4", "2.5"]
    assert applicable(packages, {"python_version": "3.11"}) == packages[:1]
    assert applicable(packages, {"python_version": "3.13"}) == packages[1:]


def test_an_environment_decides_what_applies() -> None:
    """Packages without a marker apply everywhere; extras of the project are never active."""
    always = LockedPackage(name="a", version="1")
    windows = LockedPackage(name="b", version="1", marker='sys_platform == "win32"')
    extra = LockedPackage(name="c", version="1", marker='extra == "plot"')
    assert applicable([always, windows, extra], {"sys_platform": "win32"}) == (always, windows)
    assert applicable([always, windows, extra], {"sys_platform": "linux"}) == (always,)
    assert applicable([always, extra]) == (always,)


def test_the_projects_own_package_has_a_path() -> None:
    """A directory source keeps its path relative to the lock and whether it is editable."""
    lock = lock_of(
        package_of(
            'groups = ["ops"]\ndevelop = true\nfiles = []\n[package.source]\ntype = "directory"\nurl = "packages/own"'
        )
    )
    (package,) = lock_slice(lock, ["ops"])
    assert package.source == LockedSource(type="directory", url="packages/own", editable=True)
    assert package.path == "packages/own"


def test_a_git_source_keeps_its_commit() -> None:
    """The resolved commit of a package from git is part of the slice; the package has no path."""
    lock = lock_of(
        package_of(
            'groups = ["ops"]\n[package.source]\ntype = "git"\nurl = "https://example.org/x.git"\n'
            'reference = "main"\nresolved_reference = "0123abc"\nsubdirectory = "sub"'
        )
    )
    (package,) = lock_slice(lock, ["ops"])
    assert package.path is None
    assert package.source == LockedSource(
        type="git",
        url="https://example.org/x.git",
        reference="main",
        resolved_reference="0123abc",
        subdirectory="sub",
    )


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({}, "has no lock-version; create it again with `./run invoke env.lock`"),
        ({"lock-version": "two"}, "has no lock-version; create it again with `./run invoke env.lock`"),
        (
            {"lock-version": "2.0"},
            "has lock-version 2.0, which has no groups; create it again with Poetry 2: `./run invoke env.lock`",
        ),
        ({"lock-version": "3.0"}, "has lock-version 3.0; versions from 2.1 up to (but not including) 3 are supported"),
    ],
)
def test_a_lock_of_another_version_is_refused(metadata: dict[str, str], problem: str) -> None:
    """Only lock-versions that record the groups of each package are accepted."""
    with pytest.raises(LockError) as caught:
        lock_slice({"package": [], "metadata": metadata}, ["main"])
    assert str(caught.value) == f"poetry.lock: {problem}"


def test_a_damaged_entry_is_named() -> None:
    """A malformed entry is reported with its index in the lock."""
    lock = lock_of(package_of('groups = ["main"]'), 'name = "numpy"')
    with pytest.raises(LockError) as caught:
        lock_slice(lock, ["main"], source="a/poetry.lock")
    assert str(caught.value) == "a/poetry.lock: package[1] is malformed: KeyError('groups')"


def test_a_malformed_marker_is_named() -> None:
    """A marker that cannot be parsed is an error of this package."""
    with pytest.raises(LockError) as caught:
        applicable([LockedPackage(name="a", version="1", marker="python <")])
    assert str(caught.value) == "poetry.lock: a has the malformed marker 'python <'"


def test_a_lock_is_loaded_from_its_file(tmp_path: Path) -> None:
    """A lock on disk has the same slice as its parsed data."""
    path = tmp_path / "poetry.lock"
    entry = package_of('groups = ["main"]')
    path.write_text(f"[[package]]\n{entry}{METADATA}")
    assert lock_slice(load_lock(path), ["main"]) == (LockedPackage(name="pkg", version="1"),)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "does not exist; create it with `./run invoke env.lock`"),
        ("<<<<<<< HEAD\n", "is not valid TOML: Invalid statement (at line 1, column 1)"),
        (
            '[metadata]\nlock-version = "1.1"',
            "has lock-version 1.1, which has no groups; create it again with Poetry 2: `./run invoke env.lock`",
        ),
    ],
)
def test_an_unusable_lock_is_named(tmp_path: Path, content: str | None, problem: str) -> None:
    """A lock that is missing, has merge conflicts, or is too old is reported with its path."""
    path = tmp_path / "poetry.lock"
    if content is not None:
        path.write_text(content)
    with pytest.raises(LockError) as caught:
        load_lock(path)
    assert str(caught.value) == f"{path}: {problem}"


def test_a_lock_is_parsed_like_tomllib_does() -> None:
    """Parsing entry by entry has the result of tomllib, also with tables after the entries and with CRLF line ends."""
    content = (Path(__file__).parents[3] / "poetry.lock").read_bytes()
    extras = content.replace(b"\n[metadata]\n", b'\n[extras]\nplot = ["matplotlib"]\n\n[metadata]\n')
    unusual = content.replace(b'files = [\n    {file = "', b'files = [\n    {file = "\\u0061', 3)
    for text in (content, extras, unusual, content.replace(b"\n", b"\r\n")):
        assert parse_lock(text) == {**tomllib.loads(text.decode()), "locked-by": (2, 5)}

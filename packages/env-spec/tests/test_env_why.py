"""Each locked package is explained by the shortest path from one that a group declares."""

from __future__ import annotations

import tomllib
from pathlib import Path

from env_spec import load_lock, load_spec, lock_slice, parse_spec
from env_spec.lock.why import dependency_paths, needed_by

PROJECT = Path(__file__).parents[3]
LOCK = tomllib.loads(
    """
    [[package]]
    name = "pandas"
    dependencies = { Numpy = ">=2" }
    [[package]]
    name = "numpy"
    [[package]]
    name = "dvc"
    dependencies = { s3 = { version = "*", optional = true, markers = 'extra == "s3"' }, pathspec = "*" }
    [[package]]
    name = "s3"
    dependencies = { boto = [{ version = "1", markers = "os_name == 'nt'" }, { version = "2" }] }
    [[package]]
    name = "boto"
    [[package]]
    name = "pathspec"
    dependencies = { dvc = "*" }
    """
)


def paths_of(groups: str, *names: str) -> dict[str, str]:
    spec = parse_spec(tomllib.loads(f"[dependency-groups]\n{groups}"))
    return {name: str(path) for name, path in dependency_paths(LOCK, spec.groups, names).items()}


def test_a_declared_package_explains_itself() -> None:
    """A declared package has a path of length one; its dependencies have longer ones, after the group."""
    assert paths_of('main = ["pandas"]', "main") == {"pandas": "main: pandas", "numpy": "main: pandas -> numpy"}


def test_the_shortest_path_wins() -> None:
    """For a package that is both declared and a dependency, the declaration is the reason."""
    paths = paths_of('main = ["pandas"]\nmodels = ["numpy"]', "main", "models")
    assert paths["numpy"] == "models: numpy"


def test_only_requested_extras_are_followed() -> None:
    """An optional dependency is followed if its extra is requested; a cycle of packages ends."""
    assert sorted(paths_of('ops = ["dvc"]', "ops")) == ["dvc", "pathspec"]
    assert paths_of('ops = ["dvc[s3]"]', "ops")["boto"] == "ops: dvc -> s3 -> boto"


def test_every_pair_is_listed() -> None:
    """Each dependency is a pair of normalised names, for a bill of materials."""
    assert ("pandas", "numpy") in set(needed_by(LOCK))


def test_every_package_of_this_project_is_explained() -> None:
    """Every locked package of every group has a path."""
    spec, lock = load_spec(PROJECT / "pyproject.toml"), load_lock(PROJECT / "poetry.lock")
    for name in spec.groups:
        groups = spec.expanded([name])
        paths = dependency_paths(lock, spec.groups, groups)
        assert {package.name for package in lock_slice(lock, groups)} <= set(paths)

"""Updates poetry.lock with Poetry, also behind a package mirror; a failure leaves all files unchanged."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from env_make import EnvMakeError, Runner, lock_project, make_tools, mirror_variables
from env_spec.errors import PoetryError
from env_spec.process import run_streamed

_NEW_GROUP = "shrinkwrap-added"


def relock(root: Path, *, folder: str = ".") -> None:
    """Make poetry.lock fit pyproject.toml, whatever state it is in. Poetry's output is copied to standard error.

    Args:
        folder: The folder of both, relative to the root.

    Raises:
        PoetryError: Poetry failed; poetry.lock is unchanged.
    """
    with _poetry_errors():
        lock_project(root, folder=folder)


def add_package(root: Path, package: str, group: str, *, folder: str = ".") -> None:
    """Add a package to a group, and lock. Poetry's output is copied to standard error.

    Args:
        folder: The folder of pyproject.toml, relative to the root.

    Raises:
        PoetryError: Poetry failed; pyproject.toml and poetry.lock are unchanged.
    """
    with _poetry_errors():
        tools = make_tools(root)
    environment = {**os.environ, **mirror_variables(tools.python, Runner(folder=root))}
    project = root / folder
    with _restored_on_failure(project / "pyproject.toml", project / "poetry.lock"):
        if group == "main":
            _add_to_main(project, tools.poetry, package, environment)
        else:
            _run(project, [*tools.poetry, "add", "--lock", f"--group={group}", "--", package], environment)


def _add_to_main(root: Path, poetry: list[str], package: str, environment: dict[str, str]) -> None:
    """Add a package to `main`, through a temporary group.

    Poetry adds packages of `main` to its own table, even if [dependency-groups] has a `main`. So let it add the package
    to a temporary group and move the resulting requirement.
    """
    pyproject = root / "pyproject.toml"
    before = pyproject.read_text(encoding="utf-8")
    if "main" not in tomllib.loads(before).get("dependency-groups", {}):
        _run(root, [*poetry, "add", "--lock", "--", package], environment)
        return
    _run(root, [*poetry, "add", "--lock", f"--group={_NEW_GROUP}", "--", package], environment)
    added = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    if _NEW_GROUP in added.get("tool", {}).get("poetry", {}).get("group", {}):
        raise PoetryError(f"'{package}' cannot be declared in [dependency-groups] main; edit pyproject.toml by hand")
    pyproject.write_text(with_requirements(before, "main", added["dependency-groups"][_NEW_GROUP]), encoding="utf-8")
    _run(root, [*poetry, "lock"], environment)


def with_requirements(pyproject: str, group: str, requirements: list[str]) -> str:
    """The text of a pyproject.toml with requirements added to a dependency group and nothing else changed."""
    import tomlkit

    document = tomlkit.parse(pyproject)
    array = document["dependency-groups"][group]
    is_multiline = "\n" in array.as_string()
    for requirement in requirements:
        if is_multiline:
            array.add_line(requirement)
        else:
            array.append(requirement)
    return tomlkit.dumps(document)


@contextmanager
def _poetry_errors() -> Iterator[None]:
    try:
        yield
    except EnvMakeError as error:
        raise PoetryError(str(error)) from None


def _run(root: Path, command: list[str], environment: dict[str, str]) -> None:
    if code := run_streamed(command, root=root, environment=environment):
        raise PoetryError(f"Poetry failed (exit status {code}, see above); no file was changed")


@contextmanager
def _restored_on_failure(*paths: Path) -> Iterator[None]:
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        raise

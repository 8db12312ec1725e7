"""Locks again with Poetry, also behind a package mirror, whatever state poetry.lock is in."""

from __future__ import annotations

import os
from pathlib import Path

from env_make.errors import EnvMakeError
from env_make.lock import exclusive_lock
from env_make.lock_merge import conflict_sides, merged_lock, moved_packages
from env_make.lock_state import conflict_line, lock_problem
from env_make.processes import Runner
from env_make.report import OnLine, print_line
from env_make.tools import Tools, install_tools

MIRROR_VARIABLE = "POETRY_PYPI_MIRROR_URL"
# The lock before `relock`, relative to the root: empty if there was none, and the first side of one in conflict.
LOCK_BEFORE = ".shrinkwrap/lock-before"
_SHOWN = 20

# Runs in Poetry's environment, whose pip has the machine's configuration. Prints the package index that Poetry must be
# given: pip's, if that is not PyPI, or if the server that answers for PyPI lacks the JSON API that Poetry needs.
_INDEX = """\
import json, urllib.request
from importlib.metadata import version
from pip._internal.commands import create_command
from pip._internal.models.index import PyPI
index = create_command("download").parser.get_default_values().index_url
if index.rstrip("/") == PyPI.simple_url:
    try:
        with urllib.request.urlopen(f"{PyPI.pypi_url}/pip/{version('pip')}/json", timeout=20) as response:
            json.load(response)
    except ValueError:
        print(index)
    except OSError as error:
        if getattr(error, "code", None) in (404, 406, 501):
            print(index)
else:
    print(index)
"""


def lock_project(root: Path, *, folder: str = ".", on_line: OnLine = print_line) -> None:
    """Make the poetry.lock of a repository fit its pyproject.toml, with the tools of the repository.

    Args:
        folder: The folder of both, relative to the root.

    Raises:
        EnvMakeError: Poetry could not be installed, or failed; poetry.lock is as it was.
    """
    root = root.resolve()
    try:
        with exclusive_lock(root / ".shrinkwrap" / "lock", on_line) as descriptor:
            runner = Runner(folder=root, descriptors=(descriptor,))
            relock(root / folder / "poetry.lock", install_tools(runner, on_line), runner, on_line)
    except OSError as error:
        raise EnvMakeError(f"could not lock: {error}") from error


def relock(lock: Path, tools: Tools, runner: Runner, on_line: OnLine) -> None:
    """The same for a caller that holds the lock of the installations. Locked versions stay where they are allowed.

    A lock in conflict is first replaced by one with the packages of both sides. If Poetry fails, the lock is as it was.

    Args:
        runner: Its folder is the root of the repository.

    Raises:
        EnvMakeError: Poetry failed.
    """
    exists = lock.exists()
    text = lock.read_text("utf-8", "replace") if exists else ""
    if lock.parent == runner.folder:
        (runner.folder / LOCK_BEFORE).write_text(conflict_sides(text)[0], "utf-8")
    # Otherwise Poetry makes an environment of its own in the user's home.
    runner = runner.adding({"POETRY_VIRTUALENVS_CREATE": "false", **mirror_variables(tools.python, runner)})
    try:
        if conflict_line(text):
            _replace(lock, merged_lock(text))
        directory = () if lock.parent == runner.folder else ("--directory", lock.parent)
        if not runner.succeeds(*tools.poetry, *directory, "lock"):
            raise EnvMakeError(f"Poetry could not lock (see above); {lock.relative_to(runner.folder)} is as it was")
    except BaseException:
        if exists:
            _replace(lock, text)
        else:
            lock.unlink(missing_ok=True)
        raise
    moved = moved_packages(text, lock.read_text("utf-8"))
    name = lock.relative_to(runner.folder)
    if exists:
        for line in moved[:_SHOWN]:
            on_line(f"{name}: {line}")
        if len(moved) > _SHOWN:
            on_line(f"{name}: and {len(moved) - _SHOWN} more")
    on_line(f"{name} fits pyproject.toml now" if moved or not exists else f"{name} fits now; no version moved")


def check_lock(root: Path) -> None:
    """Check that poetry.lock can be used.

    Raises:
        EnvMakeError: It cannot; the message names the command that repairs it.
    """
    if problem := lock_problem(root):
        raise EnvMakeError(f"poetry.lock {problem}; fix: ./run invoke env.lock")


def mirror_variables(python: Path, runner: Runner) -> dict[str, str]:
    """The setting that makes Poetry use pip's package index, if it needs one; no file stores it."""
    if os.environ.get(MIRROR_VARIABLE):
        return {}
    index = runner.output(python, "-c", _INDEX)
    return {MIRROR_VARIABLE: index} if index else {}


def _replace(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, "utf-8")
    new.replace(file)

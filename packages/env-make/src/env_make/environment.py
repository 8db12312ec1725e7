"""Making one environment: Poetry cuts poetry.lock, uv installs."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from env_make.errors import EnvMakeError
from env_make.lock import exclusive_lock
from env_make.lock_state import lock_problem
from env_make.processes import Runner
from env_make.python import base_python
from env_make.recipe import Environment, Recipe
from env_make.relock import check_lock, relock
from env_make.report import OnLine, print_line
from env_make.slice_sources import OwnPackage, SlicePart, authenticated_url, slice_parts, split_export
from env_make.tools import Tools, install_tools, with_index


def make_environment(
    root: Path,
    groups: Sequence[str],
    folder: Path,
    *,
    python: str | None = None,
    with_pip: bool = False,
    may_lock: bool = False,
    lock_folder: str = ".",
    on_line: OnLine = print_line,
) -> Environment:
    """Make the folder hold exactly these groups of poetry.lock; return at once if it is current.

    Hashes are checked, and our own packages are installed editable. An environment that was completed before is
    updated in place; any other, an interrupted one too, is made from nothing. The function may be killed at any moment
    and called again.

    Args:
        root: The root of the repository.
        groups: Poetry groups; another order makes an environment stale.
        folder: The virtual environment, absolute or relative to the root. Its contents are replaced.
        python: Path or name of an interpreter; None for the one that runs this, or that its own environment is made
            from.
        with_pip: Install pip too, for programs that start pip inside the environment.
        lock_folder: The folder of the lock and its pyproject.toml, relative to the root.
        may_lock: If poetry.lock is missing, in conflict or does not fit pyproject.toml, lock again first.
        on_line: Called with each line of progress; prints to standard error by default.

    Raises:
        EnvMakeError: The Python is too old, poetry.lock cannot be used, or an installation failed.
    """
    recipe = _recipe(root, groups, folder, python, with_pip, lock_folder)
    if recipe.is_current():
        return recipe.environment
    try:
        with exclusive_lock(recipe.root / ".shrinkwrap" / "lock", on_line) as descriptor:
            # Another process may have made it while this one waited.
            if not recipe.is_current():
                runner = Runner(folder=recipe.root, descriptors=(descriptor,))
                tools = install_tools(runner, on_line)
                _provide_lock(recipe, tools, runner, on_line, may_lock=may_lock)
                _make(recipe, tools, runner, on_line)
    except OSError as error:
        raise EnvMakeError(f"could not make {recipe.folder_text}: {error}") from error
    return recipe.environment


def current_environment(
    root: Path, groups: Sequence[str], folder: Path, *, python: str | None = None, with_pip: bool = False
) -> Environment | None:
    """The environment that `make_environment` would return at once, or None if it is missing or stale."""
    recipe = _recipe(root, groups, folder, python, with_pip)
    return recipe.environment if recipe.is_current() else None


def _recipe(
    root: Path, groups: Sequence[str], folder: Path, python: str | None, with_pip: bool, lock_folder: str = "."
) -> Recipe:
    root = root.resolve()
    return Recipe(
        root=root,
        groups=tuple(groups),
        folder=root / folder,
        python=python,
        with_pip=with_pip,
        lock_folder=lock_folder,
    )


def _provide_lock(recipe: Recipe, tools: Tools, runner: Runner, on_line: OnLine, *, may_lock: bool) -> None:
    if not may_lock:
        check_lock(recipe.lock.parent)
    elif problem := lock_problem(recipe.lock.parent):
        on_line(f"poetry.lock {problem}; locking with Poetry")
        relock(recipe.lock, tools, runner, on_line)


def _make(recipe: Recipe, tools: Tools, runner: Runner, on_line: OnLine) -> None:
    """Make or update the environment; the record of what it was made from is removed first and written last."""
    # Read before the installation: a file that changes meanwhile makes the environment stale.
    made_from = recipe.made_from()
    on_line(f"installing {_groups_text(recipe.groups)} of poetry.lock in {recipe.folder_text} (up to a minute)")
    exported = _export(recipe, tools, runner)
    runner = with_index(runner, tools)
    is_update = recipe.can_be_updated()
    recipe.made_from_file.unlink(missing_ok=True)
    if not is_update:
        _make_empty(recipe, tools, runner)
    _install(recipe, tools, exported, runner)
    recipe.environment.slice_file.write_text(exported, "utf-8")
    recipe.made_from_file.write_bytes(made_from)


def _groups_text(groups: Sequence[str]) -> str:
    *most, last = groups
    return f"groups {', '.join(most)} and {last}" if most else f"group {last}"


def _export(recipe: Recipe, tools: Tools, runner: Runner) -> str:
    """The groups of poetry.lock as a requirements file."""
    exported = recipe.root / ".shrinkwrap" / "slice"
    # Otherwise Poetry would read the settings of the user.
    runner = runner.adding({"POETRY_CONFIG_DIR": str(recipe.root / ".shrinkwrap")})
    directory = () if recipe.lock_folder == "." else ("--directory", recipe.lock.parent)
    export = ("export", "--without-urls", "--only", ",".join(recipe.groups), "--output", exported)
    if not runner.succeeds(*tools.poetry, *directory, *export):
        raise EnvMakeError(f"Poetry could not export {_groups_text(recipe.groups)} of poetry.lock (see above)")
    return exported.read_text("utf-8")


def _make_empty(recipe: Recipe, tools: Tools, runner: Runner) -> None:
    """Make an empty virtual environment in place of whatever the folder holds."""
    base = base_python(recipe.python, runner)
    by_venv = (base, "-m", "venv", "--clear", recipe.folder)
    by_uv = (tools.uv, "venv", "--quiet", "--clear", "--python", base, "--prompt", "shrinkwrap", recipe.folder)
    if not runner.succeeds(*(by_venv if recipe.with_pip else by_uv)):
        raise EnvMakeError(f"could not make {recipe.folder_text} (see above)")


def _install(recipe: Recipe, tools: Tools, exported: str, runner: Runner) -> None:
    """Install exactly the exported packages; ours last, because they are built with the locked build backend."""
    split = split_export(exported)
    own, built, locked = (recipe.folder / name for name in ("own", "built", "locked"))
    own.write_text("".join(f"-e {_own_line(package)}" for package in split.own if package.is_editable), "utf-8")
    built.write_text(
        "".join(_own_line(package) for package in split.own if not package.is_editable) + split.git, "utf-8"
    )
    locked.write_text(split.locked, "utf-8")
    into = ("--quiet", "--python", recipe.environment.python)
    exactly: list[str | Path] = ["--require-hashes", "--allow-empty-requirements", "--build-constraints", locked]
    editable = ("--no-deps", "--no-build-isolation", "--requirement", own)
    parts = slice_parts(locked.read_text("utf-8"), tomllib.loads(recipe.lock.read_text("utf-8")))
    is_installed = True
    if len(parts) > 1:
        is_installed = all(_install_part(recipe, tools, part, runner) for part in parts)
        # Nothing is left to download.
        exactly.append("--no-index")
    # Sync removes what is not locked, except pip where `venv` installed it.
    is_installed = is_installed and runner.succeeds(tools.uv, "pip", "sync", *into, *exactly, locked)
    if is_installed and built.stat().st_size > 0:
        # uv's cache knows a folder by its pyproject.toml, not by what else is in it.
        is_installed = runner.succeeds(
            tools.uv, "pip", "install", *into, "--no-cache", "--no-deps", "--requirement", built
        )
    if is_installed and own.stat().st_size > 0:
        is_installed = runner.succeeds(tools.uv, "pip", "install", *into, *editable)
    if not is_installed:
        raise EnvMakeError(f"could not install into {recipe.folder_text} (see above); run it again to continue")


def _own_line(package: OwnPackage) -> str:
    marker = f" ; {package.marker}" if package.marker else ""
    return f"file://{quote(package.path)}{marker}\n"


def _install_part(recipe: Recipe, tools: Tools, part: SlicePart, runner: Runner) -> bool:
    """Install the packages of one index from that index; those of another version are replaced."""
    file = recipe.folder / "part"
    file.write_text(part.requirements, "utf-8")
    if part.url:
        runner = runner.adding({"UV_DEFAULT_INDEX": authenticated_url(part.name, part.url)})
    options = ("--quiet", "--require-hashes", "--no-deps", "--python", recipe.environment.python)
    return runner.succeeds(tools.uv, "pip", "install", *options, "--requirement", file)

"""The tools that make an environment, Poetry and uv, and their installation in `.shrinkwrap/tools`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from env_make.errors import EnvMakeError
from env_make.lock import exclusive_lock
from env_make.processes import Runner
from env_make.python import base_python
from env_make.report import OnLine, print_line

REQUIREMENTS = "tools-requirements.txt"


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Where the tools are installed.

    Attributes:
        folder: A virtual environment of their own, `.shrinkwrap/tools`.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter that has Poetry."""
        return self.folder / "bin" / "python"

    @property
    def uv(self) -> Path:
        """The program uv."""
        return self.folder / "bin" / "uv"

    @property
    def poetry(self) -> list[str]:
        """The first words of a Poetry command."""
        # bin/poetry would not start if the path of the repository changed.
        return [str(self.python), "-m", "poetry"]


def make_tools(root: Path, *, on_line: OnLine = print_line) -> Tools:
    """Install uv and Poetry as tools-requirements.txt pins them, unless they are installed already.

    Raises:
        EnvMakeError: An installation failed.
    """
    root = root.resolve()
    try:
        with exclusive_lock(root / ".shrinkwrap" / "lock", on_line) as descriptor:
            return install_tools(Runner(folder=root, descriptors=(descriptor,)), on_line)
    except OSError as error:
        raise EnvMakeError(f"could not install Poetry and uv: {error}") from error


def install_tools(runner: Runner, on_line: OnLine) -> Tools:
    """The same for a caller that holds the lock; the folder of the runner is the root of the repository."""
    root = runner.folder
    tools = Tools(folder=root / ".shrinkwrap" / "tools")
    pinned = (root / REQUIREMENTS).read_bytes()
    made_from = tools.folder / "made-from"
    are_complete = os.access(tools.python, os.X_OK) and os.access(tools.uv, os.X_OK)
    if are_complete and made_from.is_file() and made_from.read_bytes() == pinned:
        return tools
    on_line("installing Poetry and uv in .shrinkwrap (about 10 s)")
    # pip, which is part of every Python, installs uv. uv installs the others, ten times faster than pip.
    uv_only = root / ".shrinkwrap" / "uv-requirements.txt"
    uv_only.write_text(_requirement(pinned.decode("utf-8"), "uv"), "utf-8")
    from_hashes = ("--quiet", "--require-hashes", "--requirement")
    # Some distributions set PIP_USER, which pip refuses inside a virtual environment.
    without_user = runner.adding({"PIP_USER": "0"})
    if not (
        runner.succeeds(base_python(None, runner), "-m", "venv", "--clear", tools.folder)
        and without_user.succeeds(tools.python, "-m", "pip", "install", *from_hashes, uv_only)
    ):
        raise EnvMakeError("could not install uv (see above)")
    indexed = with_index(runner, tools)
    if not indexed.succeeds(tools.uv, "pip", "install", "--python", tools.python, *from_hashes, REQUIREMENTS):
        raise EnvMakeError("could not install Poetry (see above)")
    made_from.write_bytes(pinned)
    return tools


def with_index(runner: Runner, tools: Tools) -> Runner:
    """The runner with variables that let uv use the package index of pip and the certificates of the machine.

    By default, uv reads neither the configuration files of pip nor the certificates of the operating system.
    """
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    index = index or runner.output(tools.python, "-m", "pip", "config", "get", "global.index-url")
    certificates = {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1")}
    return runner.adding({**certificates, **({"UV_DEFAULT_INDEX": index} if index else {})})


def _requirement(requirements: str, name: str) -> str:
    """The entry of one package in a requirements file: its line, and the continuation lines with its hashes."""
    lines = requirements.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next(number for number in range(start, len(lines)) if not lines[number].rstrip().endswith("\\"))
    return "".join(lines[start : end + 1])

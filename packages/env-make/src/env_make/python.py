"""The interpreter that an environment is made from."""

from __future__ import annotations

import sys

from env_make.errors import EnvMakeError
from env_make.processes import Runner

_OLDEST = (3, 11)
_QUESTION = "import sys; print(*sys.version_info[:2], sys._base_executable)"


def base_python(name: str | None, runner: Runner) -> str:
    """The path of an interpreter; for one inside a virtual environment, of the interpreter it was made from.

    Args:
        name: A path, or a name on PATH; None for the interpreter that runs this.
        runner: Starts the named interpreter.

    Raises:
        EnvMakeError: It does not start, or it is too old.
    """
    if name is None:
        return str(sys._base_executable)  # type: ignore[attr-defined]
    answer = runner.output(name, "-c", _QUESTION)
    if not answer:
        raise EnvMakeError(f"{name} does not start; name Python 3.11 or newer", exit_code=2)
    major, minor, path = answer.split(maxsplit=2)
    if (int(major), int(minor)) < _OLDEST:
        raise EnvMakeError(f"{name} is Python {major}.{minor}; name Python 3.11 or newer", exit_code=2)
    return path

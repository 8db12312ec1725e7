"""The program that `run` starts when its environment is missing or stale: `python -m env_make ROOT FOLDER GROUP…`.

With `--lock` as the first argument, it also locks again, if poetry.lock cannot be used.

This is a program of its own, and not a command of `shrinkwrap`, because it installs the package with the commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from env_make import EnvMakeError, make_environment
from env_make.report import print_line


def main(argv: Sequence[str]) -> int:
    """Make the environment; return the exit status."""
    may_lock = argv[0] == "--lock"
    root, folder, *groups = argv[may_lock:]
    python = os.environ.get("SHRINKWRAP_PYTHON") or None
    try:
        make_environment(Path(root), groups, Path(root) / folder, python=python, may_lock=may_lock, on_line=_print_line)
    except EnvMakeError as error:
        _print_line(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _print_line(line: str) -> None:
    print_line(f"run: {line}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

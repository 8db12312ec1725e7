"""The command line: `python -m notebook_run freeze|reproduce|capsules`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from env_spec import EnvSpecError
from image_build.errors import ImageBuildError
from notebook_run.capsule_commands import add_capsules, add_freeze, add_reproduce
from notebook_run.errors import InterruptedRunError, NotebookRunError


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed work, 2 wrong input, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m notebook_run")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_freeze(commands.add_parser("freeze", help="run a notebook and write its capsule"))
    add_reproduce(commands.add_parser("reproduce", help="run a capsule again and compare"))
    add_capsules(commands.add_parser("capsules", help="list capsules for CI"))
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.run(options))
    except (NotebookRunError, EnvSpecError, ImageBuildError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"error: {InterruptedRunError()}", file=sys.stderr)
        return 130


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

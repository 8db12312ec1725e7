"""The only module that starts processes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_share.errors import FailedError


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """What a program that ended left."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def message(self) -> str:
        """What the program printed to standard error."""
        return self.stderr.decode("utf-8", "replace").strip()


def run_command(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: bytes = b""
) -> CommandResult:
    """Run a command to its end; its standard input ends after `stdin`.

    Raises:
        FailedError: The program is not installed.
    """
    try:
        ended = subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise FailedError(f"the program '{command[0]}' is not installed") from error
    return CommandResult(exit_code=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)

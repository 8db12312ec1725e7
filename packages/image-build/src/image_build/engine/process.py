"""Starts processes: git, pip and the `docker` command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def output_of(command: Sequence[str], *, cwd: Path | None = None) -> str | None:
    """The standard output of a command; None if the program is missing or fails."""
    try:
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return result.stdout if result.returncode == 0 else None


def run_in_terminal(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run a command that uses this process's terminal; return its exit status.

    Raises:
        FileNotFoundError: The program is missing.
    """
    return subprocess.run(command, check=False, env={**os.environ, **environment}).returncode


class RunningCommand:
    """A command whose output is read line by line; `exit_status` is set when the block of `running` ends."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.exit_status: int | None = None


@contextmanager
def running(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Iterator[RunningCommand]:
    """Run a command for the duration of the block; an exception in the block terminates it.

    The lines contain both standard output and standard error.
    """
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        running_command = RunningCommand(iter(process.stdout or ()))
        try:
            yield running_command
        except BaseException:
            process.terminate()
            raise
    running_command.exit_status = process.returncode

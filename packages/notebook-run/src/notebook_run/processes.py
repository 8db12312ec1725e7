"""Processes: git and docker compose."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from notebook_run.errors import NotebookRunError

_COMPOSE_TIMEOUT_S: Final = 120
Process: TypeAlias = subprocess.Popen[bytes]


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """A process that ended."""

    exit_code: int
    stdout: str
    stderr: str


def run_command(command: Sequence[str], *, folder: Path) -> CommandResult:
    """Run a command in a folder and wait for its end.

    Raises:
        FileNotFoundError: The program does not exist.
    """
    done = subprocess.run(list(command), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return CommandResult(
        exit_code=done.returncode,
        stdout=done.stdout.decode("utf-8", "replace"),
        stderr=done.stderr.decode("utf-8", "replace").strip(),
    )


def start_process(
    command: Sequence[str], *, folder: Path, variables: Mapping[str, str], log: Path | None = None
) -> Process:
    """Start a command in a session of its own, so that Ctrl-C in the terminal does not reach it.

    Args:
        variables: All of its environment.
        log: The file for its output; None for pipes.
    """
    with log.open("wb") if log else contextlib.nullcontext(subprocess.PIPE) as output, signals_blocked():
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else output,
            start_new_session=True,
        )


def run_compose(project: str, *words: str) -> CommandResult:
    """Run `docker compose` for a compose project.

    Raises:
        NotebookRunError: Docker's command line is not installed.
    """
    command = ["docker", "compose", "--project-name", project, "--ansi", "never", "--progress", "quiet", *words]
    # A variable of the user would name another file or project.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    try:
        # Compose inherits the blocked signals: interrupted, it would leave half of a container.
        with signals_blocked():
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=variables, timeout=_COMPOSE_TIMEOUT_S
            )
    except OSError:
        raise no_compose() from None
    except subprocess.TimeoutExpired:
        return CommandResult(exit_code=1, stdout="", stderr=f"it did not end within {_COMPOSE_TIMEOUT_S} s")
    return CommandResult(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


def no_compose() -> NotebookRunError:
    """The error for a machine without docker compose v2."""
    return NotebookRunError(
        "`docker compose` does not work; it starts notebooks. Install the package docker-compose-plugin (Debian:"
        " docker-compose) in addition to Docker's command line."
    )


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Delay SIGINT and SIGTERM until the block ends: what it creates is then known and can be removed."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)

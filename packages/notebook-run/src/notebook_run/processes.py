"""Processes: git, DVC, and this repository's other packages as commands of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a process that ended said."""

    exit_code: int
    output: str
    problem: str


def answer(command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None) -> Answer:
    """Run a command in a folder to its end and take what it says.

    Raises:
        FileNotFoundError: There is no such program.
    """
    done = subprocess.run(
        list(command),
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Answer(
        exit_code=done.returncode,
        output=done.stdout.decode("utf-8", "replace"),
        problem=done.stderr.decode("utf-8", "replace").strip(),
    )


def told(module: str, *words: str, folder: Path, environment: Mapping[str, str] | None = None) -> Answer:
    """Run a module of this environment in a folder; its progress goes to our standard error, its output is taken."""
    with (
        # A file and not a pipe: nobody would read the pipe while the other one is read.
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        problem = []
        try:
            for line in process.stderr or ():
                problem.append(line.decode("utf-8", "replace"))
                sys.stderr.write(problem[-1])
                sys.stderr.flush()
            process.wait()
        except BaseException:
            process.terminate()
            raise
        output.seek(0)
        return Answer(
            exit_code=process.returncode,
            output=output.read().decode("utf-8", "replace"),
            problem="".join(problem).strip(),
        )

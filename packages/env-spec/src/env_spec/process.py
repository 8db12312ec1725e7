"""The one place where processes are started: git and Poetry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def started(command: list[str], *, root: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command in the project's folder; what it prints is kept."""
    return subprocess.run(command, cwd=root, input=stdin, capture_output=True, check=False)


def streamed(command: list[str], *, root: Path, environment: Mapping[str, str]) -> int:
    """Run a command in the project's folder; all it prints goes to standard error at once.

    Returns:
        Its exit status.
    """
    return subprocess.run(command, cwd=root, env=environment, stdout=sys.stderr, check=False).returncode

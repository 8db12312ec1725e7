"""Starts processes: git, Poetry and Python. No other module of the package does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run_captured(command: list[str], *, root: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command in the project's folder and capture its output."""
    return subprocess.run(command, cwd=root, input=stdin, capture_output=True, check=False)


def run_streamed(command: list[str], *, root: Path, environment: Mapping[str, str]) -> int:
    """Run a command in the project's folder; its output is copied to standard error immediately.

    Returns:
        Its exit status.
    """
    return subprocess.run(command, cwd=root, env=environment, stdout=sys.stderr, check=False).returncode

"""The one place that starts processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

# The front door finds this package by PYTHONPATH, which the tools must not inherit.
_REMOVED = frozenset({"PYTHONHOME", "PYTHONPATH"})
_STANDARD_ERROR = 2


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Runs commands in a folder.

    Attributes:
        folder: The working directory of each command.
        variables: Environment variables in addition to those of this process.
        descriptors: File descriptors that each command inherits.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()

    def adding(self, variables: Mapping[str, str]) -> Runner:
        """The same runner with more variables."""
        return replace(self, variables={**self.variables, **variables})

    def succeeds(self, *command: str | Path) -> bool:
        """Run a command with its output on standard error; return True if its exit status is 0."""
        # Standard output belongs to the command that the environment is made for, which may print JSON.
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=_STANDARD_ERROR,
            pass_fds=self.descriptors,
            check=False,
        )
        return done.returncode == 0

    def output(self, *command: str | Path) -> str:
        """Run a command and return its standard output, stripped; "" if it cannot be started."""
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return ""
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _REMOVED}
        return {**kept, **self.variables}

"""The Pulumi CLI as a process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shrinkwrap.pulumi_cli.errors import PulumiError

# The oldest CLI that the program was tested with.
OLDEST: Final = (3, 250, 0)
_INSTALL_CLI: Final = """\
  macOS:  brew install pulumi/tap/pulumi
  Linux:  curl -fsSL https://get.pulumi.com | sh     (then open a new terminal)
  Other systems, and downloads that you can verify: https://www.pulumi.com/docs/install/"""


@dataclass(frozen=True, kw_only=True)
class PulumiCli:
    """An installed Pulumi CLI, and the program it works on.

    Attributes:
        path: The executable.
        root: The root of the repository, whose folder `infra-pulumi` is the program.
    """

    path: str
    root: Path

    def run(self, *words: str, environment: Mapping[str, str]) -> int:
        """Run a command on the user's terminal and return its exit status.

        Raises:
            KeyboardInterrupt: The user pressed Ctrl-C, and Pulumi has ended.
        """
        # Pulumi writes to the same standard output, past Python's buffer.
        sys.stdout.flush()
        is_interrupted = False
        with subprocess.Popen(self._command(words), env=dict(environment)) as process:
            while process.returncode is None:
                try:
                    process.wait()
                except KeyboardInterrupt:
                    # Ctrl-C reaches Pulumi too, which then stops in order. Killing it, as `subprocess.run` does, would
                    # leave the stack locked.
                    is_interrupted = True
        if is_interrupted:
            raise KeyboardInterrupt
        return process.returncode

    def query(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that asks the user nothing, and capture its output."""
        return subprocess.run(
            self._command((*words, "--non-interactive")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _command(self, words: tuple[str, ...]) -> list[str]:
        return [self.path, *words, f"--cwd={self.root / 'infra-pulumi'}"]


def find_cli(root: Path, *, search_path: str) -> PulumiCli:
    """The Pulumi CLI on the search path.

    Args:
        root: The root of the repository.
        search_path: Folders as in the variable PATH.

    Raises:
        PulumiError: It is not installed, not a Pulumi CLI, or too old.
    """
    # `.venv` has a program of this name too, which runs the one that we look for (`wrapper`).
    own = Path(sys.executable).parent
    entries = [entry for entry in search_path.split(os.pathsep) if not entry or not is_same_folder(Path(entry), own)]
    path = shutil.which("pulumi", path=os.pathsep.join(entries))
    if path is None:
        raise PulumiError(
            "the Pulumi CLI is not on PATH. It is a separate program, not the Python package; fix: install it\n"
            + _INSTALL_CLI
        )
    version = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version.stdout.strip())
    if version.returncode != 0 or found is None:
        reason = (version.stderr or version.stdout).strip() or f"exit code {version.returncode}"
        raise PulumiError(f"{path} does not report its version ({reason}); fix: reinstall it\n{_INSTALL_CLI}")
    if tuple(int(part) for part in found.groups()) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise PulumiError(
            f"{path} is version {'.'.join(found.groups())}, but {oldest} or newer is required; fix: update it\n"
            + _INSTALL_CLI
        )
    return PulumiCli(path=path, root=root)


def is_same_folder(one: Path, other: Path) -> bool:
    """Whether two paths name one existing folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def failure_text(result: subprocess.CompletedProcess[str]) -> str:
    """Why a query failed, in Pulumi's own words."""
    return result.stderr.strip().removeprefix("error: ") or f"exit code {result.returncode}"

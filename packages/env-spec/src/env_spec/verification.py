"""Verifies that an environment has exactly the packages that its slice of the lock says, with all of their files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from env_spec.errors import EnvSpecError
from env_spec.image.drift import DamagedFile, Difference, Drift, drift, parse_installed
from env_spec.image.probe import PROBE
from env_spec.process import run_captured
from env_spec.project.files import read_slice


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result for one environment.

    Attributes:
        what: The environment, for messages: an image's name, or groups.
    """

    what: str
    drift: Drift

    @property
    def is_as_locked(self) -> bool:
        """Whether the environment has exactly the locked packages, and their files are as they were installed."""
        return not self.drift


def verify_environment(root: Path, groups: Sequence[str]) -> Verification:
    """Compare the running environment with the slice that groups need.

    Raises:
        EnvSpecError: No group is given, or the project's files have mistakes.
        UnknownNameError: Some groups are not declared.
    """
    names = [name.strip() for text in groups for name in text.split(",") if name.strip()]
    if not names:
        raise EnvSpecError("--group names no group; it needs a name, like --group ops")
    output = run_captured([sys.executable, "-c", PROBE, "files"], root=root).stdout.decode()
    return verify_installed(root, names, output, what=f"groups {', '.join(names)}", source=sys.executable)


def verify_installed(
    root: Path,
    groups: Iterable[str],
    probe_output: str,
    *,
    what: str,
    source: str,
    added: Iterable[Difference] = (),
    damaged: Iterable[DamagedFile] = (),
) -> Verification:
    """Compare what the probe printed with the slice that groups need.

    Args:
        source: Where the probe ran, for messages.
        added: Packages installed where the probe does not look (see `added_distributions`).
        damaged: Files that the probe cannot check (see `replaced_records`).

    Raises:
        InstalledError: The text is not the output of PROBE.
        EnvSpecError: The project's files have mistakes.
    """
    packages = read_slice(root, groups)
    installed = parse_installed(probe_output, source=source)
    return Verification(what=what, drift=drift(packages, installed, added=added, damaged=damaged))

"""Errors that are reported before any resource is created."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class InfraError(Exception):
    """Base of all errors caused by the settings of a stack."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in the settings, with its key path."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class SettingsError(InfraError):
    """All mistakes in the settings of a stack.

    Attributes:
        problems: The mistakes, in the order in which the settings are read.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"the settings of this stack have {count}; nothing was changed:{lines}")


# Worded like `terminal.unknown_name_text`, which this program cannot import: its environment has Pulumi and no package
# of this repository.
def unknown_name_text(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for an unknown name: the nearest known name, then all known names."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    return f"unknown {kind} '{name}'{hint} Known {kind}s: {', '.join(names) or 'none'}"

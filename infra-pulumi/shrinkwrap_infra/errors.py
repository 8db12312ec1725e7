"""What can be wrong before anything is made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class InfraError(Exception):
    """Base of all errors that a user of this program can cause."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with the settings, and the key path where."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class SettingsError(InfraError):
    """All that is wrong with the settings of a stack.

    Attributes:
        problems: in the order in which the settings are read.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"the settings of this stack have {count}; nothing was made:{lines}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, then all."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} There is: {', '.join(names) or 'none'}."

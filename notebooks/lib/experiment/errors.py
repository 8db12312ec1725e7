"""Errors of the package, for the user who runs a notebook."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


class ExperimentError(Exception):
    """Base of every error that this package raises on purpose."""


class UnknownNameError(ExperimentError):
    """A dataset or column that does not exist."""

    def __init__(self, kind: str, name: str, known: Sequence[str], *, where: str) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        super().__init__(
            f"unknown {kind} '{name}' in {where}.{nearest_text(name, known)}"
            f" Known {kind}s: {', '.join(known) or 'none'}."
        )


def nearest_text(name: str, known: Sequence[str]) -> str:
    """` Did you mean …?` with the nearest known name; empty if none is near."""
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""

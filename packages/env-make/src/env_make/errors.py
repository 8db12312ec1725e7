"""The error of this package."""

from __future__ import annotations


class EnvMakeError(Exception):
    """The environment cannot be made; the message names the cause and the fix.

    It does not derive from `terminal.ShrinkwrapError`, because this package runs before `terminal` is installed.

    Attributes:
        exit_code: 1 for an installation that failed, 2 for wrong input.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

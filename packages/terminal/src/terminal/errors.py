"""The base class of every error of the product, and its exit codes."""

from __future__ import annotations

from typing import ClassVar, Final

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_WRONG_INPUT: Final = 2
# 128 + SIGINT, as shells report it.
EXIT_INTERRUPTED: Final = 130


class ShrinkwrapError(Exception):
    """Errors caused by user input or by the environment; the message is complete and is shown without a traceback.

    Attributes:
        exit_code: 2 for wrong input, 1 for work that failed.
    """

    exit_code: ClassVar[int] = EXIT_WRONG_INPUT


class UnitError(ShrinkwrapError):
    """A size or a rate that cannot be parsed."""

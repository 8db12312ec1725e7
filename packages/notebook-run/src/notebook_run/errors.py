"""Errors of the package; a message names what was requested, where, what was found, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Final

from terminal import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WRONG_INPUT, ShrinkwrapError

_MOST_LISTED: Final = 12


class NotebookRunError(ShrinkwrapError):
    """Base class: work that failed."""

    exit_code = EXIT_FAILED


class NotebookInputError(NotebookRunError):
    """Wrong input: of the user, of pyproject.toml, or of another file of the project."""

    exit_code = EXIT_WRONG_INPUT


class MissingDataError(NotebookRunError):
    """A dataset, or parts of it, that a notebook reads and that is neither local nor could be pulled.

    Attributes:
        missing: As `data.pull --dataset` selects them.
    """

    def __init__(self, notebook: str, missing: Sequence[str], *, reason: str = "") -> None:
        self.missing = tuple(missing)
        super().__init__(
            f"{notebook} reads {', '.join(missing)}, which is missing locally.{f' {reason}' if reason else ''}"
            " If the DVC remote has it, `invoke data.pull` downloads it; `invoke data.compress` creates it from raw"
            " files (sample files: `invoke data.sample`)."
        )


class WithoutDockerError(NotebookRunError):
    """No Docker Engine answers; the message offers the local place."""

    def __init__(self, problem: str, *, has_default: bool) -> None:
        default = ', or set `default = "local"` in [tool.env-spec.notebook] of pyproject.toml' if has_default else ""
        super().__init__(
            f"{problem}\nOr work without Docker, in an environment with the same packages: add --local{default}."
        )


class NotWrittenError(NotebookRunError):
    """A file of this package that could not be written; the previous version is unchanged."""

    def __init__(self, path: str, problem: OSError) -> None:
        is_full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = " Free some space (`docker system df`, `du -sh .dvc/cache`) and run it again." if is_full else ""
        super().__init__(f"{path} could not be written: {problem.strerror}. Its previous version is unchanged.{advice}")


class InterruptedRunError(NotebookRunError):
    """Ctrl-C, SIGTERM, or a closed terminal; the message says what was done before, if that is known."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "interrupted. No container was left running.")


def indented(lines: Sequence[str], *, most: int = _MOST_LISTED) -> list[str]:
    """Lines of a message, indented; the number of those that are left out comes last."""
    more = [f"  and {len(lines) - most} more"] if len(lines) > most else []
    return [*(f"  {line}".rstrip() for line in lines[:most]), *more]

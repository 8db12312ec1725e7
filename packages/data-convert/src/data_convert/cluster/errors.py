"""Failures of a cluster, and the errors of other processes as values."""

from __future__ import annotations

from dataclasses import dataclass

from data_convert.errors import DataConvertError, FailedWorkError
from terminal import EXIT_FAILED, ShrinkwrapError


class ClusterError(FailedWorkError):
    """The cluster cannot do the work. Finished parts stay."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error of another process. Exceptions with arguments of their own cannot be sent.

    Attributes:
        text: Its message.
        exit_code: Its exit code.
    """

    text: str
    exit_code: int

    @classmethod
    def of(cls, error: ShrinkwrapError) -> Failure:
        """The error as a value."""
        return cls(text=str(error), exit_code=error.exit_code)

    def error(self) -> DataConvertError:
        """An error with this message and exit code."""
        return FailedWorkError(self.text) if self.exit_code == EXIT_FAILED else DataConvertError(self.text)

"""Errors of running Pulumi."""

from __future__ import annotations

from typing import ClassVar

from terminal import EXIT_FAILED, ShrinkwrapError


class PulumiError(ShrinkwrapError):
    """Something that a run needs is missing or wrong; the message includes the fix."""


class PulumiFailedError(PulumiError):
    """Work was started and failed."""

    exit_code: ClassVar[int] = EXIT_FAILED

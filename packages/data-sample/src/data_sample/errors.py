"""The errors of this package."""

from __future__ import annotations

from terminal import EXIT_FAILED, ShrinkwrapError


class DataSampleError(ShrinkwrapError):
    """No sample can be written. By default, because of wrong input."""


class FolderError(DataSampleError):
    """The folder of a dataset holds other files, or cannot be written to."""

    exit_code = EXIT_FAILED

"""The error of the package."""

from __future__ import annotations

from terminal import ShrinkwrapError


class DatasetSpecError(ShrinkwrapError):
    """`data/datasets.toml` cannot be read, or does not have a dataset that the user named."""

"""What the notebooks share: reading datasets, placing results, drawing in one style."""

from __future__ import annotations

from experiment.data import load, out
from experiment.errors import ExperimentError

__all__ = ["ExperimentError", "load", "out"]

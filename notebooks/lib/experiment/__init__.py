"""What the notebooks share: reading datasets, placing results, drawing in one style."""

from __future__ import annotations

from experiment import style
from experiment.clock import wall_clock
from experiment.data import load, out
from experiment.errors import ExperimentError
from experiment.workdays import is_workday

__all__ = ["ExperimentError", "is_workday", "load", "out", "style", "wall_clock"]

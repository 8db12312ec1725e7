"""Code that the notebooks share: it loads datasets, places results, and sets the style of figures."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from experiment.clock import wall_clock
from experiment.data import load
from experiment.errors import ExperimentError
from experiment.metrics import metric
from experiment.places import out
from experiment.workdays import is_workday

if TYPE_CHECKING:
    from experiment import style

__all__ = ["ExperimentError", "is_workday", "load", "metric", "out", "style", "wall_clock"]

# matplotlib logs "building the font cache" only if that takes over five seconds; in a cell's output, the message would
# make two runs differ. Import this package before matplotlib.pyplot, which searches the fonts.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def __getattr__(name: str) -> Any:
    # `style` needs matplotlib, which scripts that only load data may not have.
    if name == "style":
        return import_module("experiment.style")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

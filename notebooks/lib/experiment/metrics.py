"""The numbers of note of a notebook, which git and DVC compare between runs."""

from __future__ import annotations

import json
import math
import os
import tempfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from experiment.errors import ExperimentError
from experiment.places import results_folder

FILE = "metrics.json"


def metric(name: str, value: Any) -> None:
    """Record a number of note: `invoke run --compare` and `dvc metrics diff` show how it changes.

    It is written to metrics.json in the folder of the results. A later value of the same name replaces it.

    Args:
        name: Such as `mae`, or `jam/mae` to group numbers.
        value: A finite number; NumPy's and pandas' scalars are numbers.

    Raises:
        ExperimentError: The name or the value cannot be recorded, or metrics.json is not a JSON object.
    """
    path = results_folder() / FILE
    metrics = _recorded(path)
    _put(metrics, name, _number(name, value))
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, json.dumps(metrics, sort_keys=True, indent=2, ensure_ascii=False) + "\n")


def _number(name: str, value: Any) -> int | float:
    # A scalar, also one in an array without dimensions.
    plain = value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value
    if isinstance(plain, bool) or not isinstance(plain, int | float | Decimal | Fraction):
        raise ExperimentError(
            f"metric '{name}' needs a number, not {value!r} ({type(value).__name__}); if it stands for one, use int()"
            " or float()"
        )
    number = plain if isinstance(plain, int) else float(plain)
    if not math.isfinite(number):
        raise ExperimentError(f"metric '{name}' needs a finite number, not {value!r}: no two of them can be compared")
    return number


def _put(metrics: dict[str, Any], name: Any, number: float) -> None:
    parts = name.split("/") if isinstance(name, str) else []
    if not parts or not all(part and part == part.strip() and part.isprintable() for part in parts):
        raise ExperimentError(f"{name!r} is not a name for a metric: use one such as 'mae', or 'jam/mae' for a group")
    *groups, last = parts
    place = metrics
    for depth, group in enumerate(groups, 1):
        place = place.setdefault(group, {})
        if not isinstance(place, dict):
            raise _clash(name, "/".join(parts[:depth]), "a number")
    if isinstance(place.get(last), dict):
        raise _clash(name, name, "a group of numbers")
    place[last] = number


def _clash(name: str, other: str, what: str) -> ExperimentError:
    return ExperimentError(f"metric '{name}': '{other}' is already {what} of this run; use another name")


def _recorded(path: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ExperimentError(f"{path} is not JSON: {error}. Remove it, and run the notebook again.") from None
    if not isinstance(metrics, dict):
        raise ExperimentError(f"{path} is not a JSON object. Remove it, and run the notebook again.")
    return metrics


def _write(path: Path, text: str) -> None:
    """Write the file completely or not at all."""
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        # mkstemp lets only the owner read.
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise

"""The columns that a notebook's table declares, which are all that it may read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from experiment.errors import ExperimentError
from experiment.places import notebook_name


def requested_columns(dataset: str, columns: Sequence[str] | None) -> list[str] | None:
    """The columns to load: the requested ones, or all that are declared; None for all of the dataset.

    Raises:
        ExperimentError: A requested column is not declared.
    """
    if columns is None:
        return _declared(dataset)
    check_declared(dataset, columns)
    return list(columns)


def check_declared(dataset: str, columns: Iterable[str]) -> None:
    """Check that the notebook may read these columns.

    Raises:
        ExperimentError: It declares others.
    """
    declared = _declared(dataset)
    refused = [] if declared is None else [column for column in columns if column not in declared]
    if refused:
        names = ", ".join(f"'{column}'" for column in refused)
        noun, verb = ("column", "is") if len(refused) == 1 else ("columns", "are")
        raise ExperimentError(
            f"{noun} {names} of dataset '{dataset}' {verb} not declared for this notebook. Add {names} to `columns` of"
            f" the dataset '{dataset}' in [tool.env-spec.notebooks.{notebook_name() or 'NAME'}] of pyproject.toml,"
            f" and start or run the notebook again. Declared: {', '.join(declared or ())}."
        )


def _declared(dataset: str) -> list[str] | None:
    text = os.environ.get("SHRINKWRAP_COLUMNS")
    if not text:
        return None
    try:
        columns = json.loads(text).get(dataset)
    except (ValueError, AttributeError):
        raise ExperimentError(
            f"SHRINKWRAP_COLUMNS must be a JSON object of lists of columns by dataset, not {text[:80]!r}"
        ) from None
    return None if columns is None else [str(column) for column in columns]

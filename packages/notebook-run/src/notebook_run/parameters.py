"""Parameters as a command line gives them: `key=value`, of the type that the notebook's table declares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from env_spec import NotebookSpec
from notebook_run.errors import ParameterError, nearest

Scalar = str | int | float | bool
_BOOLEANS = {"true": True, "false": False}
_NOUNS = {bool: "true or false", int: "a whole number", float: "a number"}


def parameters(notebook: NotebookSpec, given: Iterable[str]) -> dict[str, Scalar]:
    """The declared values, with those given in their place.

    Raises:
        ParameterError: A name that is not declared, or a value of another type.
    """
    return {**notebook.parameters, **dict(_parsed(notebook.name, notebook.parameters, text) for text in given)}


def _parsed(notebook: str, declared: Mapping[str, Scalar], text: str) -> tuple[str, Scalar]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ParameterError(notebook, f"'{text}' is not a parameter; write key=value")
    if name not in declared:
        known = ", ".join(declared) or "none"
        raise ParameterError(notebook, f"no parameter '{name}'{nearest(name, declared)} (there is {known})")
    kind = type(declared[name])
    try:
        parsed = _BOOLEANS[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        parsed = None
    # `nan` and `inf` are numbers to Python, and names that a cell does not know.
    if parsed is None or (isinstance(parsed, float) and not math.isfinite(parsed)):
        raise ParameterError(notebook, f"parameter '{name}' must be {_NOUNS[kind]}, not '{value}'")
    return name, parsed

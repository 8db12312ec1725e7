"""Parameters on the command line: `key=value`, of the type that the notebook's table declares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from env_spec import NotebookSpec
from notebook_run.errors import NotebookInputError
from terminal import unknown_name_text

Parameter: TypeAlias = str | int | float | bool
_BOOLEANS: Final = {"true": True, "false": False}
_NOUNS: Final = {bool: "true or false", int: "a whole number", float: "a number"}


def parse_parameters(notebook: NotebookSpec, texts: Iterable[str]) -> dict[str, Parameter]:
    """The declared values, replaced by those in the texts.

    Raises:
        NotebookInputError: A name is not declared, or a value has another type.
    """
    return {**notebook.parameters, **dict(_parsed(notebook.name, notebook.parameters, text) for text in texts)}


def _parsed(notebook: str, declared: Mapping[str, Parameter], text: str) -> tuple[str, Parameter]:
    name, separator, value = text.partition("=")
    if not separator:
        raise NotebookInputError(f"{notebook}: '{text}' is not a parameter; write key=value")
    if name not in declared:
        raise NotebookInputError(f"{notebook}: {unknown_name_text('parameter', name, declared)}")
    kind = type(declared[name])
    try:
        parsed = _BOOLEANS[value] if kind is bool else kind(value)
    except (KeyError, ValueError):
        parsed = None
    # Python parses `nan` and `inf` as numbers, but in a cell these are undefined names.
    if parsed is None or (isinstance(parsed, float) and not math.isfinite(parsed)):
        raise NotebookInputError(f"{notebook}: parameter '{name}' must be {_NOUNS[kind]}, not '{value}'")
    return name, parsed

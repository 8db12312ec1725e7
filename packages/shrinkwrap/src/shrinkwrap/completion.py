"""Completes names of datasets, images and notebooks, in addition to the commands and flags that Invoke completes."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invoke import Collection
from invoke.exceptions import ParseError
from invoke.parser import Parser, ParserContext

from shrinkwrap.command import Command, Completion, Parameter
from shrinkwrap.root import find_root
from terminal import ShrinkwrapError

_DATASETS = ("data/datasets.toml", ("datasets",))
_NOTEBOOKS = ("pyproject.toml", ("tool", "env-spec", "notebooks"))
_TABLES: Mapping[Completion, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "dataset": (_DATASETS,),
    "image": (("pyproject.toml", ("tool", "env-spec", "images")),),
    "notebook": (_NOTEBOOKS,),
    "notebook or dataset": (_NOTEBOOKS, _DATASETS),
}


def value_candidates(line: str, parser: Parser, collection: Collection) -> list[str] | None:
    """Names that can stand at the end of a command line; None if a name of the project does not belong there.

    Args:
        line: What the user has typed after the program's name, up to the cursor.
    """
    try:
        tokens = shlex.split(line)
    except ValueError:
        return []
    context = _last_command(tokens, parser)
    task = collection[context.name] if context is not None and context.name else None
    if context is None or not isinstance(task, Command):
        return None
    parameter = _current_parameter(tokens, context, task)
    if parameter is None:
        return None
    return project_names(parameter.option.complete) if parameter.option.complete else []


def project_names(kind: Completion) -> list[str]:
    """Names that the project declares; none if its file cannot be read, because completion must not fail."""
    try:
        return sorted({name for file, keys in _TABLES[kind] for name in _table(find_root() / file, keys)})
    except (OSError, ValueError, ShrinkwrapError):
        return []


def _table(path: Path, keys: tuple[str, ...]) -> Mapping[str, Any]:
    table: Any = tomllib.loads(path.read_text("utf-8"))
    for key in keys:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    return table if isinstance(table, dict) else {}


def _last_command(tokens: list[str], parser: Parser) -> ParserContext | None:
    try:
        contexts = parser.parse_argv(tokens)
    except ParseError as error:
        # An unfinished line: the error carries the command that was being parsed.
        return error.context
    return contexts[-1] if contexts else None


def _current_parameter(tokens: list[str], context: ParserContext, task: Command) -> Parameter | None:
    by_flag = {parameter.flag: parameter for parameter in task.parameters if parameter.kind is not bool}
    for token in tokens[-2:]:
        if token in by_flag and not by_flag[token].is_positional:
            return by_flag[token]
    positional = [parameter for parameter in task.parameters if parameter.is_positional]
    if positional and (context.missing_positional_args or (tokens[-2:-1] == [context.name] and len(tokens) > 1)):
        return positional[-len(context.missing_positional_args) or -1]
    return None

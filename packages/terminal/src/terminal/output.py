"""Standard output for results, standard error for everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

# What fits a terminal of the default size, and what a file or a pipe gets.
_WIDTH: Final = 80


def show(*things: RenderableType) -> None:
    """Print texts and tables to standard output, with colour and the terminal's width if that is a terminal."""
    if all(isinstance(thing, str) for thing in things):
        print(*things, sep="\n", flush=True)
        return
    if not sys.stdout.isatty():
        print(*(thing if isinstance(thing, str) else render(thing) for thing in things), sep="\n", flush=True)
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    for thing in things:
        console.print(thing, soft_wrap=isinstance(thing, str))
    sys.stdout.flush()


def render(thing: RenderableType, *, width: int = _WIDTH) -> str:
    """The plain text of a table, as it is printed to a file, without trailing spaces."""
    import io

    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=width, markup=False, highlight=False, color_system=None).print(thing)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def warn(text: str) -> None:
    """Print a warning to standard error."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """Print a remark on the course of the work to standard error."""
    print(text, file=sys.stderr, flush=True)


def json_text(document: object, *, indent: int | None = 2) -> str:
    """A document as JSON, keys in the order given and text not escaped; `indent=None` writes one line.

    Dataclasses become objects, sets sorted lists, paths and enumerations text.
    """
    return json.dumps(_plain(document), indent=indent, ensure_ascii=False)


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, PurePath):
        return str(value)
    return value

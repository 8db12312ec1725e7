"""Reads a script (.py) as a notebook: its `# %%` blocks are the cells."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

SUFFIX: Final = ".py"
# The percent format of Spyder, VS Code and Jupytext: a title, a type in brackets, metadata such as tags=["volatile"].
_MARKER: Final = re.compile(r"#\s?%%(?!%)(?P<rest>.*)")
_TYPE: Final = re.compile(r"\[(markdown|md|raw|code)\]")
_METADATA: Final = re.compile(r'\b(?P<key>\w+)=(?P<value>"[^"]*"|\[[^\]]*\]|[\w.-]+)')
_TYPES: Final = {"md": "markdown", "markdown": "markdown", "raw": "raw", "code": "code"}


@dataclass(frozen=True, kw_only=True)
class ScriptCell:
    """One block of a script.

    Attributes:
        id: From its title, or its number; unique in the script.
        kind: code, markdown or raw.
        source: Without the marker, and for text without the signs of a comment.
    """

    id: str
    kind: str
    source: str
    tags: tuple[str, ...] = ()


def cells_of_script(text: str) -> tuple[ScriptCell, ...]:
    """The cells of a script, which is one cell if it has no marker.

    A marker inside of a statement or of a text is part of it, so the cells run exactly what the script does.
    """
    # The lines that Python sees: str.splitlines() also splits at other characters.
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    inner = _inner_lines("\n".join(lines))
    starts = [number for number, line in enumerate(lines) if _MARKER.match(line) and number + 1 not in inner]
    cells: list[ScriptCell] = []
    head = lines[: starts[0]] if starts else lines
    if not starts or any(line.strip() for line in head):
        cells.append(ScriptCell(id="start", kind="code", source=_trimmed(head)))
    for start, end in pairwise([*starts, len(lines)]):
        taken = {cell.id for cell in cells}
        cells.append(_cell(lines[start], lines[start + 1 : end], number=len(cells) + 1, taken=taken))
    return tuple(cells)


def document(path: str, text: str) -> dict[str, Any]:
    """The JSON of a notebook or of a script, as nbformat describes it.

    Raises:
        ValueError: A notebook is not JSON.
    """
    if not path.endswith(SUFFIX):
        read: dict[str, Any] = json.loads(text)
        return read
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [_cell_document(cell) for cell in cells_of_script(text)],
    }


def _cell_document(cell: ScriptCell) -> dict[str, Any]:
    metadata = {"tags": list(cell.tags)} if cell.tags else {}
    facts = {"cell_type": cell.kind, "id": cell.id, "metadata": metadata, "source": cell.source}
    return {**facts, "outputs": [], "execution_count": None} if cell.kind == "code" else facts


def _cell(marker: str, lines: Sequence[str], *, number: int, taken: set[str]) -> ScriptCell:
    found = _MARKER.match(marker)
    rest = found["rest"] if found else ""
    kind = _TYPES[match[1]] if (match := _TYPE.search(rest)) else "code"
    metadata = {match["key"]: match["value"] for match in _METADATA.finditer(rest)}
    title = _METADATA.sub("", _TYPE.sub("", rest))
    return ScriptCell(
        id=_id(title, number, taken),
        kind=kind,
        source=_trimmed(lines if kind == "code" else _uncommented(lines)),
        tags=_tags(metadata.get("tags", "[]")),
    )


def _tags(value: str) -> tuple[str, ...]:
    try:
        tags = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _id(title: str, number: int, taken: set[str]) -> str:
    """A title as nbformat allows it in an id."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50].strip("-") or f"cell-{number}"
    return slug if slug not in taken else f"{slug}-{number}"


def _uncommented(lines: Sequence[str]) -> list[str]:
    """Text in comments or, as Jupytext also writes it, between triple quotes."""
    body = "\n".join(lines).strip()
    if match := re.fullmatch(r'r?("""|\'\'\')\n?(.*?)\n?\1', body, flags=re.DOTALL):
        return match[2].splitlines()
    return [re.sub(r"^#\s?", "", line) for line in lines]


def _trimmed(lines: Sequence[str]) -> str:
    """The lines without empty ones at both ends."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", "\n".join(lines)).rstrip()


def _inner_lines(text: str) -> frozenset[int]:
    """The numbers of the lines that continue a statement at the top level; none if it is not plain Python."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        # Such as a magic of IPython; then a marker always begins a cell.
        return frozenset()
    return frozenset(line for node in body for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))

"""Writes the key `effort` of datasets into datasets.toml; the rest of that file does not change."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from data_convert.errors import TableError
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.replaced_file import replace_text
from data_convert.spec.spec_file import parse_specs, select_specs
from dataset_spec import DATASETS_FILE

EffortName: TypeAlias = Literal["fast", "balanced", "max"]


def set_effort(root: Path, names: Sequence[str] | None, effort: EffortName) -> list[str]:
    """Set the effort of the named datasets, or of all, and return the names of those that had another one.

    DVC records the table of a dataset as a parameter, so parts that were converted with another effort are stale.
    The file is replaced atomically.

    Args:
        root: The project.

    Raises:
        ShrinkwrapError: A name is unknown, or the file is wrong or cannot be changed.
    """
    path = root / DATASETS_FILE
    text = path.read_text(encoding="utf-8")
    before = parse_specs(tomllib.loads(text), path=path)
    changed = [spec.name for spec in select_specs(before, names) if spec.effort != effort]
    for name in changed:
        text = _with_effort(text, name, effort)
    expected = {name: replace(spec, effort=effort) if name in changed else spec for name, spec in before.items()}
    if _specs_of(text, path) != expected:
        raise TableError(f'{path}: cannot set the effort of {", ".join(changed)}. Write `effort = "{effort}"` there.')
    if changed:
        replace_text(path, text)
    return changed


def _with_effort(text: str, name: str, effort: str) -> str:
    """The text with the key below the heading of the table, or with another value of the existing key."""
    heading = re.compile(rf'^[ \t]*\[[ \t]*datasets[ \t]*\.[ \t]*"?{re.escape(name)}"?[ \t]*\][^\n]*\n', re.MULTILINE)
    match = heading.search(text)
    if match is None:
        return text
    following = re.compile(r"^[ \t]*\[[ \t]*datasets\b", re.MULTILINE).search(text, match.end())
    end = following.start() if following else len(text)
    body, count = re.subn(
        r"^([ \t]*effort[ \t]*=[ \t]*)(\"\w*\"|'\w*')", rf'\g<1>"{effort}"', text[match.end() : end], flags=re.MULTILINE
    )
    return text[: match.end()] + ("" if count else f'effort = "{effort}"\n') + body + text[end:]


def _specs_of(text: str, path: Path) -> dict[str, DatasetSpec] | None:
    try:
        return parse_specs(tomllib.loads(text), path=path)
    except tomllib.TOMLDecodeError:
        return None

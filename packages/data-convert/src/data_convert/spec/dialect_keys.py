"""Parses the table `dialect` of a dataset, and checks that its keys agree with each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_convert.spec.dataset_spec import Dialect
from data_convert.spec.key_checks import DIALECT_KEYS, MistakeList


def parsed_dialect(key: str, table: Mapping[str, Any], mistakes: MistakeList) -> Dialect:
    """The dialect that `table` declares; mistakes are added to the list."""
    good = mistakes.checked(key, table, DIALECT_KEYS)
    # An empty text switches a character off.
    good.update({name: good[name] or None for name in ("quote", "escape", "comment") if name in good})
    if isinstance(good.get("skip_lines"), str):
        good["skip_to"] = good.pop("skip_lines").removeprefix("to-")
    dialect = Dialect(**good)
    for name, problem in _conflicts(dialect):
        mistakes.add(f"{key}.{name}", problem)
    return dialect


def _conflicts(dialect: Dialect) -> list[tuple[str, str]]:
    conflicts = []
    for name, character in (("quote", dialect.quote), ("escape", dialect.escape)):
        if character is not None and character in dialect.delimiter:
            conflicts.append((name, f"is also the delimiter: {character!r}"))
    if dialect.escape is not None and dialect.escape == dialect.quote:
        conflicts.append(("escape", "is also the quote; a quote is doubled inside of a cell without any escape"))
    if dialect.comment is not None and dialect.comment[0] in (dialect.delimiter[0], dialect.quote, dialect.escape):
        conflicts.append(("comment", f"starts like a row: {dialect.comment!r}"))
    if dialect.skip_blanks and dialect.delimiter.startswith(" "):
        # The space before the delimiter of an empty cell would be skipped, and the delimiter would be none.
        conflicts.append(
            ("skip_blanks", f"makes no sense where the delimiter starts with a space: {dialect.delimiter!r}")
        )
    if not dialect.header:
        if dialect.skip_to == "header":
            conflicts.append(("skip_lines", "is 'to-header', but the files have no header; use 'to-row'"))
        if dialect.rows_after_header or dialect.skip_repeated_header:
            name = "rows_after_header" if dialect.rows_after_header else "skip_repeated_header"
            conflicts.append((name, "makes no sense where the files have no header"))
    elif dialect.skip_to == "row":
        conflicts.append(("skip_lines", "is 'to-row', but the files have a header; use 'to-header'"))
    return conflicts

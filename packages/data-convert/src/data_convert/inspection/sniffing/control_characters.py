"""Why a text with many control characters is no table, and what to do."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import Final

# Some control characters are delimiters.
_USUAL: Final = frozenset("\t\n\r\f\v\x01\x14\x1e\x1f")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NUL: Final = "\0"


def control_problem(text: str, *, source: str) -> str | None:
    """The problem of the text that a file starts with; None if it has hardly any control character.

    Args:
        source: Path of the file, for a command that repairs it.
    """
    found = {sign: count for sign, count in Counter(text).items() if sign < " " and sign not in _USUAL}
    if sum(found.values()) <= 2 + len(text) * 0.01:
        return None
    if set(found) != {_NUL}:
        return "this is not text: it holds control characters. Is it a binary file?"
    written = text.rstrip(_NUL)
    if not written.strip("\0\r\n"):
        return "the file has zero bytes only, so it was not written completely. Get it again."
    if _NUL not in written:
        lines = len(_LINE_END.split(written.rstrip("\r\n")))
        return (
            f"zero bytes follow line {lines:,}, so the file was not written completely. Get it again, or remove them:"
            f" {_repair(source)}"
        )
    line = len(_LINE_END.findall(text[: text.index(_NUL)])) + 1
    return (
        f"line {line:,} is the first with zero bytes (NUL), which text does not have; the file is not UTF-16 either. If"
        f" they fill up cells, remove them: {_repair(source)}"
    )


def _repair(source: str) -> str:
    name = PurePath(source).name
    return f"tr -d '\\000' < {name} > new-{name}"

"""Finds where the table of a source starts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from data_convert.errors import SourceError

LINE_END: Final = re.compile(rb"\r\n|\r|\n")

PREAMBLE_LIMIT_BYTES: Final = 32 << 20
"""More text before a table is no preamble, and would be kept in memory."""

EMPTY_FILE: Final = "the file is empty. Get it again, or remove it."
BLANK_FILE: Final = "the file has only blank lines. Get it again, or remove it."


def empty_text(text: bytes) -> str:
    """The problem of a file whose text has neither a header nor a row."""
    return BLANK_FILE if text else EMPTY_FILE


@dataclass(frozen=True, kw_only=True)
class Preamble:
    """The lines before a table.

    Attributes:
        text: Their text.
        lines: How many they are.
        rest: The first text behind them.
    """

    text: bytes
    lines: int
    rest: bytes


def skipped_lines(read: Callable[[int], bytes], lines: int, *, size: int, source: str) -> Preamble:
    """Divide the text that `read(size)` returns behind that many physical lines, or at its end.

    Raises:
        SourceError: The lines have more than PREAMBLE_LIMIT_BYTES.
    """
    text, end = read(size), 0
    for line in range(lines):
        # A CR that ends the text may be half of a CRLF.
        while (match := LINE_END.search(text, end)) is None or match.end() == len(text):
            if end > PREAMBLE_LIMIT_BYTES or len(text) - end > PREAMBLE_LIMIT_BYTES:
                raise SourceError(
                    source,
                    f"the lines before the table (`dialect.skip_lines = {lines}`) have more than"
                    f" {PREAMBLE_LIMIT_BYTES >> 20} MiB. Fix that number; the file may also be no table of text.",
                )
            more = read(size)
            if not more:
                break
            text += more
        if match is None:
            return Preamble(text=text, lines=line + (end < len(text)), rest=b"")
        end = match.end()
    return Preamble(text=text[:end], lines=lines, rest=text[end:])

"""What kind of value a text looks like. It is a rough look, which separates names from values; conversion is strict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final

_NUMBER: Final = re.compile(
    r"""
    \s*[-+(]?[$€£]?\s?
    ([0-9]+([.,\ '\u00a0\u202f][0-9]{3})*([.,][0-9]+)?[.,]?|[.,][0-9]+)([eE][-+]?[0-9]+)?
    \s*[%€$]?\)?
    """,
    re.ASCII | re.VERBOSE,
)
_MOMENT: Final = re.compile(
    r"""
    \s*
    (
      [0-9]{1,4}(?P<mark>[-/.])[0-9]{1,2}(?P=mark)[0-9]{1,4}
      | [0-9]{4}-[0-9]{2}
      | [0-9]{1,2}[-\ ]?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[-\ ,]{0,2}([0-9]{4}|[0-9]{2})?
    )?
    ([T\ ,]{0,2}[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(\ ?[AaPp][Mm])?)?
    (\ ?(Z|UTC|GMT|[-+][0-9]{2}:?[0-9]{2}))?
    \s*
    """,
    re.ASCII | re.VERBOSE,
)
_WORD: Final = re.compile(r"[^\W_]([\w .:/&@#%()+*'’\"!?=<>-]|,(?! ?\Z)){0,79}")

NO_VALUE: Final = frozenset(
    {"", "NA", "N/A", "n/a", "NULL", "null", "None", "none", "NaN", "nan", "-", "--", ".", "?", "\\N", "#N/A"}
)
"""Texts that often stand for a missing value, after blanks around them are removed."""


class Kind(StrEnum):
    """What a text looks like."""

    MISSING = "no value"
    NUMBER = "number"
    MOMENT = "date or time"
    WORD = "other text"


@lru_cache(maxsize=1 << 16)
def kind(cell: str) -> Kind:
    """The kind of a cell."""
    text = cell.strip()
    if text in NO_VALUE:
        return Kind.MISSING
    if len(text) > 40:
        return Kind.WORD
    if _NUMBER.fullmatch(text):
        return Kind.NUMBER
    return Kind.MOMENT if _MOMENT.fullmatch(text) else Kind.WORD


def is_value(cell: str) -> bool:
    """Whether the cell looks like a number or a moment."""
    return kind(cell) in (Kind.NUMBER, Kind.MOMENT)


def usual_kind(cells: Iterable[str]) -> Kind | None:
    """The kind of more than 80 % of the cells that have a value; None if there is no such kind, or no value."""
    counts = dict.fromkeys(Kind, 0)
    for cell, number in Counter(cells).items():
        counts[kind(cell)] += number
    present = sum(counts.values()) - counts[Kind.MISSING]
    for found in (Kind.NUMBER, Kind.MOMENT, Kind.WORD):
        if present and counts[found] > present * 0.8:
            return found
    return None


def likelihood(cell: str) -> float:
    """How typical the text is as the content of one cell, 0 to 1.

    After van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns" (2019).
    """
    if kind(cell) is not Kind.WORD:
        return 1.0
    text = cell.strip(" ")
    if _WORD.fullmatch(text):
        return 0.9
    if text[:1] in "\"'" or text[-1:] in ("'", '"', ",") or any(sign in text for sign in ";|\t"):
        return 0.1
    return 0.6

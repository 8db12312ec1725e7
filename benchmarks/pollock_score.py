"""The score of the Pollock benchmark of CSV loading (Vitagliano et al., VLDB 2023, doi 10.14778/3594512.3594518).

A loaded table is compared with the table of the clean file in ten values between 0 and 1: success, and precision,
recall and F1 of header, records and cells. Header and records compare cells in one form per kind of value; cells
compare raw texts. The published program is HPI-Information-Systems/Pollock; here money is recognised by its sign only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from functools import lru_cache
from typing import Final

from dateutil import parser as date_parser

Table = Sequence[Sequence[str]]
"""Rows of texts; the first row is the header."""

BEST: Final = 10.0

_MONEY: Final = re.compile(r"([$€£¥])\s*([0-9][0-9,]*(?:\.[0-9]+)?)")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
# A date that does not name its year or day takes them from here, so that a run does not depend on the day.
_DEFAULT_DATE: Final = datetime(2000, 1, 1)


class _DateWords(date_parser.parserinfo):
    """dateutil's words, without those that occur in prose."""

    JUMP = [" ", ".", ",", ";", "-", "/", "'"]  # noqa: RUF012 (dateutil declares it so)


def score(clean: Table, loaded: Table | None) -> float:
    """0 to 10. `loaded` is None if the tool failed. An empty clean file has nothing to lose."""
    if not clean:
        return BEST
    if loaded is None:
        return 0.0
    clean_forms, loaded_forms = ([[_form(cell) for cell in row] for row in table] for table in (clean, loaded))
    comparisons = (
        _agreement(clean_forms[0], loaded_forms[0] if loaded else []),
        _agreement(map("".join, clean_forms[1:]), map("".join, loaded_forms[1:])),
        _agreement(*((cell for row in table for cell in row) for table in (clean, loaded))),
    )
    return 1.0 + sum(comparisons)


def _agreement(clean: Iterable[str], loaded: Iterable[str]) -> float:
    """Precision, recall and F1 of two multisets, added."""
    clean_counts, loaded_counts = Counter(clean), Counter(loaded)
    if not clean_counts:
        return 3.0
    common = (clean_counts & loaded_counts).total()
    if not common:
        return 0.0
    precision, recall = common / loaded_counts.total(), common / clean_counts.total()
    return precision + recall + 2 * precision * recall / (precision + recall)


@lru_cache(maxsize=1 << 16)
def _form(cell: str) -> str:
    """The cell with numbers, times, dates and money in one form each."""
    if not cell or cell.isspace():
        return cell
    for form in (_truth, _number, _clock, _date, _money):
        try:
            return form(cell)
        except (ValueError, OverflowError, TypeError):
            continue
    return cell.lower()


def _truth(cell: str) -> str:
    if cell in ("True", "true", "False", "false"):
        return str(int(cell.lower() == "true"))
    raise ValueError(cell)


def _number(cell: str) -> str:
    try:
        return str(int(cell))
    except ValueError:
        return str(float(cell))


def _clock(cell: str) -> str:
    if (match := _TIME.fullmatch(cell)) is None:
        raise ValueError(cell)
    return str(time(int(match[1]), int(match[2]), int(match[3] or 0)))


def _date(cell: str) -> str:
    return str(date_parser.parse(cell, parserinfo=_DateWords(), default=_DEFAULT_DATE))


def _money(cell: str) -> str:
    if (match := _MONEY.fullmatch(cell)) is None:
        raise ValueError(cell)
    return f"{match[1]}{float(match[2].replace(',', ''))}"

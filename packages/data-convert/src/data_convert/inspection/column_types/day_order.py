"""Decides whether days or months come first in dates such as 03/04/2024, where every value allows both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.inspection.column_types.candidates import Candidate
from data_convert.inspection.column_types.moment_forms import MomentForm
from data_convert.series.file_dates import chronological

DayOrder = Literal["month-first", "day-first"]
DAY_ORDERS: Final[tuple[DayOrder, ...]] = ("month-first", "day-first")

_FEWEST_FILES: Final = 3
"""The order of two files may be chance."""

_DATED_NAME: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_. ]?)(\d\d)\2(\d\d)(?!\d)")
"""The year comes first, so that the name itself is not ambiguous."""


@dataclass(frozen=True, kw_only=True)
class DayAnswer:
    """The order, and why it is the right one; no reason if the user has chosen it."""

    order: DayOrder
    why: str | None

    @property
    def warning(self) -> str | None:
        """What the user should check."""
        if self.why is None:
            return None
        other = DAY_ORDERS[1 - DAY_ORDERS.index(self.order)]
        first = self.order.replace("-", " ")
        return f"read {first}: both orders fit every value, but {self.why}; --dates {other} reads it the other way"


def order_of(form: MomentForm) -> DayOrder | None:
    """Which of day and month comes first, for forms with both in front of the year."""
    places = [form.formats[0].find(letters) for letters in ("%m", "%d", "%Y")]
    if min(places) < 0 or places[2] < max(places):
        return None
    return "month-first" if places[0] < places[1] else "day-first"


def both_orders(forms: Sequence[Candidate]) -> dict[DayOrder, Candidate]:
    """The two forms that differ in the order of day and month; empty if these are not all forms."""
    if len(forms) != len(DAY_ORDERS):
        return {}
    found = {order: candidate for candidate in forms if candidate.form and (order := order_of(candidate.form))}
    return found if len(found) == len(forms) else {}


@dataclass(kw_only=True)
class DayRanges:
    """The first and the last moment of each file, in both orders."""

    _ranges: dict[DayOrder, dict[str, tuple[date, date]]] = field(default_factory=dict)

    def add(self, values: pa.StringArray, forms: dict[DayOrder, Candidate], source: str) -> None:
        """Note values of a file (at least one), which fit both orders."""
        for order, candidate in forms.items():
            moments, _ = candidate.fits(values)
            if moments is None:
                continue
            found = pc.min_max(moments).as_py()
            files = self._ranges.setdefault(order, {})
            low, high = files.get(source, (found["min"], found["max"]))
            files[source] = (min(low, found["min"]), max(high, found["max"]))

    def answer(self) -> DayAnswer | None:
        """The order that the names or the order of the files show, or None."""
        named = [order for order in self._ranges if _agrees_with_names(self._ranges[order])]
        if len(named) == 1:
            return DayAnswer(order=named[0], why="the dates then agree with the names of the files")
        rising = [order for order in self._ranges if _rises(self._ranges[order])]
        if len(rising) == 1:
            files = len(self._ranges[rising[0]])
            return DayAnswer(order=rising[0], why=f"the dates then rise from file to file ({files:,} files)")
        return None


def _agrees_with_names(files: dict[str, tuple[date, date]]) -> bool:
    """Whether the name of each file has a day between the first and the last one in it."""
    return bool(files) and all(_is_in_name(name, low, high) for name, (low, high) in files.items())


def _is_in_name(name: str, low: date, high: date) -> bool:
    match = _DATED_NAME.search(name)
    try:
        named = date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return False
    return named is not None and _day(low) <= named <= _day(high)


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _rises(files: dict[str, tuple[date, date]]) -> bool:
    names = list(files)
    ranges = [files[names[place]] for place in chronological(names)]
    if len(ranges) < _FEWEST_FILES:
        return False
    is_constant = ranges[0][0] == ranges[-1][1]
    return not is_constant and all(before[1] <= after[0] for before, after in pairwise(ranges))

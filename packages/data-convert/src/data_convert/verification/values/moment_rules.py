"""Which moment a text spells, by the rules of data/README.md.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from data_convert.spec.dataset_spec import ColumnSpec

_EPOCH: Final = datetime(1970, 1, 1)
_SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * _SECOND_NS
UNITS_NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000}
_NANOSECOND_LIMIT_S: Final = 9_223_372_036
"""Seconds before and after 1970 within which 64 bits hold all nanoseconds."""

_DATE_AND_TIME: Final = re.compile(r"([^%]*(?:%[Ymd][^%]*){3})((?:%[HIMSpz][^%]*)*)", re.DOTALL)
_FRACTION: Final = re.compile(r"([^%]*(?:%[YmdHIMSpz][^%]*)*%S)([.,:])%f((?:%z|[^%0-9])*)", re.DOTALL)
_WIDTHS: Final = {"Y": 4, "m": 2, "d": 2}
_REMEMBERED: Final = 1 << 16

MomentRule = Callable[[str], int | None]


def timestamp_rule(column: ColumnSpec) -> MomentRule:
    """Reads the units since 1970 of the first format that fits; None if none does, or it is no multiple."""
    rule, unit_ns = _first_rule(column), UNITS_NS[column.precision]

    def timestamp(text: str) -> int | None:
        moment = rule(text)
        if moment is None or moment % unit_ns:
            return None
        if unit_ns == 1 and not -_NANOSECOND_LIMIT_S <= moment // _SECOND_NS < _NANOSECOND_LIMIT_S:
            return None
        return moment // unit_ns

    return timestamp


def date_rule(column: ColumnSpec) -> MomentRule:
    """Reads the days since 1970 of the first format that fits; None if none does, or it is no midnight."""
    rule = _first_rule(column)

    def date(text: str) -> int | None:
        moment = rule(text)
        return None if moment is None or moment % DAY_NS else moment // DAY_NS

    return date


def _first_rule(column: ColumnSpec) -> MomentRule:
    """Reads the nanoseconds since 1970 of the first format that fits."""
    first, *others = [_format_rule(format_, column) for format_ in column.formats]
    if not others:
        return first

    def moment_of(text: str) -> int | None:
        return next((moment for rule in (first, *others) if (moment := rule(text)) is not None), None)

    return moment_of


def _format_rule(format_: str, column: ColumnSpec) -> MomentRule:
    def slow(text: str) -> int | None:
        return _nanoseconds(text, format_, column)

    match = _FRACTION.fullmatch(format_)
    if match is None:
        return RememberedParts(format_, slow)
    digits = 9 if column.precision == "ns" else 6
    pattern = re.compile(rf"(.*){re.escape(match[2])}([0-9]{{1,{digits}}})([^0-9].*|)", re.DOTALL)
    without = match[1] + match[3]
    whole = RememberedParts(without, lambda text: _nanoseconds(text, without, column))

    def with_fraction(text: str) -> int | None:
        found = pattern.fullmatch(text)
        moment = whole(found[1] + found[3]) if found else None
        return slow(text) if found is None or moment is None else moment + int(found[2].ljust(9, "0"))

    return with_fraction


def remembered_parts(format_: str, column: ColumnSpec) -> RememberedParts | None:
    """Reads texts of the format; None if date and time of day cannot be read one by one."""
    if _FRACTION.fullmatch(format_):
        return None
    parts = RememberedParts(format_, lambda text: _nanoseconds(text, format_, column))
    return parts if parts.width else None


class RememberedParts:
    """Reads texts of one format.

    strptime is slow. Where the date stands first, date and rest are read one by one and remembered: a year has 365
    dates, and a day 1,440 minutes.

    Attributes:
        width: Length of the date; 0 if it does not stand first.
        dates: Nanoseconds since 1970 of the dates that were read.
        times: Nanoseconds since midnight of what was read behind them. Each of these dates with each of these times is
            a text of the format, and means their sum.
    """

    def __init__(self, format_: str, slow: MomentRule) -> None:
        self._slow = slow
        self.dates: dict[str, int] = {}
        self.times: dict[str, int] = {}
        match = _DATE_AND_TIME.fullmatch(format_)
        self._date_format, self._time_format = (match[1], match[2]) if match else ("", "")
        pattern, self.width = "", 0
        if sorted(re.findall("%(.)", self._date_format)) == ["Y", "d", "m"]:
            for token in re.findall(r"%.|[^%]", self._date_format):
                width = _WIDTHS[token[1]] if token[0] == "%" else 1
                pattern += f"[0-9]{{{width}}}" if token[0] == "%" else re.escape(token)
                self.width += width
        self._date_pattern = re.compile(pattern)

    def __call__(self, text: str) -> int | None:
        try:
            return self.dates[text[: self.width]] + self.times[text[self.width :]]
        except KeyError:
            moment = self._slow(text)
            if moment is not None and self.width:
                self._remember(text[: self.width], text[self.width :])
            return moment

    def _remember(self, date: str, time: str) -> None:
        """Remember the parts of a text that fits, if any other combination of them means their sum."""
        # A space in a format stands for any number of spaces, so it could reach over the cut.
        if time[:1].isspace() or not self._date_pattern.fullmatch(date):
            return
        day = _strptime(date, self._date_format)
        moment = _strptime("1970-01-02" + time, "%Y-%m-%d" + self._time_format)
        # Near the years 1 and 9999, an offset can lead out of the calendar.
        if day is None or moment is None or abs(day) > 700_000 * DAY_NS:
            return
        for parts, text, value in ((self.dates, date, day), (self.times, time, moment - DAY_NS)):
            if len(parts) >= _REMEMBERED:
                parts.clear()
            parts[text] = value


def _strptime(text: str, format_: str) -> int | None:
    """Nanoseconds since 1970 by strptime; the offset of a zone is subtracted."""
    try:
        moment = datetime.strptime(text, format_)
        if "%V" in format_ and not _is_week(text, format_, moment):
            return None
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000


def _is_week(text: str, format_: str, moment: datetime) -> bool:
    """Whether the moment is in the week of the text: Python 3.11 reads a week 53 that does not exist."""
    tokens = re.findall(r"%.|\s+|[^%]", format_)
    pattern = "".join(
        {"%V": "([0-9]{1,2})"}.get(token, ".+" if token[0] == "%" else re.escape(token)) for token in tokens
    )
    weeks = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL)
    return weeks is None or int(weeks[1]) == moment.isocalendar().week


def _nanoseconds(text: str, format_: str, column: ColumnSpec) -> int | None:
    """The same, where `%Z` is one of the column's abbreviations and `%f` may have nine digits."""
    if "%Z" in format_:
        for name, offset in sorted(column.abbreviations, key=lambda entry: -len(entry[0])):
            for match in re.finditer(re.escape(name), text):
                replaced = text[: match.start()] + offset + text[match.end() :]
                moment = _with_nanoseconds(replaced, format_.replace("%Z", "%z", 1), column)
                if moment is not None:
                    return moment
        return None
    return _with_nanoseconds(text, format_, column)


def _with_nanoseconds(text: str, format_: str, column: ColumnSpec) -> int | None:
    moment = _strptime(text, format_)
    if moment is not None or "%f" not in format_ or column.precision != "ns":
        return moment
    for match in re.finditer("[0-9]{7,}", text):
        for size in (1, 2, 3):
            end = match.end() - size
            finer, six = text[end : match.end()], text[end - 6 : end]
            moment = _strptime(text[:end] + text[match.end() :], format_)
            if moment is not None and moment // 1_000 % 1_000_000 == int(six):
                return moment + int(finer.ljust(3, "0"))
    return None

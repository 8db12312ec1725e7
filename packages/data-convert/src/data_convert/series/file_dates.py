"""Finds the dates in the names of files, and the dates that are missing between them."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

_YEAR, _MONTH, _DAY = r"(?P<y>(?:19|20)\d\d)", r"(?P<m>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12]\d|3[01])"
_SEPARATOR: Final = r"(?P<s>[-_./ ]?)"
_FORMS: Final = {
    name: re.compile(rf"(?<!\d){pattern}")
    for name, pattern in {
        "year month day": f"{_YEAR}{_SEPARATOR}{_MONTH}(?P=s){_DAY}",
        "month day year": f"{_MONTH}{_SEPARATOR}{_DAY}(?P=s){_YEAR}(?!\\d)",
        "day month year": f"{_DAY}{_SEPARATOR}{_MONTH}(?P=s){_YEAR}(?!\\d)",
        "year month": f"{_YEAR}{_SEPARATOR}{_MONTH}(?!\\d)",
        "year": f"{_YEAR}(?!\\d)",
    }.items()
}

_SEPARATORS: Final = ("_", "-", "", r"\.", "/", " ")
_GROUPED: Final[Mapping[str, Sequence[str]]] = {
    "day": ("{year}{s}{month}{s}{day}", "{month}{s}{day}{s}{year}", "{day}{s}{month}{s}{year}"),
    "month": ("{year}{s}{month}",),
    "year": ("{year}",),
}

_SHORTEST_SERIES: Final = 5
_REGULAR_SHARE: Final = 0.6
"""A series has a step if so many of its differences are that step; otherwise no date can be missing."""

_WEEK_DAYS: Final = 7

Unit = Literal["day", "month", "year"]


@dataclass(frozen=True, kw_only=True)
class FileDate:
    """The date in the name of a file.

    Attributes:
        series: The name with `*` in place of the date. Files of one series differ in the date alone.
        number: Days, months or years since the beginning of the calendar.
    """

    series: str
    number: int
    unit: Unit

    def __str__(self) -> str:
        return date_text(self.number, self.unit)


def date_text(number: int, unit: Unit) -> str:
    """The number of a day, a month or a year in the order of ISO 8601."""
    if unit == "day":
        return date.fromordinal(number).isoformat()
    return f"{number // 12:04}-{number % 12 + 1:02}" if unit == "month" else str(number)


def file_dates(names: Sequence[str]) -> list[FileDate] | None:
    """The date of each name; None unless all names have a date in the same form.

    Months before days or days before months: the order that is valid for all names, and then the one with fewer gaps.
    """
    found = [dates for form in _FORMS if (dates := _dates_in(names, form)) is not None]
    if not found:
        return None
    finest = [dates for dates in found if dates[0].unit == found[0][0].unit]
    return min(finest, key=_span)


def date_pattern(names: Sequence[str]) -> str | None:
    """A regular expression with the groups `year` and, if the names have months, `month`; None without dates."""
    dates = file_dates(names)
    if dates is None:
        return None
    for separator in _SEPARATORS:
        for form in _GROUPED[dates[0].unit]:
            pattern = form.format(year=r"(?P<year>\d{4})", month=r"(?P<month>\d\d)", day=r"\d\d", s=separator)
            if all(_agrees(re.search(pattern, name), found) for name, found in zip(names, dates, strict=True)):
                return pattern
    return None


def _agrees(match: re.Match[str] | None, found: FileDate) -> bool:
    if match is None:
        return False
    groups = match.groupdict()
    return str(found).startswith("-".join(groups[name] for name in ("year", "month") if name in groups))


def chronological(names: Sequence[str]) -> list[int]:
    """The places of the names in the order of their dates; in their own order if they have none."""
    dates = file_dates(names)
    if dates is None:
        return list(range(len(names)))
    return sorted(range(len(names)), key=lambda place: (dates[place].number, names[place]))


def missing_numbers(numbers: Sequence[int], unit: Unit) -> list[int]:
    """The days, months or years that are missing in a series that is regular otherwise.

    Days of the week that never occur, such as weekends, are not missing.
    """
    present = sorted(set(numbers))
    steps = [later - earlier for earlier, later in itertools.pairwise(present)]
    if len(present) < _SHORTEST_SERIES:
        return []
    step, count = Counter(steps).most_common(1)[0]
    absent = [number for number in range(present[0], present[-1], step) if number not in set(present)]
    if unit == "day" and step == 1:
        weekdays = {number % _WEEK_DAYS for number in present}
        weeks = Counter(number % _WEEK_DAYS for number in absent)
        absent = [n for n in absent if n % _WEEK_DAYS in weekdays or weeks[n % _WEEK_DAYS] == 1]
    elif any(gap % step for gap in steps):
        return []
    is_regular = count >= _REGULAR_SHARE * len(steps) and len(absent) <= len(present)
    return absent if is_regular else []


def ranges_text(numbers: Sequence[int], unit: Unit, *, limit: int = 8) -> str:
    """The dates, with consecutive ones as ranges: `2024-01-24 to 2024-01-26, 2024-03-01`."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    shown = [
        date_text(first, unit) + (f" to {date_text(last, unit)}" if last != first else "")
        for first, last in ranges[:limit]
    ]
    more = [f"and {len(ranges) - limit} more gaps"] if len(ranges) > limit else []
    return ", ".join(shown + more)


def _dates_in(names: Sequence[str], form: str) -> list[FileDate] | None:
    dates = []
    for name in names:
        match = next((match for match in _FORMS[form].finditer(name) if _number(match) is not None), None)
        number = _number(match) if match else None
        if match is None or number is None:
            return None
        dates.append(FileDate(series=f"{name[: match.start()]}*{name[match.end() :]}", number=number, unit=_unit(form)))
    return dates or None


def _unit(form: str) -> Unit:
    return "day" if "day" in form else "month" if "month" in form else "year"


def _number(match: re.Match[str]) -> int | None:
    parts = {name: int(text) for name, text in match.groupdict().items() if name != "s"}
    if "d" not in parts:
        return parts["y"] * 12 + parts["m"] - 1 if "m" in parts else parts["y"]
    try:
        return date(parts["y"], parts["m"], parts["d"]).toordinal()
    except ValueError:
        return None


def _span(dates: Sequence[FileDate]) -> int:
    numbers = [found.number for found in dates]
    return max(numbers) - min(numbers)


def by_series(dates: Sequence[FileDate]) -> Iterator[list[int]]:
    """The places of the files of each series, in the order of their dates."""
    series: dict[str, list[int]] = {}
    for place, found in enumerate(dates):
        series.setdefault(found.series, []).append(place)
    number: Callable[[int], int] = lambda place: dates[place].number  # noqa: E731
    for places in series.values():
        yield sorted(places, key=number)

"""Looks for signs that data are missing: small files among large ones, missing days, files that were cut off."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from data_convert.series.file_dates import (
    FileDate,
    Unit,
    by_series,
    date_text,
    file_dates,
    missing_numbers,
    ranges_text,
)
from terminal import size_text

_NEIGHBOURS: Final = 3
"""Files before, and files behind, that a file is compared with."""

_FEWEST_FILES: Final = 5
_WEEKS: Final = (-21, -14, -7, 7, 14, 21)
"""Days to the same weekday of other weeks."""

_UNUSUAL_RATIO: Final = 2.0
_UNUSUAL_DEVIATIONS: Final = 8
"""A file is unusual if it differs from its neighbours by this factor, and by so many times the usual difference."""

_MOST_GAPS: Final = 0.1
"""Days without a row are reported if they are fewer than this share; otherwise the days are not a series."""

Kind = Literal["missing dates", "missing days", "no rows", "few rows", "many rows", "same content", "cut off"]


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What is known about the amount of data in a file.

    Attributes:
        rows: Number of its rows; None if only the number of all rows of several files is known.
        text_bytes: Size of its decompressed text.
        ends_inside_line: Whether its last line has no line end.
        fault: What is wrong with its last row; None if it has all cells.
        sha256: Digest of the file; "" if it is not known.
    """

    name: str
    rows: int | None
    text_bytes: int
    ends_inside_line: bool = False
    fault: str | None = None
    sha256: str = ""

    @property
    def amount(self) -> int:
        """Rows if they are known, else bytes."""
        return self.text_bytes if self.rows is None else self.rows


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A sign that data are missing.

    Attributes:
        file: The file; None if the finding is about several or about a file that does not exist.
        text: What was found and what to check, as sentences.
    """

    kind: Kind
    file: str | None
    text: str

    def __str__(self) -> str:
        return self.text

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def completeness_findings(files: Sequence[FileFacts]) -> list[Finding]:
    """Signs in the names, sizes and ends of the files of a dataset."""
    dates = file_dates([file.name for file in files])
    series = list(by_series(dates)) if dates else [list(range(len(files)))]
    findings: list[Finding] = []
    for places in series:
        if dates:
            findings += _missing_dates([dates[place] for place in places])
        numbers = [dates[place].number for place in places] if dates and dates[0].unit == "day" else None
        findings += _unusual_amounts([files[place] for place in places], numbers)
    return [*findings, *_without_rows(files), *_same_content(files), *_cut_off(files)]


def day_findings(days: Mapping[str, Sequence[int]], findings: Sequence[Finding]) -> list[Finding]:
    """Days without a row in the columns of dates and times, unless the names of files have shown gaps already.

    Args:
        days: Column -> its distinct days, as numbers of `datetime.date.toordinal`.
    """
    if any(finding.kind == "missing dates" for finding in findings):
        return []
    found = []
    for column, numbers in days.items():
        absent = missing_numbers(numbers, "day")
        if absent and len(absent) <= _MOST_GAPS * len(set(numbers)):
            first, last = date_text(min(numbers), "day"), date_text(max(numbers), "day")
            text = (
                f"no row has a {column!r} of {ranges_text(absent, 'day')}, though there are rows for almost every day"
                f" from {first} to {last}. Were these days lost?"
            )
            found.append(Finding(kind="missing days", file=None, text=text))
    return found


def _missing_dates(dates: Sequence[FileDate]) -> Iterator[Finding]:
    unit: Unit = dates[0].unit
    absent = missing_numbers([found.number for found in dates], unit)
    if absent:
        text = (
            f"no file for {ranges_text(absent, unit)}, though {dates[0].series} has a file for every other {unit}"
            f" from {dates[0]} to {dates[-1]}. Get {'it' if len(absent) == 1 else 'them'}, or check that"
            " nothing was measured."
        )
        yield Finding(kind="missing dates", file=None, text=text)


def _unusual_amounts(files: Sequence[FileFacts], days: Sequence[int] | None) -> Iterator[Finding]:
    """Files with far fewer or far more rows than the files before and behind, and than the same day of other weeks."""
    if len(files) < _FEWEST_FILES:
        return
    if any(file.rows is None for file in files):
        files = [FileFacts(name=file.name, rows=None, text_bytes=file.text_bytes) for file in files]
    amounts = [file.amount for file in files]
    by_day = dict(zip(days, amounts, strict=True)) if days is not None else {}
    usual = [
        _usual_amount(amounts, place, [by_day.get(days[place] + week) for week in _WEEKS] if days is not None else [])
        for place in range(len(files))
    ]
    differences = [abs(_difference(file.amount, amount)) for file, amount in zip(files, usual, strict=True)]
    limit = max(math.log(_UNUSUAL_RATIO), _UNUSUAL_DEVIATIONS * statistics.median(differences))
    for file, amount, difference in zip(files, usual, differences, strict=True):
        if difference > limit and file.amount:
            kind: Kind = "few rows" if file.amount < amount else "many rows"
            question = "Is the file complete?" if kind == "few rows" else "Does it hold rows twice?"
            text = f"{file.name} has {_amount_text(file)}, the files next to it about {_number_text(file, amount)}."
            yield Finding(kind=kind, file=file.name, text=f"{text} {question}")


def _usual_amount(amounts: Sequence[int], place: int, weekdays: Sequence[int | None]) -> float:
    """The median of the neighbours on one side, or of the same weekday, that is closest to the file's own amount.

    One side is enough, because amounts may rise or fall for good from one file to the next.
    """
    groups = [
        amounts[max(0, place - _NEIGHBOURS) : place],
        amounts[place + 1 : place + 1 + _NEIGHBOURS],
        [amount for amount in weekdays if amount is not None],
    ]
    medians = [statistics.median(group) for group in groups if len(group) > 1]
    return min(medians, key=lambda median: abs(_difference(amounts[place], median)))


def _difference(amount: float, usual: float) -> float:
    """Logarithm of the ratio; a few rows more or less in small files do not count."""
    return math.log((amount + 5) / (usual + 5))


def _without_rows(files: Sequence[FileFacts]) -> Iterator[Finding]:
    if any(file.rows for file in files):
        for file in files:
            if file.rows == 0:
                text = f"{file.name} has no row. Get it again if there should be rows."
                yield Finding(kind="no rows", file=file.name, text=text)


def _same_content(files: Sequence[FileFacts]) -> Iterator[Finding]:
    """Files that equal an earlier one; files without rows are all alike."""
    first: dict[str, str] = {}
    for file in files:
        if not file.sha256 or file.rows == 0:
            continue
        if file.sha256 in first:
            text = (
                f"{file.name} has the same content as {first[file.sha256]}: each of its rows is there twice."
                " Remove one of the files."
            )
            yield Finding(kind="same content", file=file.name, text=text)
        first.setdefault(file.sha256, file.name)


def _amount_text(file: FileFacts) -> str:
    if file.rows is None:
        return size_text(file.text_bytes)
    return f"{file.rows:,} row{'s' if file.rows != 1 else ''}"


def _number_text(file: FileFacts, amount: float) -> str:
    return size_text(round(amount)) if file.rows is None else f"{round(amount):,}"


def _cut_off(files: Sequence[FileFacts]) -> Iterator[Finding]:
    """Files whose last line has no line end although most files have one, or whose last row is not complete."""
    without_end = [file for file in files if file.ends_inside_line]
    is_unusual = len(without_end) * 2 < len(files)
    for file in files:
        if file.fault is not None:
            text = f"{file.name} ends inside of a row: {file.fault}. The file was probably cut off. Get it again."
            yield Finding(kind="cut off", file=file.name, text=text)
        elif file.ends_inside_line and is_unusual:
            text = (
                f"{file.name}: its last line has no line end, the other files have one. The file was probably cut off,"
                " and its last value may be too short. Get it again, or end the line."
            )
            yield Finding(kind="cut off", file=file.name, text=text)

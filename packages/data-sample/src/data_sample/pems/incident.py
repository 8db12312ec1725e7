"""Files of PeMS CHP incidents: one per day or month, 20 columns without a header and without quotes.

Columns: Incident ID, CC Code, Incident Number, Timestamp, Description, Location, Area, Zoom Map, TB xy,
Latitude, Longitude, District, County FIPS ID, City FIPS ID, Freeway Number, Freeway Direction, State Postmile,
Absolute Postmile, Severity, Duration (minutes).
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial

import numpy as np

from data_sample.pems.sites import SITES_PER_STRETCH, STRETCHES, site_texts
from data_sample.pems.traffic import is_day_off
from data_sample.random_stream import Integers, RandomStream
from data_sample.sample_file import SampleFile
from data_sample.text_table import Cells, TextTable, joined_rows, text_table

FIRST_DAY = dt.date(2024, 1, 1)
_ROW_STREAM = 12
_BLOCK_ROWS = 16_384
_FIRST_ID = 20_500_000
_TYPICAL_ROW_BYTES = 178
# California has about 2,000 incidents per day; larger samples have more.
_MONTH_BYTES = 11_000_000

# Description, frequency in 1/1,000, typical duration in minutes.
KINDS = (
    ("1125-Traffic Hazard", 258, 24),
    ("1183-Trfc Collision-Unkn Inj", 172, 42),
    ("1182-Trfc Collision-No Inj", 168, 48),
    ("1179-Trfc Collision-1141 Enrt", 92, 67),
    ("20002-Hit and Run No Injuries", 63, 40),
    ("1126-Disabled Vehicle", 58, 35),
    ("1181-Trfc Collision-Minor Inj", 42, 58),
    ("ANIMAL-Live or Dead Animal", 37, 22),
    ("DEFECT VEHICLE", 6, 20),
    ("CZP-Assist with Construction", 24, 260),
    ("FIRE-Report of Fire", 20, 38),
    ("CFIRE-Car Fire", 14, 66),
    ("1184-Provide Traffic Control", 9, 75),
    ("TADV-Traffic Advisory", 8, 180),
    ("20001-Hit and Run w/Injuries", 7, 72),
    ("1166-Defective Traffic Signals", 7, 55),
    ("SPINOUT", 5, 30),
    ("CLOSURE of a Road", 4, 340),
    ("WW-Wrong Way Driver", 3, 12),
    ("1180-Trfc Collision-Major Inj", 2, 160),
    ("1144-Fatality", 1, 290),
)
_SEVERITY = ("", "1", "2", "3")
# Relative frequency of incidents by hour of day, on working days and on days off.
_HOURS = (24, 20, 18, 15, 16, 26, 44, 60, 62, 54, 50, 52, 56, 58, 66, 74, 80, 82, 70, 56, 46, 40, 34, 28)
_HOURS_OFF = (36, 32, 30, 20, 16, 17, 22, 28, 36, 44, 52, 58, 60, 60, 60, 60, 58, 56, 54, 50, 46, 42, 38, 34)
# Duration as a percentage of the typical one, at equal steps of probability.
_DURATIONS = (2, 6, 12, 20, 29, 38, 47, 56, 65, 75, 86, 98, 112, 128, 148, 174, 210, 265, 370, 620)
_MOST_MINUTES = 2200


@dataclass(frozen=True, kw_only=True)
class Span:
    """The days of one file, and its position among the files."""

    first: dt.date
    days: int
    position: int


def incident_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """One file per month from 12 MB on, one per day below that."""
    spans = _months(size_bytes) if size_bytes >= 12_000_000 else _days(size_bytes)
    file_bytes = size_bytes // len(spans)
    return [
        SampleFile(
            name=f"all_text_chp_incidents_{_label(span)}.txt",
            blocks=partial(_span_blocks, span, file_bytes, span is spans[-1], seed),
        )
        for span in spans
    ]


def _months(size_bytes: int) -> list[Span]:
    count = min(24, max(2, size_bytes // _MONTH_BYTES))
    firsts = [FIRST_DAY.replace(year=FIRST_DAY.year + n // 12, month=n % 12 + 1) for n in range(count)]
    return [
        Span(first=first, days=calendar.monthrange(first.year, first.month)[1], position=position)
        for position, first in enumerate(firsts)
    ]


def _days(size_bytes: int) -> list[Span]:
    count = min(31, max(2, size_bytes // 360_000))
    return [Span(first=FIRST_DAY + dt.timedelta(days=n), days=1, position=n) for n in range(count)]


def _label(span: Span) -> str:
    return f"month_{span.first:%Y_%m}" if span.days > 1 else f"day_{span.first:%Y_%m_%d}"


def _span_blocks(span: Span, file_bytes: int, is_last: bool, seed: int, needed_bytes: int) -> Iterator[bytes]:
    """Rows sorted by time; the last file has as many as the size still needs."""
    row_count = max(1, (needed_bytes if is_last else file_bytes) // _TYPICAL_ROW_BYTES)
    random = RandomStream(seed, _ROW_STREAM, span.position)
    minute = _minutes(span, row_count, random)
    sites = _sites(seed)
    site = _site_picks(row_count, random, len(sites.lengths))
    centre = np.array(_centre_of_stretch(), dtype=np.int64)[site // SITES_PER_STRETCH]
    ids = np.cumsum(1 + random.integers(2, row_count)) + _FIRST_ID + span.position * 3_000_000
    kind = random.choice([kind[1] for kind in KINDS], row_count)
    pieces = [
        Cells(table=_numbers("{:04d}"), index=ids // 10_000),
        Cells(table=_numbers("{:04d},"), index=ids % 10_000),
        Cells(table=_centres(), index=centre),
        Cells(table=_numbers("{},", 100_000), index=_daily_numbers(minute // 1440, centre)),
        Cells(table=text_table(_day_texts(span)), index=minute // 1440),
        Cells(table=_clock(), index=minute % 1440),
        Cells(table=_kinds(), index=kind),
        Cells(table=sites, index=site),
        Cells(table=_severities(), index=random.choice([965, 22, 9, 4], row_count)),
        Cells(table=_numbers("{}\n"), index=_durations(kind, random)),
    ]
    for start in range(0, row_count, _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        cut = [Cells(table=piece.table, index=piece.index[part]) for piece in pieces]
        yield joined_rows(cut, len(cut[0].index))


def _minutes(span: Span, row_count: int, random: RandomStream) -> Integers:
    """The minute of each incident since the start of the span, ascending."""
    weights: list[int] = []
    for number in range(span.days):
        day = span.first + dt.timedelta(days=number)
        hours = _HOURS_OFF if is_day_off(day) else _HOURS
        busy = 90 + int(random.integers(21, 1)[0]) + (8 if day.weekday() == 4 else 0)
        weights += [hour * busy for hour in hours]
    return np.sort(random.choice(weights, row_count) * 60 + random.integers(60, row_count))


def _site_picks(row_count: int, random: RandomStream, site_count: int) -> Integers:
    """The site of each incident; some sites are much more frequent than others, as real merges are."""
    one, other = random.integers(site_count, row_count), random.integers(site_count, row_count)
    return np.where(random.integers(3, row_count) > 0, np.minimum(one, other), one)


def _daily_numbers(day: Integers, centre: Integers) -> Integers:
    """The number of each incident at its centre: 1, 2, …, and from 1 again on the next day."""
    group = day * len(STRETCHES) + centre
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    position = np.arange(len(group))
    starts = np.where(np.r_[True, ordered[1:] != ordered[:-1]], position, 0)
    numbers = np.empty_like(group)
    numbers[order] = position - np.maximum.accumulate(starts) + 1
    return np.minimum(numbers, 99_999)


def _durations(kind: Integers, random: RandomStream) -> Integers:
    typical = np.array([kind[2] for kind in KINDS], dtype=np.int64)[kind]
    percent = np.array(_DURATIONS, dtype=np.int64)[random.integers(len(_DURATIONS), len(kind))]
    spread = 85 + random.integers(31, len(kind))
    minutes: Integers = np.minimum(typical * percent * spread // 10_000, _MOST_MINUTES)
    return minutes


def _day_texts(span: Span) -> list[str]:
    return [f"{span.first + dt.timedelta(days=n):%m/%d/%Y} " for n in range(span.days)]


def _centre_of_stretch() -> list[int]:
    names = sorted({stretch.centre for stretch in STRETCHES})
    return [names.index(stretch.centre) for stretch in STRETCHES]


@lru_cache(maxsize=4)
def _sites(seed: int) -> TextTable:
    return text_table(site_texts(seed))


@cache
def _numbers(pattern: str, limit: int = 10_000) -> TextTable:
    return text_table(pattern.format(number) for number in range(limit))


@cache
def _centres() -> TextTable:
    return text_table(f"{name}," for name in sorted({stretch.centre for stretch in STRETCHES}))


@cache
def _clock() -> TextTable:
    return text_table(f"{minute // 60:02d}:{minute % 60:02d}:00," for minute in range(1440))


@cache
def _kinds() -> TextTable:
    return text_table(f"{kind[0]}," for kind in KINDS)


@cache
def _severities() -> TextTable:
    return text_table(f",{severity}," for severity in _SEVERITY)

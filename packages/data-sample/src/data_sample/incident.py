"""PeMS CHP incident files: 20 columns without a header and without quotes, by day or by month.

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

from data_sample.chance import Chance, Integers
from data_sample.file import SampleFile
from data_sample.place import SITES_PER_STRETCH, STRETCHES, site_texts
from data_sample.text import Cells, TextTable, joined_rows, text_table
from data_sample.traffic import is_day_off

FIRST_DAY = dt.date(2024, 1, 1)
_ROW_STREAM = 12
_BLOCK_ROWS = 16_384
_FIRST_ID = 20_500_000
_TYPICAL_ROW_BYTES = 178
# All of California reports some 2,000 incidents a day; more are made only where a size asks for them.
_MONTH_BYTES = 11_000_000

# Description, how often (in 1,000), typical duration in minutes.
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
# Incidents by hour of day, relative.
_HOURS = (24, 20, 18, 15, 16, 26, 44, 60, 62, 54, 50, 52, 56, 58, 66, 74, 80, 82, 70, 56, 46, 40, 34, 28)
_HOURS_OFF = (36, 32, 30, 20, 16, 17, 22, 28, 36, 44, 52, 58, 60, 60, 60, 60, 58, 56, 54, 50, 46, 42, 38, 34)
# Duration as a percentage of the typical one, at equal steps of probability.
_DURATIONS = (2, 6, 12, 20, 29, 38, 47, 56, 65, 75, 86, 98, 112, 128, 148, 174, 210, 265, 370, 620)
_MOST_MINUTES = 2200


@dataclass(frozen=True, kw_only=True)
class Span:
    """The days that one file covers, and which one it is."""

    first: dt.date
    days: int
    position: int


def incident_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """Files by month from 12 MB on, by day below that."""
    spans = _months(size_bytes) if size_bytes >= 12_000_000 else _days(size_bytes)
    share = size_bytes // len(spans)
    return [
        SampleFile(
            name=f"all_text_chp_incidents_{_label(span)}.txt",
            blocks=partial(_span_blocks, span, share, span is spans[-1], seed),
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


def _span_blocks(span: Span, share: int, is_last: bool, seed: int, lacking: int) -> Iterator[bytes]:
    """Rows in order of time; the last file takes up what the earlier ones left of the size."""
    wanted = max(1, (lacking if is_last else share) // _TYPICAL_ROW_BYTES)
    chance = Chance(seed, _ROW_STREAM, span.position)
    minute = _minutes(span, wanted, chance)
    sites = _sites(seed)
    site = _site_picks(wanted, chance, len(sites.lengths))
    centre = np.array(_centre_of_stretch(), dtype=np.int64)[site // SITES_PER_STRETCH]
    ids = np.cumsum(1 + chance.below(2, wanted)) + _FIRST_ID + span.position * 3_000_000
    kind = chance.pick([kind[1] for kind in KINDS], wanted)
    pieces = [
        Cells(table=_numbers("{:04d}"), index=ids // 10_000),
        Cells(table=_numbers("{:04d},"), index=ids % 10_000),
        Cells(table=_centres(), index=centre),
        Cells(table=_numbers("{},", 100_000), index=_daily_numbers(minute // 1440, centre)),
        Cells(table=text_table(_day_texts(span)), index=minute // 1440),
        Cells(table=_clock(), index=minute % 1440),
        Cells(table=_kinds(), index=kind),
        Cells(table=sites, index=site),
        Cells(table=_severities(), index=chance.pick([965, 22, 9, 4], wanted)),
        Cells(table=_numbers("{}\n"), index=_durations(kind, chance)),
    ]
    for start in range(0, wanted, _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        cut = [Cells(table=piece.table, index=piece.index[part]) for piece in pieces]
        yield joined_rows(cut, len(cut[0].index))


def _minutes(span: Span, wanted: int, chance: Chance) -> Integers:
    """Minutes since the start of the span at which incidents are reported, ascending."""
    weights: list[int] = []
    for number in range(span.days):
        day = span.first + dt.timedelta(days=number)
        hours = _HOURS_OFF if is_day_off(day) else _HOURS
        busy = 90 + int(chance.below(21, 1)[0]) + (8 if day.weekday() == 4 else 0)
        weights += [hour * busy for hour in hours]
    return np.sort(chance.pick(weights, wanted) * 60 + chance.below(60, wanted))


def _site_picks(wanted: int, chance: Chance, site_count: int) -> Integers:
    """Sites, some of them much more often than others, as at the merges where collisions gather."""
    one, other = chance.below(site_count, wanted), chance.below(site_count, wanted)
    return np.where(chance.below(3, wanted) > 0, np.minimum(one, other), one)


def _daily_numbers(day: Integers, centre: Integers) -> Integers:
    """The number that a centre gives an incident: 1, 2, … and again from 1 on the next day."""
    group = day * len(STRETCHES) + centre
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    position = np.arange(len(group))
    starts = np.where(np.r_[True, ordered[1:] != ordered[:-1]], position, 0)
    numbers = np.empty_like(group)
    numbers[order] = position - np.maximum.accumulate(starts) + 1
    return np.minimum(numbers, 99_999)


def _durations(kind: Integers, chance: Chance) -> Integers:
    typical = np.array([kind[2] for kind in KINDS], dtype=np.int64)[kind]
    percent = np.array(_DURATIONS, dtype=np.int64)[chance.below(len(_DURATIONS), len(kind))]
    spread = 85 + chance.below(31, len(kind))
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

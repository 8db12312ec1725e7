"""NOAA Local Climatological Data, version 2: one quoted file per station and year, report types mixed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from data_sample.airport import AIRPORTS, Airport
from data_sample.chance import Chance
from data_sample.file import SampleFile
from data_sample.lcd import LCD_COLUMNS
from data_sample.report import report_rows, year_reports
from data_sample.summary import daily_rows, monthly_rows
from data_sample.weather import year_weather

LAST_YEAR = 2024
_STREAM = 21
_TYPICAL_FILE_BYTES = 7_150_000
_HEADER = ('"' + '","'.join(LCD_COLUMNS) + '"\n').encode("ascii")


def climate_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """Whole years, and last a station whose year is not over: it ends where the size is reached."""
    count = max(1, -(-(size_bytes - _TYPICAL_FILE_BYTES // 20) // _TYPICAL_FILE_BYTES))
    listed = [(AIRPORTS[n % len(AIRPORTS)], LAST_YEAR - n // len(AIRPORTS)) for n in range(count)]
    return [
        SampleFile(
            name=f"LCD_{airport.station}_{year}.csv",
            blocks=partial(_year_blocks, airport, year, number == count - 1, seed),
        )
        for number, (airport, year) in enumerate(listed)
    ]


def _year_blocks(airport: Airport, year: int, is_last: bool, seed: int, lacking: int) -> Iterator[bytes]:
    days = _day_blocks(airport, year, Chance(seed, _STREAM, int(airport.wban), year))
    yield _HEADER
    if is_last:
        sizes = np.cumsum([len(block) for block in days])
        days = days[: int(np.argmin(np.abs(sizes + len(_HEADER) - lacking))) + 1]
    yield b"".join(days)


def _day_blocks(airport: Airport, year: int, chance: Chance) -> list[bytes]:
    """The rows of each day in order of time; at midnight the synoptic report precedes the summaries."""
    weather = year_weather(airport.climate, airport.elevation, year, chance)
    rows: list[bytes] = []
    minutes = []
    for reports in year_reports(airport, weather, chance):
        rows += report_rows(airport, year, weather, reports, chance)
        minutes.append(reports.minute)
    for summaries, starts in (
        (daily_rows(airport, year, weather), np.arange(len(weather.temp_f) // 24) * 1440),
        (monthly_rows(airport, year, weather), _month_starts(year)),
    ):
        rows += summaries
        minutes.append(starts)
    minute = np.concatenate(minutes)
    order = np.argsort(minute, kind="stable")
    edges = np.searchsorted(minute[order] // 1440, np.arange(len(weather.temp_f) // 24 + 1)).tolist()
    ordered = [rows[position] for position in order.tolist()]
    return [b"\n".join(ordered[a:b]) + b"\n" for a, b in pairwise(edges) if b > a]


def _month_starts(year: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    days = np.arange(f"{year}-01", f"{year + 1}-01", dtype="datetime64[M]").astype("datetime64[D]")
    return (days - np.datetime64(f"{year}-01-01")).astype(np.int64) * 1440

"""Files of NOAA Local Climatological Data, version 2: one per station and year, cells quoted, report types mixed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from data_sample.climate.airports import AIRPORTS, Airport
from data_sample.climate.columns import LCD_COLUMNS
from data_sample.climate.reports import report_rows, year_reports
from data_sample.climate.summaries import daily_rows, monthly_rows
from data_sample.climate.weather import year_weather
from data_sample.random_stream import RandomStream
from data_sample.sample_file import SampleFile

LAST_YEAR = 2024
_STREAM = 21
_TYPICAL_FILE_BYTES = 7_150_000
_HEADER = ('"' + '","'.join(LCD_COLUMNS) + '"\n').encode("ascii")


def climate_files(size_bytes: int, seed: int) -> list[SampleFile]:
    """Complete years, except the last file, which ends on the day that brings the total nearest to the size."""
    count = max(1, -(-(size_bytes - _TYPICAL_FILE_BYTES // 20) // _TYPICAL_FILE_BYTES))
    station_years = [(AIRPORTS[n % len(AIRPORTS)], LAST_YEAR - n // len(AIRPORTS)) for n in range(count)]
    return [
        SampleFile(
            name=f"LCD_{airport.station}_{year}.csv",
            blocks=partial(_year_blocks, airport, year, number == count - 1, seed),
        )
        for number, (airport, year) in enumerate(station_years)
    ]


def _year_blocks(airport: Airport, year: int, is_last: bool, seed: int, needed_bytes: int) -> Iterator[bytes]:
    days = _day_blocks(airport, year, RandomStream(seed, _STREAM, int(airport.wban), year))
    yield _HEADER
    if is_last:
        sizes = np.cumsum([len(block) for block in days])
        days = days[: int(np.argmin(np.abs(sizes + len(_HEADER) - needed_bytes))) + 1]
    yield b"".join(days)


def _day_blocks(airport: Airport, year: int, random: RandomStream) -> list[bytes]:
    """The rows of each day, sorted by time; at midnight the synoptic report precedes the summaries."""
    weather = year_weather(airport.climate, airport.elevation, year, random)
    rows: list[bytes] = []
    minutes = []
    for reports in year_reports(airport, weather, random):
        rows += report_rows(airport, year, weather, reports, random)
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

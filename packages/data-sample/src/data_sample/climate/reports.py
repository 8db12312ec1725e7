"""Rows of hourly reports: FM-15 (METAR), FM-16 (SPECI) and FM-12 (SYNOP)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_sample.climate.airports import Airport
from data_sample.climate.columns import HOURLY, LCD_COLUMNS, REMARK
from data_sample.climate.texts import (
    END_OF_CELL,
    HIGH_F,
    LOW_F,
    amounts,
    change_groups,
    changes,
    clock,
    dates,
    degrees,
    directions,
    distances,
    layers,
    miles,
    month_days,
    padded,
    percents,
    present_weather,
    second_layers,
    short_dates,
    speeds,
    tendencies,
    tendency,
    tenth_groups,
    tenths,
    wet_degrees,
    whole_degrees,
    wind_words,
)
from data_sample.climate.weather import HEIGHTS, TRACE, VISIBILITIES, Weather
from data_sample.random_stream import Integers, RandomStream
from data_sample.text_table import Cells, Piece, TextTable, decimal_text, joined_rows, row_lengths, text_table

KINDS = ("FM-12", "FM-15", "FM-16")
_SOURCES = {"FM-12": "223", "FM-15": "343", "FM-16": "343"}
_UTC_OFFSET_MINUTES = 8 * 60
_OBSERVERS = ("", "", "", " (CK)", " (SD)", " (JJ)", " (RC)", " (CD)", " $")


@dataclass(frozen=True, kw_only=True)
class Reports:
    """Reports of one kind, sorted by time.

    Attributes:
        kind: FM-12, FM-15 or FM-16.
        minute: Minutes since the start of the year, local standard time.
        hour: The hour of the year whose weather each report describes.
    """

    kind: str
    minute: Integers
    hour: Integers


def year_reports(airport: Airport, weather: Weather, random: RandomStream) -> list[Reports]:
    """The reports of a year. One hour in 300 is missing, and twice a year about a day."""
    hours = np.arange(len(weather.temp_f))
    up = random.integers(300, len(hours)) > 0
    for start in random.integers(len(hours), 2).tolist():
        up[start : start + 20 + start % 17] = False
    regular = hours[up]
    # Six-hourly synoptic reports are due at 00, 06, 12 and 18 UTC and repeat the regular one just before.
    synoptic = hours[up & ((hours + 1) % 6 == 4)]
    unsettled = (weather.phenomenon > 1) & (random.integers(100, len(hours)) < 62)
    often = hours[up & unsettled]
    special = np.sort(np.concatenate([often, often[random.integers(100, len(often)) < 40]]))
    minute = special * 60 + random.integers(airport.minute - 2, len(special))
    return [
        Reports(kind="FM-12", minute=(synoptic + 1) * 60, hour=synoptic),
        Reports(kind="FM-15", minute=regular * 60 + airport.minute, hour=regular),
        Reports(kind="FM-16", minute=np.sort(minute), hour=special),
    ]


def report_rows(airport: Airport, year: int, weather: Weather, reports: Reports, random: RandomStream) -> list[bytes]:
    """One quoted CSV row per report, without line end."""
    gaps = LCD_COLUMNS[HOURLY.stop : REMARK], LCD_COLUMNS[REMARK + 1 : -1]
    columns = _hourly_columns(weather, reports, random)
    remark = _synop(airport, year, weather, reports) if reports.kind == "FM-12" else _metar(
        airport, year, weather, reports, random
    )  # fmt: skip
    pieces: list[Piece] = [
        f'"{airport.station}","',
        Cells(table=dates(year), index=reports.minute // 1440),
        Cells(table=clock("T{:02d}:{:02d}:00"), index=reports.minute % 1440),
        f'","{airport.latitude}","{airport.longitude}","{decimal_text(airport.elevation, places=1)}","{airport.name}"'
        f',"{reports.kind}","{_SOURCES[reports.kind]}","',
        *columns,
        END_OF_CELL * len(gaps[0]),
        *remark,
        END_OF_CELL + END_OF_CELL * len(gaps[1]) + f'{airport.wind_date}"\n',
    ]
    return joined_rows(pieces, len(reports.hour)).splitlines()


def _hourly_columns(weather: Weather, reports: Reports, random: RandomStream) -> list[Piece]:
    """Sixteen cells from altimeter setting to wind speed, each with its closing quotes."""
    hour, count = reports.hour, len(reports.hour)
    is_synop = np.full(count, reports.kind == "FM-12")
    is_special = np.full(count, reports.kind == "FM-16")
    draw = random.integers(10_000, count)
    change = _pressure_change(weather, hour)
    no_change = ~is_synop & (is_special | (hour % 3 > 0))
    rain = weather.rain[hour]
    calm = weather.wind_kt[hour] == 0
    vis = weather.visibility[hour]
    vis = np.where((vis < 8) & (draw < 400), vis + len(VISIBILITIES), vis)
    return [
        _cells(tenths(), weather.altimeter[hour] * 338_639 // 100_000, is_synop),
        _cells(degrees(), _flagged(weather.dew_f[hour], draw, 15), draw == 16),
        _cells(degrees(), np.where(draw == 17, _STAR, _flagged(weather.temp_f[hour], draw, 9)), draw < 0),
        _cells(
            amounts(),
            np.where(rain == TRACE, 0, rain + 1) + 100 * (draw < 60),
            is_synop | (is_special & (rain == 0)),
        ),
        _cells(present_weather(1), weather.phenomenon[hour], draw < 0),
        _cells(changes(), change + 300, no_change),
        _cells(tendencies(), tendency(change), no_change),
        _cells(percents(), weather.humidity[hour], draw == 16),
        *_sky_columns(weather, hour, is_synop),
        _cells(tenths(), weather.sea_hpa[hour], is_special | (draw > 9_960)),
        _cells(tenths(), weather.station_hpa[hour], draw < 0),
        _cells(distances(), vis, is_synop),
        _cells(wet_degrees(), weather.wet_tenths[hour] + 600, draw == 16),
        _cells(directions(), weather.wind_tens[hour], calm),
        _cells(speeds(), weather.gust_kt[hour], is_synop | (weather.gust_kt[hour] == 0)),
        _cells(speeds(), weather.wind_kt[hour], draw == 18),
    ]


def _cells(table: TextTable, index: Integers, empty: NDArray[np.bool_]) -> Cells:
    """Cells, some of them empty: the last text of each table is the empty cell."""
    return Cells(table=table, index=np.where(empty, len(table.lengths) - 1, index))


def _flagged(fahrenheit: Integers, draw: Integers, below: int) -> Integers:
    """Positions in the table of degrees; a few values are flagged as suspect."""
    return fahrenheit - LOW_F + (HIGH_F - LOW_F) * (draw < below)


_STAR = 2 * (HIGH_F - LOW_F)


def _sky_columns(weather: Weather, hour: Integers, is_synop: NDArray[np.bool_]) -> list[Piece]:
    lower = weather.cover[hour] * len(HEIGHTS) + weather.base[hour]
    upper = weather.second_cover[hour] * len(HEIGHTS) + weather.second_base[hour]
    none = len(layers(1).lengths) - 1
    return [
        Cells(table=layers(1), index=np.where(is_synop, none, lower)),
        Cells(table=second_layers(1), index=np.where(is_synop, 0, upper)),
        END_OF_CELL,
    ]


def _pressure_change(weather: Weather, hour: Integers) -> Integers:
    """Change over three hours in tenths of hPa, within ±30 hPa."""
    before = weather.sea_hpa[np.maximum(hour - 3, 0)]
    change: Integers = np.clip(weather.sea_hpa[hour] - before, -299, 299)
    return change


def _metar(airport: Airport, year: int, weather: Weather, reports: Reports, random: RandomStream) -> list[Piece]:
    """`MET`, the length of the rest, local date and time, and the report with the values of the row."""
    hour, word = reports.hour, "METAR" if reports.kind == "FM-15" else "SPECI"
    utc = reports.minute + _UTC_OFFSET_MINUTES
    change = _pressure_change(weather, hour)
    is_regular = np.full(len(hour), reports.kind == "FM-15")
    calm = weather.wind_kt[hour] == 0
    text: list[Piece] = [
        Cells(table=short_dates(year), index=reports.minute // 1440),
        Cells(table=clock("{:02d}:{:02d}:02"), index=reports.minute % 1440),
        f" {word} {airport.icao} ",
        Cells(table=month_days(year), index=utc // 1440),
        Cells(table=clock("{:02d}{:02d}Z "), index=utc % 1440),
        Cells(table=wind_words(), index=np.where(calm, 37, weather.wind_tens[hour])),
        Cells(table=padded("{:02d}", 60), index=weather.wind_kt[hour]),
        Cells(table=padded("G{:02d}KT ", 70, zero="KT "), index=weather.gust_kt[hour]),
        Cells(table=miles(), index=weather.visibility[hour]),
        Cells(table=present_weather(0), index=weather.phenomenon[hour]),
        Cells(table=layers(0), index=weather.cover[hour] * len(HEIGHTS) + weather.base[hour]),
        Cells(
            table=second_layers(0),
            index=weather.second_cover[hour] * len(HEIGHTS) + weather.second_base[hour],
        ),
        Cells(table=whole_degrees(" "), index=weather.temp_f[hour] - LOW_F),
        Cells(table=whole_degrees("/"), index=weather.dew_f[hour] - LOW_F),
        Cells(table=padded(" A{:04d} RMK AO2", 3300), index=weather.altimeter[hour]),
        Cells(
            table=padded(" SLP{:03d}", 1001, last=""),
            index=np.where(is_regular, weather.sea_hpa[hour] % 1000, 1000),
        ),
        Cells(table=padded(" P{:04d}", 101, last=""), index=_rain_group(weather.rain[hour])),
        Cells(table=tenth_groups(" T{}"), index=weather.temp_f[hour] - LOW_F),
        Cells(table=tenth_groups("{}"), index=weather.dew_f[hour] - LOW_F),
        Cells(table=change_groups(), index=np.where(is_regular & (hour % 3 == 0), change + 300, 600)),
        Cells(table=text_table(_OBSERVERS), index=random.integers(len(_OBSERVERS), len(hour))),
    ]
    return ["MET", _length(text, len(hour)), *text]


def _synop(airport: Airport, year: int, weather: Weather, reports: Reports) -> list[Piece]:
    """`SYN`, the length of the rest, and the report in WMO code form FM-12."""
    hour = reports.hour
    utc = reports.minute + _UTC_OFFSET_MINUTES
    calm = weather.wind_kt[hour] == 0
    oktas = np.array([0, 2, 4, 7, 8], dtype=np.int64)[weather.cover[hour]]
    coming = np.lib.stride_tricks.sliding_window_view(np.r_[np.full(5, weather.temp_f[0]), weather.temp_f], 6)[hour]
    text: list[Piece] = [
        f"{airport.wmo} 32966 ",
        Cells(table=padded("{}", 10), index=oktas),
        Cells(table=padded("{:02d}", 38, last="00"), index=np.where(calm, 37, weather.wind_tens[hour])),
        Cells(table=padded("{:02d}", 60), index=weather.wind_kt[hour]),
        Cells(table=tenth_groups(" 1{}"), index=weather.temp_f[hour] - LOW_F),
        Cells(table=tenth_groups(" 2{}"), index=weather.dew_f[hour] - LOW_F),
        Cells(table=padded(" 3{:04d}", 10_000), index=weather.station_hpa[hour] % 10_000),
        Cells(table=padded(" 4{:04d}", 10_000), index=weather.sea_hpa[hour] % 10_000),
        Cells(table=change_groups(), index=_pressure_change(weather, hour) + 300),
        Cells(table=clock(" 9{:02d}{:02d} 333"), index=(utc - 60 + airport.minute) % 1440),
        Cells(table=tenth_groups(" 1{}"), index=coming.max(axis=1) - LOW_F),
        Cells(table=tenth_groups(" 2{}"), index=coming.min(axis=1) - LOW_F),
        " 555 9",
        Cells(table=month_days(year), index=utc // 1440),
        Cells(table=clock("{:02d}="), index=utc % 1440),
    ]
    return ["SYN", _length(text, len(hour)), *text]


def _length(text: list[Piece], count: int) -> Cells:
    return Cells(table=padded("{:03d}", 1000), index=row_lengths(text, count))


def _rain_group(rain: Integers) -> Integers:
    """Hundredths of an inch, a trace as 0; no group in a dry hour."""
    return np.where(rain == 0, 100, np.maximum(rain, 0))

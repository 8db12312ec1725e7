"""A year of hourly weather at an airport, each quantity a whole number of the unit in which it is reported."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from data_sample.climate.airports import Climate
from data_sample.random_stream import Floats, Integers, RandomStream

# Statute miles in the form of METAR, kilometres in that of the table.
VISIBILITIES = (
    ("1/4SM", "0.402"), ("1/2SM", "0.805"), ("3/4SM", "1.207"), ("1SM", "1.609"), ("1 1/2SM", "2.414"),
    ("2SM", "3.219"), ("2 1/2SM", "4.023"), ("3SM", "4.828"), ("4SM", "6.437"), ("5SM", "8.047"),
    ("6SM", "9.656"), ("7SM", "11.265"), ("8SM", "12.875"), ("9SM", "14.484"), ("10SM", "16.093"),
)  # fmt: skip
# METAR text, table text, codes in the daily summary.
PHENOMENA = (
    ("", "", ""), ("HZ ", "HZ:7 |FU |HZ", "HZ"), ("BR ", "BR:1 |BR |", "BR"), ("FG ", "FG:2 |FG |FG", "FG"),
    ("-RA ", "-RA:02 |RA |RA", "RA"), ("-RA BR ", "-RA:02 BR:1 |RA BR |RA", "BR RA"), ("RA ", "RA:02 |RA |RA", "RA"),
    ("RA BR ", "RA:02 BR:1 |RA BR |RA", "BR RA"), ("+RA BR ", "+RA:02 BR:1 |RA BR |RA", "BR RA"),
    ("-SN BR ", "-SN:03 BR:1 |SN BR |SN", "BR SN"), ("-SN ", "-SN:03 |SN |SN", "SN"),
)  # fmt: skip
COVERS = (("CLR", "CLR:00"), ("FEW", "FEW:02"), ("SCT", "SCT:04"), ("BKN", "BKN:07"), ("OVC", "OVC:08"))
# Cloud bases in hundreds of feet.
HEIGHTS = (2, 4, 6, 8, 10, 12, 15, 18, 22, 27, 33, 40, 48, 60, 80, 100, 120, 150, 200, 250)
TRACE = -1


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Hourly values from the first hour of January 1 on, local standard time.

    Attributes:
        temp_f, dew_f: Whole °F, as the sensors round them.
        wet_tenths: Wet-bulb temperature in tenths of °C.
        humidity: Percent.
        altimeter: Hundredths of inches of mercury.
        station_hpa, sea_hpa: Tenths of hPa.
        wind_kt, gust_kt: Knots; 0 means calm or no gust.
        wind_tens: Direction in tens of degrees, 1 to 36; 0 means variable.
        rain: Hundredths of an inch in the hour; TRACE means too little to measure.
        phenomenon, visibility: Positions in PHENOMENA and VISIBILITIES.
        cover, base: Positions in COVERS and HEIGHTS of the lower layer.
        second_cover, second_base: The same for the upper layer; the cover is 0 without one.
    """

    temp_f: Integers
    dew_f: Integers
    wet_tenths: Integers
    humidity: Integers
    altimeter: Integers
    station_hpa: Integers
    sea_hpa: Integers
    wind_kt: Integers
    gust_kt: Integers
    wind_tens: Integers
    rain: Integers
    phenomenon: Integers
    visibility: Integers
    cover: Integers
    base: Integers
    second_cover: Integers
    second_base: Integers


def persistent(random: RandomStream, count: int, keep: float) -> Floats:
    """A first-order autoregression with mean 0 and standard deviation 1; `keep` is the correlation of one step."""
    steps = random.normal(count + 200) * (1 - keep * keep) ** 0.5
    values = accumulate(steps.tolist(), lambda value, step: keep * value + step)
    return np.array(list(values)[200:])


def celsius_tenths(fahrenheit: Integers) -> Integers:
    """Whole °F as tenths of °C, rounded."""
    return ((fahrenheit - 32) * 100 + 9) // 18


def year_weather(climate: Climate, elevation: int, year: int, random: RandomStream) -> Weather:
    """The weather of one year at an elevation in tenths of a metre."""
    hours = ((dt.date(year + 1, 1, 1) - dt.date(year, 1, 1)).days) * 24
    winter = _yearly(hours)
    wet = _wet_hours(climate, winter, random)
    cloud = persistent(random, hours, 0.96) + 1.6 * wet - 0.45 + 0.35 * winter
    temp = _temperature(climate, winter, cloud, random)
    dew = _dew_point(climate, temp, wet, random)
    sea = 10160 + np.rint(55 * persistent(random, hours, 0.993) - 40 * wet + 15 * winter).astype(np.int64)
    # Standard atmosphere: 12 Pa per metre near the ground and less above.
    drop = elevation * (120_000 - elevation) // 1_000_000
    station = sea - drop
    wind_kt, gust_kt, wind_tens = _wind(climate, hours, wet, random)
    rain = _rain(wet, random)
    fog = (temp - dew <= 1) & (wind_kt < 7) & ~wet
    phenomenon = _phenomenon(temp, temp - dew, rain, wet, fog, random)
    cover, base = _sky(climate, cloud, wet, fog, random)
    second = np.where((cover > 0) & (cover < 4) & (random.integers(100, hours) < 35), np.minimum(cover + 1, 4), 0)
    celsius, dew_c = celsius_tenths(temp), celsius_tenths(dew)
    return Weather(
        temp_f=temp,
        dew_f=dew,
        wet_tenths=dew_c + (celsius - dew_c) * (52 + np.clip(-celsius // 20, -14, 14)) // 100,
        humidity=_humidity(temp, dew),
        altimeter=(sea * 2953 + 50_000) // 10_000,
        station_hpa=station,
        sea_hpa=sea,
        wind_kt=wind_kt,
        gust_kt=gust_kt,
        wind_tens=wind_tens,
        rain=rain,
        phenomenon=phenomenon,
        visibility=_visibility(phenomenon, random),
        cover=cover,
        base=base,
        second_cover=second,
        second_base=np.minimum(base + 2 + random.integers(5, hours), len(HEIGHTS) - 1),
    )


def _yearly(hours: int) -> Floats:
    """1 in mid-January, -1 in mid-July. Rounded, because cosines differ in the last bit between machines."""
    days = [round(math.cos(2 * math.pi * (day - 17) / 365.25), 4) for day in range(hours // 24)]
    return np.repeat(np.array(days), 24)


def _daily(hours: int) -> Floats:
    """1 at 15:00, -1 at 03:00."""
    day = [round(math.cos(2 * math.pi * (hour - 15) / 24), 4) for hour in range(24)]
    return np.tile(np.array(day), hours // 24)


def _wet_hours(climate: Climate, winter: Floats, random: RandomStream) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Wet spells as a two-state Markov chain. They last six hours on average and mostly start in winter."""
    starts = np.maximum(climate.wet * (0.42 + 0.58 * winter), climate.wet * 0.04) / 100_000
    wet, spell = False, []
    for draw, begins in zip(random.fraction(len(winter)).tolist(), starts.tolist(), strict=True):
        wet = draw < 0.83 if wet else draw < begins
        spell.append(wet)
    return np.array(spell)


def _temperature(climate: Climate, winter: Floats, cloud: Floats, random: RandomStream) -> Integers:
    clear = np.clip(1.15 - 0.3 * cloud, 0.35, 1.25)
    shape = climate.mean - climate.yearly * winter + climate.daily * _daily(len(winter)) * clear
    return np.rint((shape + 52 * persistent(random, len(winter), 0.985)) / 10).astype(np.int64)


def _dew_point(
    climate: Climate, temp: Integers, wet: np.ndarray[tuple[int], np.dtype[np.bool_]], random: RandomStream
) -> Integers:
    day = 0.55 * climate.daily * _daily(len(temp))
    gap = climate.dew_gap * (1 + 0.45 * persistent(random, len(temp), 0.975)) + day
    gap = np.where(wet, 15 + 0.08 * np.maximum(gap, 0), gap)
    below: Integers = temp - np.clip(np.rint(gap / 10), 0, 70).astype(np.int64)
    return below


def _wind(
    climate: Climate, hours: int, wet: np.ndarray[tuple[int], np.dtype[np.bool_]], random: RandomStream
) -> tuple[Integers, Integers, Integers]:
    strength = climate.wind * (1 + 0.55 * _daily(hours) + 0.52 * persistent(random, hours, 0.93) + 0.6 * wet)
    knots = np.rint(np.maximum(strength, 0) / 10).astype(np.int64)
    knots = np.where(knots < 3, 0, np.minimum(knots, 48))
    draw = random.integers(100, hours)
    gust = np.where((knots >= 12) & (draw < 55), knots + 6 + random.integers(9, hours), 0)
    turn = np.rint(5.5 * persistent(random, hours, 0.95) + 1.2 * random.normal(hours)).astype(np.int64)
    tens = (climate.from_tens + turn - 1) % 36 + 1
    return knots, gust, np.where((knots <= 6) & (draw < 9), 0, tens)


def _rain(wet: np.ndarray[tuple[int], np.dtype[np.bool_]], random: RandomStream) -> Integers:
    """Rain per hour: often a trace or little, rarely much."""
    amounts = np.array([TRACE, TRACE, TRACE, TRACE, 1, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12, 17, 24, 38], dtype=np.int64)
    return np.where(wet, amounts[random.integers(len(amounts), len(wet))], 0)


def _phenomenon(
    temp: Integers, gap: Integers, rain: Integers, wet: np.ndarray[tuple[int], np.dtype[np.bool_]],
    fog: np.ndarray[tuple[int], np.dtype[np.bool_]], random: RandomStream,
) -> Integers:  # fmt: skip
    draw = random.integers(100, len(temp))
    misty = (gap <= 2).astype(np.int64)
    falling = np.where(rain >= 24, 8, np.where(rain >= 10, 6 + misty, 4 + misty))
    falling = np.where(temp <= 33, np.where(gap <= 2, 9, 10), falling)
    dry = np.where(fog & (draw < 60), 3, np.where((gap <= 3) & (draw < 70), 2, np.where(draw < 2, 1, 0)))
    return np.where(wet & (draw < 88), falling, dry)


def _visibility(phenomenon: Integers, random: RandomStream) -> Integers:
    lowest = np.array([14, 8, 7, 0, 11, 7, 9, 5, 2, 3, 6], dtype=np.int64)
    spread = np.array([1, 5, 5, 3, 4, 5, 4, 4, 4, 6, 6], dtype=np.int64)
    return lowest[phenomenon] + random.integers(1 << 20, len(phenomenon)) % spread[phenomenon]


def _sky(
    climate: Climate, cloud: Floats, wet: np.ndarray[tuple[int], np.dtype[np.bool_]],
    fog: np.ndarray[tuple[int], np.dtype[np.bool_]], random: RandomStream,
) -> tuple[Integers, Integers]:  # fmt: skip
    hours = len(cloud)
    morning = np.tile(np.array([1] * 10 + [0] * 9 + [1] * 5, dtype=np.int64), hours // 24)
    stratus = (morning * climate.stratus * 8 > random.integers(100, hours)) & (cloud > -0.4) & ~wet
    total = np.where(stratus, cloud + 1, cloud)
    cover = np.searchsorted(np.array([-0.1, 0.35, 0.8, 1.35]), total).astype(np.int64)
    height = np.clip(np.rint(12 + 3.4 * persistent(random, hours, 0.9)), 5, len(HEIGHTS) - 1).astype(np.int64)
    height = np.where(wet | stratus, np.maximum(height // 2 - 1, 1), height)
    cover = np.where(wet, np.maximum(cover, 3), cover)
    return np.where(fog, 4, cover), np.where(fog, random.integers(2, hours), height)


def _humidity(temp: Integers, dew: Integers) -> Integers:
    """Relative humidity in percent, from vapour pressures in tenths of a pascal (Alduchov and Eskridge 1996)."""
    low, high = -60, 140
    tenths = celsius_tenths(np.arange(low, high, dtype=np.int64)).tolist()
    pressures = [round(6109.4 * math.exp(17.625 * t / (t + 2430.4))) for t in tenths]
    table = np.array(pressures, dtype=np.int64)
    over, under = table[np.clip(dew - low, 0, 199)], table[np.clip(temp - low, 0, 199)]
    percent: Integers = np.clip((100 * over + under // 2) // under, 1, 100)
    return percent

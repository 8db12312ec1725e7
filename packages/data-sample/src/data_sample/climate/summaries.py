"""Rows of daily (SOD) and monthly (SOM) summaries, computed from the hourly weather."""

from __future__ import annotations

import calendar
import datetime as dt
import math

import numpy as np

from data_sample.climate.airports import Airport
from data_sample.climate.columns import LCD_COLUMNS
from data_sample.climate.texts import knots_as_tenths, millimetre_tenths
from data_sample.climate.weather import PHENOMENA, TRACE, Weather, celsius_tenths
from data_sample.random_stream import Integers
from data_sample.text_table import decimal_text

# Degree days count from 65 °F, which is 18.3 °C.
_BASE_TENTHS = 183
_BURSTS = (5, 10, 15, 20, 30, 45, 60, 80, 100, 120, 150, 180)
# Rain in the wettest interval of that many minutes, in percent of the rain of an hour.
_BURST_SHARES = (19, 30, 39, 47, 61, 82, 100, 112, 122, 131, 142, 151)


def daily_rows(airport: Airport, year: int, weather: Weather) -> list[bytes]:
    """One SOD row per day, dated at the midnight at its start."""
    first = dt.date(year, 1, 1)
    days = [first + dt.timedelta(days=n) for n in range(len(weather.temp_f) // 24)]
    return [_row(airport, day, "SOD", _day_values(airport, day, n, weather)) for n, day in enumerate(days)]


def monthly_rows(airport: Airport, year: int, weather: Weather) -> list[bytes]:
    """One SOM row per month, dated on its first day."""
    return [
        _row(airport, dt.date(year, month, 1), "SOM", _month_values(airport, dt.date(year, month, 1), weather))
        for month in range(1, 13)
    ]


def _row(airport: Airport, day: dt.date, kind: str, values: dict[str, str]) -> bytes:
    known = {
        "STATION": airport.station, "DATE": f"{day}T00:00:00", "LATITUDE": airport.latitude,
        "LONGITUDE": airport.longitude, "ELEVATION": decimal_text(airport.elevation, places=1),
        "NAME": airport.name, "REPORT_TYPE": kind, "WindEquipmentChangeDate": airport.wind_date,
    } | values  # fmt: skip
    return ('"' + '","'.join([known.get(name, "") for name in LCD_COLUMNS]) + '"').encode("ascii")


def _day_numbers(year: int, month: int) -> slice:
    start = dt.date(year, month, 1).timetuple().tm_yday - 1
    return slice(start, start + calendar.monthrange(year, month)[1])


def _tenths(value: int) -> str:
    return decimal_text(value, places=1)


def _mean(values: Integers) -> int:
    """The mean of whole numbers, rounded half up, computed with whole numbers only."""
    return int((2 * int(values.sum()) + len(values)) // (2 * len(values)))


def _amount(rain: Integers) -> str:
    total = int(rain[rain > 0].sum())
    return (
        _tenths(int(millimetre_tenths(rain[rain > 0].sum(keepdims=True))[0]))
        if total
        else "T"
        if (rain == TRACE).any()
        else "0.0"
    )


def _day_values(airport: Airport, day: dt.date, number: int, weather: Weather) -> dict[str, str]:
    part = slice(number * 24, number * 24 + 24)
    celsius, dew = celsius_tenths(weather.temp_f[part]), celsius_tenths(weather.dew_f[part])
    high, low = int(celsius.max()) + number % 4, int(celsius.min()) - number % 3
    mean = (high + low) // 2
    knots, gusts = weather.wind_kt[part], np.maximum(weather.gust_kt[part], weather.wind_kt[part] + 3)
    strongest = int(np.argmax(gusts))
    sunrise, sunset = _sun(airport, day)
    from_tens = np.where(weather.wind_tens[part] == 0, 36, weather.wind_tens[part])
    return {
        "Sunrise": sunrise, "Sunset": sunset,
        "DailyAverageDewPointTemperature": _tenths(_mean(dew)),
        "DailyAverageDryBulbTemperature": _tenths(mean),
        "DailyAverageRelativeHumidity": str(_mean(weather.humidity[part])),
        "DailyAverageSeaLevelPressure": _tenths(_mean(weather.sea_hpa[part])),
        "DailyAverageStationPressure": _tenths(_mean(weather.station_hpa[part])),
        "DailyAverageWetBulbTemperature": _tenths(_mean(weather.wet_tenths[part])),
        "DailyAverageWindSpeed": _tenths(_mean(knots * 51_444 // 10_000)),
        "DailyCoolingDegreeDays": _tenths(max(mean - _BASE_TENTHS, 0)),
        "DailyDepartureFromNormalAverageTemperature": decimal_text(10 * mean - _normal(airport, day), places=2),
        "DailyHeatingDegreeDays": _tenths(max(_BASE_TENTHS - mean, 0)),
        "DailyMaximumDryBulbTemperature": _tenths(high) + ("s" if number % 97 == 41 else ""),
        "DailyMinimumDryBulbTemperature": _tenths(low),
        "DailyPeakWindDirection": f"{from_tens[strongest]}0",
        "DailyPeakWindSpeed": _tenths(knots_as_tenths(int(gusts[strongest]))),
        "DailyPrecipitation": _amount(weather.rain[part]) + ("s" if number % 89 == 17 else ""),
        "DailySnowDepth": "M" if number % 61 == 23 else _snow_depth(weather, number),
        "DailySnowfall": _snowfall(weather, part),
        "DailySustainedWindDirection": f"{from_tens[int(np.argmax(knots))]}0",
        "DailySustainedWindSpeed": _tenths(knots_as_tenths(int(knots.max()))),
        "DailyWeather": " ".join(_codes(weather.phenomenon[part])),
    }  # fmt: skip


def _codes(phenomenon: Integers) -> list[str]:
    return sorted({code for position in set(phenomenon.tolist()) for code in PHENOMENA[position][2].split()})


def _snowfall(weather: Weather, part: slice) -> str:
    """Snowfall in whole millimetres, ten times the melted amount, or a trace."""
    snows = weather.phenomenon[part] >= 9
    melted = int(np.maximum(weather.rain[part], 0)[snows].sum())
    return str(melted * 254 // 100) if melted else "T" if snows.any() else "0"


def _snow_depth(weather: Weather, number: int) -> str:
    """Two thirds of the snowfall of three days, in steps of ten millimetres as observers read it."""
    fallen = _snowfall(weather, slice(max(number - 2, 0) * 24, number * 24 + 24))
    return fallen if fallen in {"0", "T"} else str(int(fallen) * 2 // 30 * 10)


def _normal(airport: Airport, day: dt.date) -> int:
    """The normal temperature of a day in hundredths of °C."""
    winter = round(math.cos(2 * math.pi * (day.timetuple().tm_yday - 18) / 365.25), 4)
    return (round(airport.climate.mean - airport.climate.yearly * winter) - 320) * 50 // 9


def _sun(airport: Airport, day: dt.date) -> tuple[str, str]:
    """Sunrise and sunset as HHMM local standard time, within a few minutes (NOAA's low-accuracy formulas)."""
    angle = 2 * math.pi * (day.timetuple().tm_yday - 81) / 365.25
    tilt = 0.4095 * math.sin(angle)
    equation = 9.87 * math.sin(2 * angle) - 7.53 * math.cos(angle) - 1.5 * math.sin(angle)
    half = math.acos(-math.tan(math.radians(float(airport.latitude))) * math.tan(tilt)) * 720 / math.pi + 3.5
    noon = 720 - 4 * (float(airport.longitude) + 120) - equation
    rise, fall = round(noon - half), round(noon + half)
    return f"{rise // 60:02d}{rise % 60:02d}", f"{fall // 60:02d}{fall % 60:02d}"


def _month_values(airport: Airport, first: dt.date, weather: Weather) -> dict[str, str]:
    days = _day_numbers(first.year, first.month)
    hours = slice(days.start * 24, days.stop * 24)
    celsius = celsius_tenths(weather.temp_f[hours]).reshape(-1, 24)
    highs, lows = celsius.max(axis=1), celsius.min(axis=1)
    means = (highs + lows) // 2
    rain = np.maximum(weather.rain[hours], 0)
    normal = sum(_normal(airport, first.replace(day=day)) for day in range(1, 29)) // 28
    cooling, heating = np.maximum(means - _BASE_TENTHS, 0), np.maximum(_BASE_TENTHS - means, 0)
    usual_cooling, usual_heating = max(normal // 10 - _BASE_TENTHS, 0), max(_BASE_TENTHS - normal // 10, 0)
    return {
        **_month_temperatures(highs, lows, means, normal),
        **_month_rain(first, rain.reshape(-1, 24), hours, weather),
        **_month_pressure(hours, weather),
        "MonthlyAverageRH": str(_mean(weather.humidity[hours])),
        "MonthlyDewpointTemperature": decimal_text(10 * _mean(celsius_tenths(weather.dew_f[hours])), places=2),
        "MonthlyWetBulb": decimal_text(10 * _mean(weather.wet_tenths[hours]), places=2),
        "MonthlyAverageWindSpeed": _tenths(_mean(weather.wind_kt[hours] * 51_444 // 10_000)),
        "MonthlyCoolingDegreeDays": _tenths(int(cooling.sum())),
        "MonthlyHeatingDegreeDays": _tenths(int(heating.sum())),
        "MonthlyDepartureFromNormalCoolingDegreeDays": _tenths(int(cooling.sum()) - usual_cooling * len(means)),
        "MonthlyDepartureFromNormalHeatingDegreeDays": _tenths(int(heating.sum()) - usual_heating * len(means)),
        "NormalsCoolingDegreeDay": _tenths(usual_cooling * len(means)),
        "NormalsHeatingDegreeDay": _tenths(usual_heating * len(means)),
    }


def _month_temperatures(highs: Integers, lows: Integers, means: Integers, normal: int) -> dict[str, str]:
    return {
        "MonthlyDaysWithGT32Temp": str(int((lows <= 0).sum())),
        "MonthlyDaysWithGT90Temp": str(int((highs >= 322).sum())),
        "MonthlyDaysWithLT0Temp": str(int((lows <= -178).sum())),
        "MonthlyDaysWithLT32Temp": str(int((highs <= 0).sum())),
        "MonthlyMaximumTemperature": decimal_text(10 * _mean(highs), places=2),
        "MonthlyMinimumTemperature": decimal_text(10 * _mean(lows), places=2),
        "MonthlyMeanTemperature": decimal_text(10 * _mean(means), places=2),
        "MonthlyDepartureFromNormalAverageTemperature": decimal_text(10 * _mean(means) - normal, places=2),
    }


def _month_rain(first: dt.date, rain: Integers, hours: slice, weather: Weather) -> dict[str, str]:
    daily = rain.sum(axis=1)
    total = _tenths(int(millimetre_tenths(daily.sum())))
    values = {
        "MonthlyDaysWithGT001Precip": str(int((daily >= 1).sum())),
        "MonthlyDaysWithGT010Precip": str(int((daily >= 10).sum())),
        "MonthlyTotalLiquidPrecipitation": total if daily.any() or (weather.rain[hours] == 0).all() else "T",
        "MonthlyTotalSnowfall": _snowfall(weather, hours),
        "MonthlyNumberDaysWithHeavyFog": str(int((weather.phenomenon[hours].reshape(-1, 24) == 3).any(axis=1).sum())),
        "MonthlyNumberDaysWithThunderstorms": "0",
        "MonthlyNumberDaysWithSnowfall": str(int((weather.phenomenon[hours].reshape(-1, 24) >= 9).any(axis=1).sum())),
    }
    if daily.any():
        wettest = int(np.argmax(daily)) + 1
        values["MonthlyGreatestPrecip"] = _tenths(int(millimetre_tenths(daily.max())))
        values["MonthlyGreatestPrecipDate"] = f"{wettest:02d}-{wettest:02d}"
        values |= _bursts(first, rain.reshape(-1))
    return values


def _bursts(first: dt.date, rain: Integers) -> dict[str, str]:
    """The rain of the wettest 5 to 180 minutes of the month, and when they ended."""
    hour, most = int(np.argmax(rain)), int(rain.max())
    start = dt.datetime(first.year, first.month, 1) + dt.timedelta(hours=hour)
    values = {}
    for minutes, share in zip(_BURSTS, _BURST_SHARES, strict=True):
        end = start + dt.timedelta(minutes=7 + minutes)
        values[f"ShortDurationEndDate{minutes:03d}"] = f"{end:%Y-%m-%dT%H:%M:%S}"
        values[f"ShortDurationPrecipitationValue{minutes:03d}"] = _tenths(most * share * 254 // 10_000)
    return values


def _month_pressure(hours: slice, weather: Weather) -> dict[str, str]:
    pressure = weather.sea_hpa[hours]
    values = {
        "MonthlySeaLevelPressure": _tenths(_mean(pressure)),
        "MonthlyStationPressure": _tenths(_mean(weather.station_hpa[hours])),
    }
    for name, hour in (("Max", int(np.argmax(pressure))), ("Min", int(np.argmin(pressure)))):
        values[f"Monthly{name}SeaLevelPressureValue"] = _tenths(int(pressure[hour]))
        values[f"Monthly{name}SeaLevelPressureValueDate"] = f"{hour // 24 + 1:02d}"
        values[f"Monthly{name}SeaLevelPressureValueTime"] = f"{hour % 24:02d}53"
    return values

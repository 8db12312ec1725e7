"""Samples of Local Climatological Data look as published, their weather persists, and remarks agree with it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from data_sample import write_samples
from data_sample.climate.columns import LCD_COLUMNS

Row = dict[str, str]
_HEAD = (
    "STATION,DATE,LATITUDE,LONGITUDE,ELEVATION,NAME,REPORT_TYPE,SOURCE,HourlyAltimeterSetting,"
    "HourlyDewPointTemperature,HourlyDryBulbTemperature,HourlyPrecipitation,HourlyPresentWeatherType"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A complete year and part of another."""
    (report,) = write_samples(tmp_path_factory.mktemp("climate"), ["climate"], size_bytes=10_000_000)
    return [report.folder / name for name in report.files]


@pytest.fixture(scope="module")
def year(files: list[Path]) -> list[Row]:
    """The rows of the complete year."""
    with files[0].open(encoding="ascii", newline="") as stream:
        return list(csv.DictReader(stream))


def _of(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["REPORT_TYPE"] == kind]


def _temperatures(rows: list[Row]) -> list[float]:
    texts = [row["HourlyDryBulbTemperature"].rstrip("s") for row in _of(rows, "FM-15")]
    return [float(text) for text in texts if text not in {"", "*"}]


def _correlation(values: list[float], lag: int) -> float:
    mean = sum(values) / len(values)
    spread = sum((value - mean) ** 2 for value in values)
    return sum((a - mean) * (b - mean) for a, b in zip(values, values[lag:], strict=False)) / spread


def test_climate_files_are_named_by_station_and_year(files: list[Path]) -> None:
    """`LCD_`, NOAA's station id, the year."""
    assert [file.name for file in files] == ["LCD_USW00023174_2024.csv", "LCD_USW00023234_2024.csv"]


def test_every_climate_cell_is_quoted(files: list[Path]) -> None:
    """Each line consists of 125 quoted cells, including the header and empty cells."""
    line = re.compile(r'"[^"]*"(,"[^"]*"){124}')
    for file in files:
        text = file.read_bytes().decode("ascii")
        assert text.endswith("\n")
        assert all(line.fullmatch(found) for found in text.removesuffix("\n").split("\n"))


def test_climate_header_is_as_published(year: list[Row]) -> None:
    """125 distinct names, which begin and end as in version 2."""
    assert len(set(LCD_COLUMNS)) == 125
    assert ",".join(LCD_COLUMNS).startswith(_HEAD)
    assert LCD_COLUMNS[-11:-8] == ("REM", "BackupDirection", "BackupDistance")
    assert LCD_COLUMNS[-1] == "WindEquipmentChangeDate"
    assert tuple(year[0]) == LCD_COLUMNS


def test_report_types_fill_different_columns(year: list[Row]) -> None:
    """Hourly reports have hourly values, SOD rows daily ones, and SOM rows monthly ones."""
    types = Counter(row["REPORT_TYPE"] for row in year)
    assert types["SOD"] == 366
    assert types["SOM"] == 12
    assert types["FM-15"] > types["FM-12"] > types["FM-16"] > 100
    for row in year:
        filled = {name[:5] for name, cell in row.items() if cell and re.match("Hourly|Daily|Monthly", name)}
        expected = {"SOD": {"Daily"}, "SOM": {"Month"}}.get(row["REPORT_TYPE"], {"Hourl"})
        assert filled == expected


def test_climate_rows_are_in_order_of_time(year: list[Row]) -> None:
    """Dates ascend across all report types, from January 1 on."""
    dates = [row["DATE"] for row in year]
    assert dates == sorted(dates)
    assert dates[0] == "2024-01-01T00:00:00"
    assert all(re.fullmatch(r"2024-\d\d-\d\dT\d\d:\d\d:00", date) for date in dates)


def test_marks_and_suffixes_of_the_published_files_occur(year: list[Row]) -> None:
    """Suspect values, traces, variable winds and visibilities, and missing values all occur."""
    seen = {name: {row[name] for row in year} for name in LCD_COLUMNS}
    assert {"T", "0.0", "0.0s"} <= seen["HourlyPrecipitation"]
    assert "*" in seen["HourlyDryBulbTemperature"]
    assert any(text.endswith("s") for text in seen["HourlyDryBulbTemperature"])
    assert "VRB" in seen["HourlyWindDirection"]
    assert any(re.fullmatch(r"\d+\.\d{3}V", text) for text in seen["HourlyVisibility"])
    assert "M" in seen["DailySnowDepth"]


def test_remarks_agree_with_the_row(year: list[Row]) -> None:
    """A METAR has the temperature, dew point, wind and pressure of its row, and its length is correct."""
    checked = 0
    for row in _of(year, "FM-15"):
        found = re.match(
            r"MET(\d{3})((\d\d)/(\d\d)/24 (\d\d:\d\d):02 METAR KLAX \d{6}Z (\d{3}|VRB)(\d\d)(G\d\d)?KT .*"
            r" RMK AO2 SLP(\d{3}).* T(\d)(\d{3})(\d)(\d{3}).*)",
            row["REM"],
        )
        assert found is not None
        assert int(found[1]) == len(found[2])
        assert row["DATE"] == f"2024-{found[3]}-{found[4]}T{found[5]}:00"
        plain = all(row[name][-1:].isdigit() for name in ("HourlyDryBulbTemperature", "HourlyDewPointTemperature"))
        if plain and row["HourlySeaLevelPressure"] and row["HourlyWindSpeed"]:
            checked += 1
            assert abs(float(row["HourlyDryBulbTemperature"])) * 10 == pytest.approx(int(found[11]))
            assert (float(row["HourlyDewPointTemperature"]) < 0) == (found[12] == "1")
            assert row["HourlySeaLevelPressure"].replace(".", "")[-3:] == found[9]
            assert float(row["HourlyWindSpeed"]) == pytest.approx(int(found[7]) * 0.514444, abs=0.051)
    assert checked > 8000


def test_synoptic_remarks_agree_with_the_row(year: list[Row]) -> None:
    """Group 4 of a SYNOP is the sea level pressure of its row, and its length is correct."""
    rows = [row for row in _of(year, "FM-12") if row["HourlySeaLevelPressure"]]
    for row in rows:
        assert int(row["REM"][3:6]) == len(row["REM"]) - 6
        assert f" 4{int(row['HourlySeaLevelPressure'].replace('.', '')) % 10_000:04d} 5" in row["REM"]
    assert len(rows) > 1400


def test_dew_point_never_exceeds_temperature(year: list[Row]) -> None:
    """The dew point is at most the temperature, so relative humidity is at most 100 percent."""
    for row in _of(year, "FM-16"):
        air, dew = (row[name].rstrip("s") for name in ("HourlyDryBulbTemperature", "HourlyDewPointTemperature"))
        assert air == "*" or dew == "" or float(dew) <= float(air)
        assert row["HourlyRelativeHumidity"] == "" or 0 < int(row["HourlyRelativeHumidity"]) <= 100


def test_temperature_persists_from_hour_to_hour(year: list[Row]) -> None:
    """Temperatures one hour apart correlate strongly, those half a day apart do not."""
    values = _temperatures(year)
    assert _correlation(values, 1) > 0.95
    assert _correlation(values, 12) < 0.7


def test_afternoons_and_summers_are_warm(year: list[Row]) -> None:
    """15:00 is warmer than 05:00, and August is warmer than January."""

    def mean(part: str) -> float:
        values = _temperatures([row for row in year if re.match(part, row["DATE"])])
        return sum(values) / len(values)

    assert mean(r".{11}15") > mean(r".{11}05") + 4
    assert mean("2024-08") > mean("2024-01") + 3


def test_rain_comes_in_spells(year: list[Row]) -> None:
    """An hour after a wet hour is wet far more often than any hour."""
    wet = [row["HourlyPrecipitation"].rstrip("s") not in {"0.0", ""} for row in _of(year, "FM-15")]
    after = [later for earlier, later in pairwise(wet) if earlier]
    assert 0.005 < sum(wet) / len(wet) < 0.15
    assert sum(after) / len(after) > 0.6


def test_daily_extremes_enclose_the_hourly_values(year: list[Row]) -> None:
    """The hourly temperatures of a day lie between its minimum and its maximum."""
    for day in _of(year, "SOD")[:60]:
        values = _temperatures([row for row in year if row["DATE"][:10] == day["DATE"][:10]])
        high, low = (float(day[f"Daily{end}imumDryBulbTemperature"].rstrip("s")) for end in ("Max", "Min"))
        assert low <= min(values, default=low)
        assert high >= max(values, default=high)

"""Tables of the texts in reports of Local Climatological Data: numbers, flags and METAR groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache

import numpy as np

from data_sample.climate.weather import COVERS, HEIGHTS, PHENOMENA, VISIBILITIES, celsius_tenths
from data_sample.random_stream import Integers
from data_sample.text_table import TextTable, decimal_text, text_table

LOW_F, HIGH_F = -60, 140
END_OF_CELL = '","'


def tendency(change: Integers) -> Integers:
    """WMO code table 0200, derived from the sign and size of the change alone."""
    rising = np.where(change > 14, 3, 1)
    falling = np.where(change < -14, 8, 6)
    return np.where(change == 0, 4, np.where(change > 0, rising, falling))


def millimetre_tenths(hundredths: Integers) -> Integers:
    """Hundredths of an inch as tenths of a millimetre, rounded."""
    return (hundredths * 254 + 50) // 100


def knots_as_tenths(knots: int) -> int:
    """Knots as tenths of a metre per second, rounded."""
    return (knots * 51_444 + 5_000) // 10_000


@cache
def tenths() -> TextTable:
    """Pressures in tenths of hPa."""
    return _column_table([decimal_text(value, places=1) for value in range(11_000)])


@cache
def wet_degrees() -> TextTable:
    """°C in tenths, from -60.0 on."""
    return _column_table([decimal_text(value - 600, places=1) for value in range(1200)])


@cache
def changes() -> TextTable:
    """Pressure changes in tenths of hPa from -30.0 on."""
    return _column_table([decimal_text(value - 300, places=1) for value in range(600)])


@cache
def tendencies() -> TextTable:
    """Codes of pressure tendency."""
    return _column_table([str(code) for code in range(10)])


@cache
def degrees() -> TextTable:
    """°C for each whole °F from LOW_F on, then the same values flagged as suspect, then `*`."""
    plain = [decimal_text(value, places=1) for value in _all_tenths()]
    return _column_table([*plain, *(f"{text}s" for text in plain), "*"])


@cache
def amounts() -> TextTable:
    """Trace, then amounts for each hundredth of an inch, then the same values flagged as suspect."""
    millimetres = millimetre_tenths(np.arange(99, dtype=np.int64)).tolist()
    plain = ["T", *(decimal_text(value, places=1) for value in millimetres)]
    return _column_table([*plain, "T", *(f"{text}s" for text in plain[1:])])


@cache
def percents() -> TextTable:
    """0 to 100."""
    return _column_table([str(value) for value in range(101)])


@cache
def distances() -> TextTable:
    """Visibility in kilometres, then the same values flagged as variable."""
    plain = [km for _, km in VISIBILITIES]
    return _column_table([*plain, *(f"{km}V" for km in plain)])


@cache
def directions() -> TextTable:
    """Variable, then degrees in steps of ten."""
    return _column_table(["VRB", *(f"{tens}0" for tens in range(1, 37))])


@cache
def speeds() -> TextTable:
    """Metres per second for each whole knot."""
    return _column_table([decimal_text(knots_as_tenths(knots), places=1) for knots in range(80)])


@cache
def present_weather(form: int) -> TextTable:
    """Present weather in the form of METAR (0) or of the table (1)."""
    texts = [phenomenon[form] for phenomenon in PHENOMENA]
    return _column_table(texts) if form else text_table(texts)


@cache
def layers(form: int) -> TextTable:
    """The lower cloud layer by cover and height, last the text for no layer. Clear sky has no height."""
    return text_table([*(_layer_text(form, cover, height) for cover in COVERS for height in HEIGHTS), ""])


@cache
def second_layers(form: int) -> TextTable:
    """The upper cloud layer after a space, or an empty text."""
    return text_table(
        " " + _layer_text(form, cover, height) if cover is not COVERS[0] else ""
        for cover in COVERS
        for height in HEIGHTS
    )


def _layer_text(form: int, cover: tuple[str, str], height: int) -> str:
    """Heights in hundreds of feet for METAR, in hundreds of metres for the table."""
    if cover is COVERS[0]:
        return cover[form]
    return f"{cover[1]} {decimal_text((height * 3048 + 50) // 100, places=2)}" if form else f"{cover[0]}{height:03d}"


@cache
def miles() -> TextTable:
    """Visibility in statute miles."""
    return text_table(f"{miles} " for miles, _ in VISIBILITIES)


@cache
def wind_words() -> TextTable:
    """Directions in the form of METAR, last calm."""
    return text_table(["VRB", *(f"{tens:02d}0" for tens in range(1, 37)), "000"])


@cache
def padded(pattern: str, count: int, *, zero: str | None = None, last: str | None = None) -> TextTable:
    """Numbers in a pattern, optionally with other texts for the first and the last."""
    texts = [pattern.format(number) for number in range(count)]
    texts[0] = texts[0] if zero is None else zero
    texts[-1] = texts[-1] if last is None else last
    return text_table(texts)


def _all_tenths() -> list[int]:
    tenths: list[int] = celsius_tenths(np.arange(LOW_F, HIGH_F, dtype=np.int64)).tolist()
    return tenths


@cache
def whole_degrees(before: str) -> TextTable:
    """Whole °C with `M` for minus, as in `08/M05`."""
    whole = [(value + 5) // 10 for value in _all_tenths()]
    return text_table(f"{before}{'M' if value < 0 else ''}{abs(value):02d}" for value in whole)


@cache
def tenth_groups(pattern: str) -> TextTable:
    """Sign digit and tenths of °C for each whole °F from LOW_F on, in a pattern."""
    return text_table(pattern.format(f"{int(value < 0)}{abs(value):03d}") for value in _all_tenths())


@cache
def change_groups() -> TextTable:
    """Pressure tendency group 5appp for changes from -30.0 hPa on, last the text for no group."""
    changes = np.arange(-300, 300, dtype=np.int64)
    codes = tendency(changes).tolist()
    return text_table([*(f" 5{code}{abs(c):03d}" for code, c in zip(codes, changes.tolist(), strict=True)), ""])


def _day_texts(year: int, text: Callable[[dt.date], str]) -> TextTable:
    """One text per day of the year and of the two days after it, which times in UTC can reach."""
    return text_table(text(dt.date(year, 1, 1) + dt.timedelta(days=number)) for number in range(368))


@cache
def dates(year: int) -> TextTable:
    """`2024-01-31`."""
    return _day_texts(year, lambda day: f"{day:%Y-%m-%d}")


@cache
def short_dates(year: int) -> TextTable:
    """`01/31/24`."""
    return _day_texts(year, lambda day: f"{day:%m/%d/%y} ")


@cache
def month_days(year: int) -> TextTable:
    """`31`."""
    return _day_texts(year, lambda day: f"{day:%d}")


@cache
def clock(pattern: str) -> TextTable:
    """Hour and minute in a pattern, for each minute of the day."""
    return text_table(pattern.format(minute // 60, minute % 60) for minute in range(1440))


def _column_table(texts: list[str]) -> TextTable:
    return text_table([text + END_OF_CELL for text in [*texts, ""]])

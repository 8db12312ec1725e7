"""Dates and timestamps from text: fixed-width formats at once, all others one by one."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_WIDTHS: Final = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECONDS: Final = {"day": 86_400_000_000, "H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000, "f": 1}

Microseconds = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def microseconds(texts: pa.StringArray, formats: Sequence[str]) -> tuple[Microseconds, Mask]:
    """Microseconds since 1970-01-01 for each text (not null), and whether it fits one of the formats.

    A text fits a format only if strptime accepts it whole; formats are tried in order.
    """
    values = np.zeros(len(texts), dtype=np.int64)
    fits = np.zeros(len(texts), dtype=np.bool_)
    for format_ in formats:
        values, fits = _fixed_width(texts, format_, values, fits)
        form = _form(format_)
        for index in np.flatnonzero(~fits):
            text = texts[int(index)].as_py()
            value = _one(text, format_) if form.fullmatch(text) else None
            if value is not None:
                values[index], fits[index] = value, True
    return values, fits


@functools.lru_cache
def _form(format_: str) -> re.Pattern[str]:
    """What every text that strptime accepts looks like; trying strptime itself is slow."""
    pieces = []
    for token in re.findall(r"%.|\s+|[^%]", format_):
        if token[0] == "%":
            pieces.append(rf"[\d\s]{{1,{_WIDTHS[token[1:]]}}}" if token[1:] in _WIDTHS else ".*")
        else:
            pieces.append(r"\s+" if token.isspace() else re.escape(token))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)


@functools.lru_cache(maxsize=1 << 16)
def _one(text: str, format_: str) -> int | None:
    try:
        moment = datetime.strptime(text, format_)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # the latter: an instant before year 1 or after 9999
        return None
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _fields(format_: str) -> list[tuple[str, int, int]] | None:
    """(letter or literal, start, end) of each piece, if the text of the format has one width."""
    pieces, at = [], 0
    for token in re.findall(r"%.|[^%]", format_):
        width = _WIDTHS.get(token[1:], 0) if token[0] == "%" else 1
        if not width or not token.isascii() or token.isspace():
            if token != " ":
                return None
            width = 1
        pieces.append((token[1:] if token[0] == "%" else f"'{token}", at, at + width))
        at += width
    letters = [letter for letter, _, _ in pieces if not letter.startswith("'")]
    return pieces if {"Y", "m", "d"} <= set(letters) and len(letters) == len(set(letters)) else None


def _fixed_width(texts: pa.StringArray, format_: str, values: Microseconds, fits: Mask) -> tuple[Microseconds, Mask]:
    pieces = _fields(format_)
    if pieces is None:
        return values, fits
    width = pieces[-1][2]
    candidates = np.flatnonzero((pc.binary_length(texts).to_numpy(zero_copy_only=False) == width) & ~fits)
    if not len(candidates):
        return values, fits
    chosen = texts if len(candidates) == len(texts) else texts.take(pa.array(candidates))
    found, good = _from_digits(_characters(chosen, width), pieces)
    values[candidates[good]], fits[candidates[good]] = found[good], True
    return values, fits


def _characters(texts: pa.StringArray, width: int) -> npt.NDArray[np.uint8]:
    """One row of `width` bytes per text."""
    fixed = texts.cast(pa.binary()).cast(pa.binary(width))
    data = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)
    return data[fixed.offset * width : (fixed.offset + len(fixed)) * width].reshape(-1, width)


def _from_digits(
    characters: npt.NDArray[np.uint8], pieces: Sequence[tuple[str, int, int]]
) -> tuple[Microseconds, Mask]:
    good = np.ones(len(characters), dtype=np.bool_)
    parts: dict[str, npt.NDArray[np.int64]] = {}
    for letter, start, end in pieces:
        if letter.startswith("'"):
            good &= characters[:, start] == ord(letter[1])
            continue
        digits = characters[:, start:end] - np.uint8(ord("0"))  # wraps around for what is below "0"
        good &= (digits <= 9).all(axis=1)
        parts[letter] = digits.astype(np.int64) @ 10 ** np.arange(end - start - 1, -1, -1, dtype=np.int64)
    good &= _in_calendar(parts)
    total = _days(parts["Y"], parts["m"], parts["d"]) * _MICROSECONDS["day"]
    for letter in ("H", "M", "S", "f"):
        total += parts.get(letter, np.int64(0)) * _MICROSECONDS[letter]
    return total, good


def _in_calendar(parts: dict[str, npt.NDArray[np.int64]]) -> Mask:
    year, month, day = parts["Y"], parts["m"], parts["d"]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.clip(month, 0, 12)]
    good: Mask = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= lengths + (leap & (month == 2)))
    for letter, limit in (("H", 24), ("M", 60), ("S", 60)):  # strptime takes second 60 and 61: left to it
        if letter in parts:
            good &= parts[letter] < limit
    return good


def _days(
    year: npt.NDArray[np.int64], month: npt.NDArray[np.int64], day: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
    Algorithms", days_from_civil)."""
    year = year - (month <= 2)
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days: npt.NDArray[np.int64] = era * 146_097 + day_of_era - 719_468
    return days

"""Parses all timestamps of one width at once, from the digits at fixed places."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MICROSECOND_DIGITS: Final = 6
NANOSECOND_DIGITS: Final = 9

_WIDTHS: Final = {"Y": 4, "m": 2, "d": 2, "H": 2, "I": 2, "M": 2, "S": 2, "p": 2}
_SECONDS: Final = {"H": 3_600, "M": 60, "S": 1}
_OFFSETS: Final = ("Z", "+0000", "+00:00")
"""Ways to write an offset; the digits stand for any others."""

_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799
"""The years 1 to 9999, in seconds since 1970."""

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Abbreviations = tuple[tuple[str, str], ...]
"""(name, offset as `+01:00`) of each abbreviation of a zone."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What some texts mean: seconds since 1970-01-01, nanoseconds, and whether the text fits."""

    seconds: Integers
    nanoseconds: Integers
    fits: Mask

    @classmethod
    def none(cls, count: int) -> Self:
        """Texts of which none fits yet."""
        return cls(
            seconds=np.zeros(count, dtype=np.int64),
            nanoseconds=np.zeros(count, dtype=np.int64),
            fits=np.zeros(count, dtype=np.bool_),
        )

    def put(self, places: int | Integers, seconds: int | Integers, nanoseconds: int | Integers) -> None:
        """Note texts that fit."""
        self.seconds[places], self.nanoseconds[places], self.fits[places] = seconds, nanoseconds, True


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """One way to write a format with a fixed width.

    Attributes:
        pieces: Letter (or `'` and a literal character), start and end of each piece.
        offset: Seconds that an abbreviation of a zone is ahead of UTC.
    """

    pieces: tuple[tuple[str, int, int], ...]
    offset: int = 0

    @property
    def width(self) -> int:
        return self.pieces[-1][2]


def fixed_width(
    texts: pa.StringArray, format_: str, moments: Moments, *, digits: int, abbreviations: Abbreviations
) -> None:
    """Parse the texts that do not fit yet, and note those that fit the format in one of its fixed widths.

    Args:
        digits: Most digits of a fraction.
    """
    layouts = _layouts(format_, digits, abbreviations)
    if not layouts:
        return
    lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    widths = set(np.unique(lengths).tolist()) if len(layouts) > 1 else {layouts[0].width}
    for layout in layouts:
        if layout.width not in widths:
            continue
        candidates = np.flatnonzero((lengths == layout.width) & ~moments.fits)
        if len(candidates):
            chosen = texts if len(candidates) == len(texts) else texts.take(pa.array(candidates))
            seconds, nanoseconds, good = _from_digits(_characters(chosen, layout.width), layout)
            moments.put(candidates[good], seconds[good], nanoseconds[good])


@functools.lru_cache
def _layouts(format_: str, digits: int, abbreviations: Abbreviations) -> tuple[_Layout, ...]:
    """All ways to write the format with a fixed width; none if its texts have no fixed places."""
    tokens = re.findall(r"%.|[^%]", format_)
    letters = [token[1] for token in tokens if token[0] == "%"]
    is_unique = len(letters) == len(set(letters)) and not {"z", "Z"} <= set(letters)
    # Without `%p`, strptime reads the hours of `%I` in its own way.
    is_clock = ("I" in letters) == ("p" in letters) and not {"I", "H"} <= set(letters)
    if not is_unique or not is_clock or not {"Y", "m", "d"} <= set(letters):
        return ()
    if any(token[0] != "%" and (not token.isascii() or (token.isspace() and token != " ")) for token in tokens):
        return ()
    if not set(letters) <= {*_WIDTHS, "f", "z", "Z"}:
        return ()
    return tuple(_variants(tokens, digits, abbreviations))


def _variants(tokens: Sequence[str], digits: int, abbreviations: Abbreviations) -> Iterator[_Layout]:
    # Six digits first: they are the most frequent, and for all other formats there is one variant.
    fractions = sorted(range(1, digits + 1), key=lambda count: (count != MICROSECOND_DIGITS, count))
    for fraction in fractions if "%f" in tokens else (0,):
        if "%z" in tokens:
            for sample in _OFFSETS:
                yield _Layout(pieces=tuple(_pieces(tokens, fraction, sample)))
        elif "%Z" in tokens:
            for name, text in abbreviations:
                if name.isascii():
                    offset = int(f"{text[0]}1") * (int(text[1:3]) * 60 + int(text[4:6])) * 60
                    yield _Layout(pieces=tuple(_pieces(tokens, fraction, name)), offset=offset)
        else:
            yield _Layout(pieces=tuple(_pieces(tokens, fraction, "")))


def _pieces(tokens: Sequence[str], fraction: int, zone: str) -> Iterator[tuple[str, int, int]]:
    at = 0
    for token in tokens:
        letter = token[1] if token[0] == "%" else ""
        if letter == "Z" or (letter == "z" and zone == "Z"):
            for sign in zone:
                yield f"'{sign}", at, at + 1
                at += 1
            continue
        width = fraction if letter == "f" else len(zone) if letter == "z" else _WIDTHS.get(letter, 1)
        yield letter or f"'{token}", at, at + width
        at += width


def _characters(texts: pa.StringArray, width: int) -> npt.NDArray[np.uint8]:
    """One row of `width` bytes per text."""
    # All texts have this width, so the fixed-width array is one contiguous buffer without offsets.
    fixed = texts.cast(pa.binary()).cast(pa.binary(width))
    data = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)
    return data[fixed.offset * width : (fixed.offset + len(fixed)) * width].reshape(-1, width)


def _from_digits(characters: npt.NDArray[np.uint8], layout: _Layout) -> tuple[Integers, Integers, Mask]:
    """Seconds, nanoseconds, and which texts fit."""
    good = np.ones(len(characters), dtype=np.bool_)
    parts: dict[str, Integers] = {}
    for letter, start, end in layout.pieces:
        if letter.startswith("'"):
            good &= characters[:, start] == ord(letter[1])
        elif letter == "p":
            parts["p"], fits = _halves(characters[:, start:end])
            good &= fits
        elif letter == "z":
            parts["z"], fits = _offsets(characters[:, start:end])
            good &= fits
        else:
            parts[letter], fits = _number(characters[:, start:end])
            good &= fits
    if "I" in parts:
        good &= (parts["I"] >= 1) & (parts["I"] <= 12)
        parts["H"] = parts["I"] % 12 + 12 * parts["p"]
    good &= _in_calendar(parts)
    total = _days(parts["Y"], parts["m"], parts["d"]) * 86_400
    for letter, factor in _SECONDS.items():
        if letter in parts:
            total += parts[letter] * factor
    if "z" in parts or layout.offset:
        total -= parts.get("z", np.full_like(total, layout.offset))
        is_in_range: Mask = (total >= _FIRST_SECOND) & (total <= _LAST_SECOND)
        good &= is_in_range
    if "f" not in parts:
        return total, np.zeros_like(total), good
    digits = next(end - start for letter, start, end in layout.pieces if letter == "f")
    return total, parts["f"] * 10 ** (NANOSECOND_DIGITS - digits), good


def _number(characters: npt.NDArray[np.uint8]) -> tuple[Integers, Mask]:
    # Digit by digit: numpy is slow with rows of a few elements.
    number, good = np.zeros(len(characters), dtype=np.int64), np.ones(len(characters), dtype=np.bool_)
    for place in range(characters.shape[1]):
        # A character below "0" wraps around to a value above 9.
        digits = characters[:, place] - np.uint8(ord("0"))
        good &= digits <= 9
        number *= 10
        number += digits
    return number, good


def _halves(characters: npt.NDArray[np.uint8]) -> tuple[Integers, Mask]:
    """0 for AM and 1 for PM, in any case."""
    # Bit 5 distinguishes the cases of ASCII letters.
    first, second = characters[:, 0] | np.uint8(0x20), characters[:, 1] | np.uint8(0x20)
    good: Mask = ((first == ord("a")) | (first == ord("p"))) & (second == ord("m"))
    return (first == ord("p")).astype(np.int64), good


def _offsets(characters: npt.NDArray[np.uint8]) -> tuple[Integers, Mask]:
    """Seconds of `+0130` or `+01:30`."""
    sign = characters[:, 0]
    hours, are_hours = _number(characters[:, 1:3])
    minutes, are_minutes = _number(characters[:, -2:])
    good: Mask = ((sign == ord("+")) | (sign == ord("-"))) & are_hours & are_minutes & (hours < 24) & (minutes < 60)
    if characters.shape[1] == len("+00:00"):
        good &= characters[:, 3] == ord(":")
    return np.where(sign == ord("-"), -1, 1) * (hours * 60 + minutes) * 60, good


def _in_calendar(parts: dict[str, Integers]) -> Mask:
    year, month, day = parts["Y"], parts["m"], parts["d"]
    # numpy is fast with quotients, but not with remainders.
    leap = (year & 3 == 0) & ((year // 100 * 100 != year) | (year // 400 * 400 == year))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.clip(month, 0, 12)]
    good: Mask = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= lengths + (leap & (month == 2)))
    # strptime accepts the seconds 60 and 61, so such a text is left to it.
    for letter, limit in (("H", 24), ("M", 60), ("S", 60)):
        if letter in parts:
            good &= parts[letter] < limit
    return good


def _days(year: Integers, month: Integers, day: Integers) -> Integers:
    """Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
    Algorithms", days_from_civil)."""
    year = year - (month <= 2)
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month - 3 + 12 * (month <= 2)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    days: Integers = era * 146_097 + day_of_era - 719_468
    return days

"""Parses dates and timestamps: all texts of a fixed-width format at once, the others one by one."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.columns.fixed_widths import MICROSECOND_DIGITS, NANOSECOND_DIGITS, Abbreviations, Moments, fixed_width

_WIDTHS: Final = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_EPOCH: Final = datetime(1970, 1, 1)
_UNITS: Final = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_NANOSECOND_LIMIT: Final = 9_223_372_036
"""Seconds before and after 1970 within which all nanoseconds fit 64 bits: the years 1677 to 2262."""

Mask = npt.NDArray[np.bool_]
Unit = Literal["ms", "us", "ns"]


def instants(
    texts: pa.StringArray, formats: Sequence[str], *, unit: Unit = "us", abbreviations: Abbreviations = ()
) -> tuple[npt.NDArray[np.int64], Mask]:
    """Units since 1970-01-01 for each text (not null), and whether it fits one of the formats.

    A text fits a format if strptime accepts it, with two differences: nanoseconds have up to nine digits in `%f`, and
    `%Z` is one of the abbreviations. Formats are tried in order. An instant that is no multiple of the unit, or beyond
    its range, does not fit.
    """
    digits = NANOSECOND_DIGITS if unit == "ns" else MICROSECOND_DIGITS
    moments = Moments.none(len(texts))
    for format_ in formats:
        fixed_width(texts, format_, moments, digits=digits, abbreviations=abbreviations)
        # What is left may still fit: strptime also accepts single digits and names of months.
        form = _form(format_, digits, abbreviations)
        for index in np.flatnonzero(~moments.fits):
            text = texts[int(index)].as_py()
            found = _one(text, format_, digits, abbreviations) if form.fullmatch(text) else None
            if found is not None:
                moments.put(int(index), *found)
    return _in_unit(moments, unit)


def _in_unit(moments: Moments, unit: Unit) -> tuple[npt.NDArray[np.int64], Mask]:
    per_second = _UNITS[unit]
    parts, rest = np.divmod(moments.nanoseconds, 1_000_000_000 // per_second)
    fits: Mask = moments.fits & (rest == 0)
    seconds = moments.seconds
    if unit == "ns":
        fits &= (seconds >= -_NANOSECOND_LIMIT) & (seconds < _NANOSECOND_LIMIT)
        seconds = np.where(fits, seconds, 0)
    return seconds * per_second + parts, fits


@functools.lru_cache
def _form(format_: str, digits: int, abbreviations: Abbreviations) -> re.Pattern[str]:
    """A pattern that every text matches that fits; it rejects most others without the slow strptime."""
    pieces: list[str] = []
    for token in re.findall(r"%.|\s+|[^%]", format_):
        if token == "%f":
            pieces.append(f"(?P<f>[0-9]{{1,{digits}}})" if "(?P<f>" not in "".join(pieces) else ".*")
        elif token == "%V":
            pieces.append(r"(?P<V>[0-9]{1,2})" if "(?P<V>" not in "".join(pieces) else ".*")
        elif token == "%Z" and abbreviations:
            # Longer ones first: CEST begins like CE.
            names = sorted((re.escape(name) for name, _ in abbreviations), key=len, reverse=True)
            pieces.append(f"(?-i:(?P<Z>{'|'.join(names)}))" if "(?P<Z>" not in "".join(pieces) else ".*")
        elif token[0] == "%":
            pieces.append(rf"[\d\s]{{1,{_WIDTHS[token[1:]]}}}" if token[1:] in _WIDTHS else ".*")
        else:
            pieces.append(r"\s+" if token.isspace() else re.escape(token))
    return re.compile("".join(pieces), re.IGNORECASE | re.DOTALL)


@functools.lru_cache(maxsize=1 << 16)
def _one(text: str, format_: str, digits: int, abbreviations: Abbreviations) -> tuple[int, int] | None:
    """Seconds since 1970-01-01, and nanoseconds; None if the text does not fit."""
    finer = 0
    match = _form(format_, digits, abbreviations).fullmatch(text)
    groups = match.groupdict() if match else {}
    # From the end, so that the first span is still right after the second is replaced.
    for name in sorted(groups, key=lambda name: match.start(name) if match else 0, reverse=True):
        start, end = match.span(name) if match else (0, 0)
        if name == "Z":
            text = text[:start] + dict(abbreviations)[groups["Z"]] + text[end:]
            format_ = format_.replace("%Z", "%z", 1)
        elif name == "f" and end - start > MICROSECOND_DIGITS:
            finer = int(groups["f"][MICROSECOND_DIGITS:].ljust(NANOSECOND_DIGITS - MICROSECOND_DIGITS, "0"))
            text = text[: start + MICROSECOND_DIGITS] + text[end:]
    try:
        moment = datetime.strptime(text, format_)
        if "V" in groups and int(groups["V"]) != moment.isocalendar().week:
            return None  # Python 3.11 reads week 53 of a year with 52 weeks as week 1 of the next.
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    # OverflowError: an instant before the year 1 or after 9999.
    except (ValueError, OverflowError):
        return None
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds * 1_000 + finer

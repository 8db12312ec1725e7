"""Sizes, rates, durations and ratios: how they are written and how they are parsed.

Units are decimal, as disks and links are sold: 1 MB is 1,000,000 bytes, 1 Mbps is 1,000,000 bits per second.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Self

from terminal.errors import UnitError

UNITS_NOTE: Final = "Units are decimal: 1 MB is 1,000,000 bytes, 1 Mbps is 1,000,000 bits per second."

_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_SIZE: Final = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?:(?P<prefix>[kmgt])(?P<binary>i)?)?b?", re.ASCII | re.IGNORECASE
)
# The case of the last letter matters: b is a bit, B is a byte.
_RATE: Final = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?:(?P<prefix>[kKmMgGtT])(?P<binary>i)?)?(?P<unit>bit|b|B)(?:ps|/s)", re.ASCII
)


def parse_size(text: str) -> int:
    """Bytes of a text such as "64MB" (64,000,000), "64MiB" (67,108,864), "1.5 GB" or "1000".

    Raises:
        UnitError: The text is not a number with a known unit, or means less than one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    size_bytes = 0
    if match is not None:
        base = 1024 if match["binary"] else 1000
        size_bytes = int(Decimal(match["number"]) * base ** _POWERS[(match["prefix"] or "").lower()])
    if size_bytes < 1:
        raise UnitError(f"{text!r} is not a size; write it like 64MB, 1.5GB or 512MiB")
    return size_bytes


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast a link is.

    Attributes:
        bits_per_s: Above zero.
        text: As the user wrote it, with one space before the unit; or rounded if it was measured.
    """

    bits_per_s: float
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a rate such as "4.056Mbps", "25 Mbit/s", "1Gbps", "12.5MB/s" or "12MiB/s".

        Prefixes are decimal: k, M, G and T are 10^3, 10^6, 10^9 and 10^12 in either case of the letter; Ki, Mi, Gi and
        Ti are powers of 1024. A lower-case b is a bit, an upper-case B a byte of eight bits.

        Raises:
            UnitError: The text is written in another way, or the rate is zero.
        """
        match = _RATE.fullmatch(text.strip())
        if match is None or not 0 < (number := float(match["number"])) < math.inf:
            raise UnitError(
                f"{text!r} is not a rate; write it like 4.056Mbps (bits), 25 Mbit/s or 12.5MB/s (bytes), above zero"
            )
        base = 1024 if match["binary"] else 1000
        bits = 8 if match["unit"] == "B" else 1
        unit = text.strip()[match.end("number") :].strip()
        bits_per_s = number * bits * base ** _POWERS[(match["prefix"] or "").lower()]
        return cls(bits_per_s=bits_per_s, text=f"{match['number']} {unit}")

    @classmethod
    def of(cls, bits_per_s: float) -> Self:
        """A rate that was measured."""
        return cls(bits_per_s=bits_per_s, text=rate_text(bits_per_s))

    def seconds(self, size_bytes: float) -> float:
        """Seconds that this many bytes take at best: no protocol overhead and no round trips."""
        return size_bytes * 8 / self.bits_per_s

    def __str__(self) -> str:
        return self.text


def size_text(size_bytes: float) -> str:
    """A size with three digits: "35.2 GB", "412 MB", "1.04 kB", "12 B"."""
    if size_bytes < 999.5:
        return f"{size_bytes:.0f} B"
    return _scaled(size_bytes / 1000, ("kB", "MB", "GB", "TB", "PB"))


def rate_text(bits_per_s: float) -> str:
    """A rate with three digits: "4.06 Mbps", "980 kbps", "12 bps"."""
    if bits_per_s < 999.5:
        return f"{bits_per_s:.0f} bps"
    return _scaled(bits_per_s / 1000, ("kbps", "Mbps", "Gbps", "Tbps"))


def duration_text(seconds: float) -> str:
    """A duration in the words of daily use: "28 ms", "0.4 s", "48 s", "3.2 min", "13 min", "19 h 17 min", "5 d 4 h"."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.0005 else "under 1 ms"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 59.5 * 60:
        minutes = seconds / 60
        return f"{minutes:.1f} min" if minutes < 9.95 else f"{minutes:.0f} min"
    hours, minutes_left = divmod(round(seconds / 60), 60)
    if hours < 48:
        return _two_units((hours, "h"), (minutes_left, "min"))
    days, hours_left = divmod(round(seconds / 3600), 24)
    return _two_units((days, "d"), (hours_left, "h"))


def ratio_text(ratio: float) -> str:
    """How many times smaller: "37.2×", "412×"; "0.52×" is larger than before."""
    return f"{_three_digits(ratio)}×"


def _scaled(value: float, units: tuple[str, ...]) -> str:
    for unit in units[:-1]:
        # 999.6 kB would be printed as "1000 kB".
        if value < 999.5:
            return f"{_three_digits(value)} {unit}"
        value /= 1000
    return f"{_three_digits(value)} {units[-1]}"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _two_units(*amounts: tuple[int, str]) -> str:
    return " ".join(f"{amount:,} {unit}" for amount, unit in amounts if amount)

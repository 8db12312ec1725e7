"""How long bytes take over a link, and how sizes and durations are told to people."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final, Self

from data_convert.errors import RateError

UNITS_NOTE: Final = "Units are decimal: 1 MB is 1,000,000 bytes, 1 Mbps is 1,000,000 bits per second."
"""Said once wherever sizes and rates are shown."""

_RATE: Final = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?:(?P<prefix>[kKmMgG])(?P<binary>i)?)?(?P<unit>b|bit|B)(?:ps|/s)",
    re.ASCII,
)
_POWERS: Final = {None: 0, "k": 1, "m": 2, "g": 3}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast a link is.

    Attributes:
        bits_per_s: Above zero.
        text: As it was written, with one space before the unit.
    """

    bits_per_s: float
    text: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rate such as "4.056Mbps", "800 kbps", "1Gbps", "12.5MB/s" or "12MiB/s".

        Prefixes are decimal, as links are sold: k, M and G are 10^3, 10^6 and 10^9 in either case of the
        letter; Ki, Mi and Gi are 2^10, 2^20 and 2^30. A small b is a bit, a capital B a byte of eight.

        Raises:
            RateError: It is written in another way, or is zero.
        """
        match = _RATE.fullmatch(text.strip())
        if match is None or not 0 < (number := float(match["number"])) < math.inf:
            raise RateError(text)
        base = 1024 if match["binary"] else 1000
        bits = 8 if match["unit"] == "B" else 1
        prefix = match["prefix"] and match["prefix"].lower()
        unit = text.strip()[match.end("number") :].strip()
        return cls(bits_per_s=number * bits * base ** _POWERS[prefix], text=f"{match['number']} {unit}")

    def __str__(self) -> str:
        return self.text


DEFAULT_UP: Final = Rate.parse("4.056Mbps")
DEFAULT_DOWN: Final = Rate.parse("24.518Mbps")


def transfer_seconds(size_bytes: int, rate: Rate) -> float:
    """Seconds that `size_bytes` take at `rate`, at its best: no protocol overhead, no round trips.

    35.2 GB, the story this project starts from, take 3.19 h down at 24.518 Mbps and 19.29 h up at
    4.056 Mbps. 35.2 GiB over the same links take 3.43 h and 20.71 h. The story's own 3.26 h (19.75 h up)
    is 35.2 x 1024 MB: binary in one step and decimal in the others, or binary throughout with Mbps read
    as 2^20 bits. Here a GB is 10^9 bytes and an Mbps is 10^6 bits per second.
    """
    return size_bytes * 8 / rate.bits_per_s


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The time one way over a link, before and after a conversion."""

    before_s: float
    after_s: float

    @classmethod
    def of(cls, *, raw_bytes: int, parquet_bytes: int, rate: Rate) -> Self:
        """The time for the raw files as they are on disk, and for the Parquet."""
        return cls(before_s=transfer_seconds(raw_bytes, rate), after_s=transfer_seconds(parquet_bytes, rate))

    def facts(self) -> dict[str, float]:
        """Seconds, to the millisecond."""
        return {"before_s": round(self.before_s, 3), "after_s": round(self.after_s, 3)}


def size_text(size_bytes: int) -> str:
    """Three digits in decimal units, as disks and links are sold: "35.2 GB", "412 MB", "1.04 kB", "12 B"."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    value = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.5 or unit == "PB":
            break
    return f"{_three_digits(value)} {unit}"


def duration_text(seconds: float) -> str:
    """As precise as people speak: "28 ms", "0.4 s", "48 s", "3.2 min", "13 min", "19 h 17 min", "5 d 4 h"."""
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
    """How many times smaller: "37.2×", "412×"; "0.52×" is larger."""
    return f"{_three_digits(ratio)}×"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _two_units(*amounts: tuple[int, str]) -> str:
    return " ".join(f"{amount:,} {unit}" for amount, unit in amounts if amount)

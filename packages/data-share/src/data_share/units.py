"""Sizes, rates and durations as people read and write them; units are decimal."""

from __future__ import annotations

import re

from data_share.errors import RateError

_BITS = {"bps": 1, "kbps": 1e3, "mbps": 1e6, "gbps": 1e9, "bit/s": 1, "kbit/s": 1e3, "mbit/s": 1e6, "gbit/s": 1e9}


def parse_rate(text: str) -> float:
    """Bits per second of a text such as `4Mbps` or `25 Mbit/s`.

    Raises:
        RateError: It is not a number above zero with a unit.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmg]?(?:bps|bit/s))\s*", text, flags=re.IGNORECASE)
    if match is None or float(match[1]) <= 0:
        raise RateError(text)
    return float(match[1]) * _BITS[match[2].lower()]


def size_text(size_bytes: float) -> str:
    """Such as `1.54 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            value = size_bytes / factor
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{size_bytes:.0f} B"


def rate_text(bits_per_second: float) -> str:
    """Such as `4.06 Mbps`."""
    for unit, factor in (("Gbps", 1e9), ("Mbps", 1e6), ("kbps", 1e3)):
        if bits_per_second >= factor:
            value = bits_per_second / factor
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{bits_per_second:.0f} bps"


def duration_text(seconds: float) -> str:
    """Such as `2.1 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"

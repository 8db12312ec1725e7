"""Sizes as people write them."""

from __future__ import annotations

import re
from decimal import Decimal

from data_sample.errors import SizeError

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmg]i?b|b|)\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes meant by a text such as `64MB` (64,000,000) or `64MiB` (67,108,864); a bare number is bytes.

    Raises:
        SizeError: if it is no number with a known unit, or less than one byte.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise SizeError(text)
    size_bytes = int(Decimal(match[1]) * _UNITS[match[2].lower()])
    if size_bytes < 1:
        raise SizeError(text)
    return size_bytes

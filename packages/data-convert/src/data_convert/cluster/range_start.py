"""Guesses where the record starts that is incomplete at a place in the middle of a file.

Whether a place is inside a quoted cell depends on all text before it. A window of text before the place nearly always
shows it: under the wrong assumption, some quote is not at a border of its cell. A wrong guess costs time only, because
the end of the range before is compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from data_convert.kernels.structure import TextScan
from data_convert.spec.dataset_spec import Dialect

_FIRST_WINDOW_BYTES: Final = 64 << 10
_LAST_WINDOW_BYTES: Final = 16 << 20


def guessed_start(read: Callable[[int, int], bytes], place: int, dialect: Dialect) -> int:
    """Where the record starts that is incomplete at `place`.

    Args:
        read: Returns the text from one place to another.
    """
    window = _FIRST_WINDOW_BYTES
    while window <= _LAST_WINDOW_BYTES:
        low = max(0, place - window)
        if (end := _last_record_end(read(low, place), dialect)) is not None:
            return low + end
        if not low:
            break
        window *= 8
    return place


def _last_record_end(text: bytes, dialect: Dialect) -> int | None:
    """Where the last record of a text ends that starts anywhere; None if no record ends in it."""
    # A CR at the end may be half of a CRLF.
    size = len(text) - (text.endswith(b"\r") and b"\n" not in text)
    outside = TextScan.of(text, dialect, size=size)
    if dialect.quote is None:
        return outside.record_end or None
    inside = TextScan.of(dialect.quote.encode() + text, dialect, size=size + 1)
    if _regular_bytes(outside, size) >= _regular_bytes(inside, size + 1) - 1:
        return outside.record_end or None
    return inside.record_end - 1 if inside.record_end > 1 else None


def _regular_bytes(scan: TextScan, size: int) -> int:
    return min(scan.first_odd, size)

"""The forms in which files write dates and timestamps, as far as texts differ."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

_CLOCKS: Final = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
_ZONED_CLOCKS: Final = ("%H:%M:%S%z", "%H:%M:%S.%f%z", "%H:%M%z", "%H:%M:%S %z")

_DAYS: Final = (
    ("%Y-%m-%d",),
    ("%Y/%m/%d",),
    ("%Y.%m.%d",),
    ("%m/%d/%Y",),
    ("%d/%m/%Y",),
    ("%m-%d-%Y",),
    ("%d-%m-%Y",),
    ("%m.%d.%Y",),
    ("%d.%m.%Y",),
    ("%d-%b-%Y",),
    ("%d/%b/%Y",),
    ("%d %b %Y", "%d %B %Y"),  # one form: May is long and short
    ("%b %d, %Y", "%B %d, %Y"),
    ("%G-W%V-%u",),
    ("%GW%V%u",),
)

COMPACT_DAY: Final = "%Y%m%d"
"""Eight digits. They are as often a number, so the column's name must speak for a date."""

# No form has a two-digit year: the text does not say the century.


@dataclass(frozen=True, kw_only=True)
class MomentForm:
    """One way to write a moment.

    Attributes:
        type: The type of a column with these texts.
        formats: strptime formats that one program mixes, for example with and without fractions. A text that fits one
            form fits no other, except if day and month can be exchanged.
        zone: "UTC" for forms with an offset.
    """

    type: Literal["date", "timestamp"]
    formats: tuple[str, ...]
    zone: str | None = None


def _forms() -> Iterator[MomentForm]:
    for days in _DAYS:
        yield MomentForm(type="date", formats=days)
        for joint in (" ", "T") if days == ("%Y-%m-%d",) else (" ",):
            yield MomentForm(type="timestamp", formats=_joined(days, joint, _CLOCKS))
            yield MomentForm(type="timestamp", formats=_joined(days, joint, _ZONED_CLOCKS), zone="UTC")
    yield MomentForm(type="date", formats=(COMPACT_DAY,))
    yield MomentForm(type="timestamp", formats=("%Y%m%dT%H%M%S",))
    yield MomentForm(type="timestamp", formats=("%Y%m%dT%H%M%S%z",), zone="UTC")
    yield MomentForm(type="timestamp", formats=("%d/%b/%Y:%H:%M:%S %z",), zone="UTC")
    yield MomentForm(type="timestamp", formats=("%a, %d %b %Y %H:%M:%S %z",), zone="UTC")
    yield MomentForm(type="timestamp", formats=("%a %b %d %H:%M:%S %Y",))


def _joined(days: Sequence[str], joint: str, clocks: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{day}{joint}{clock}" for day in days for clock in clocks)


_DIRECTIVES: Final = {"%Y": r"\d{4}", "%G": r"\d{4}", "%f": r"\d{1,6}"}
_DIRECTIVES.update(dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S", "%V", "%u"), r"[ \d]?\d"))


@functools.cache
def _rough_pattern(format_: str) -> re.Pattern[str]:
    parts = re.findall(r"%.|\s+|[^%\s]", format_)
    return re.compile("".join(_rough_part(part) for part in parts), re.IGNORECASE)


def _rough_part(part: str) -> str:
    if part.startswith("%"):
        return _DIRECTIVES.get(part, ".+")
    return r"\s*" if part.isspace() else re.escape(part)


def is_moment(text: str, format_: str) -> bool:
    """Whether the text has the format, as `strptime` reads it."""
    # strptime remembers the patterns of five formats only, and compiles all others again for each text.
    if not _rough_pattern(format_).fullmatch(text):
        return False
    try:
        datetime.strptime(text, format_)
    except ValueError:
        return False
    return True


FORMS: Final = tuple(_forms())

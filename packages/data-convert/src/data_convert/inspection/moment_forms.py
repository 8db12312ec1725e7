"""The forms in which files write dates and timestamps, as far as a text can tell them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
)

COMPACT_DAY: Final = "%Y%m%d"
"""Eight digits. They are as often a number, so the column's name must speak for a date."""

# No form has a two-digit year: the text does not say the century.


@dataclass(frozen=True, kw_only=True)
class MomentForm:
    """One way to write a moment.

    Attributes:
        type: What a column of such texts becomes.
        formats: strptime formats that a single writer mixes (with and without fractions, say). A text that fits
            one form fits no other, save where day and month trade places.
        zone: "UTC" for forms that name an offset.
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


FORMS: Final = tuple(_forms())

"""Which moments many texts spell: each distinct date and each distinct time of day is read once.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.spec.dataset_spec import ColumnSpec
from data_convert.verification.values.moment_rules import DAY_NS, UNITS_NS, RememberedParts, remembered_parts

_LARGEST_DAY: Final = 100_000
"""Days before and after 1970 of which 64 bits hold all nanoseconds."""

_LONGEST_TEXT_BYTES: Final = 100
"""Arrow allocates the length of a slice for each text, however short the text is."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What the texts spell.

    Attributes:
        units: The units since 1970 of each text.
        is_known: Whether they were read. The other texts, nulls among them, must be read one by one.
    """

    units: npt.NDArray[np.int64]
    is_known: npt.NDArray[np.bool_]


class MomentColumn:
    """Reads the texts of a column of times or dates whose format has the date first."""

    def __init__(self, parts: RememberedParts, unit_ns: int) -> None:
        self._parts = parts
        self._unit_ns = unit_ns

    @classmethod
    def of(cls, column: ColumnSpec) -> MomentColumn | None:
        """None if the texts of the column must be read one by one."""
        if column.type not in ("timestamp", "date") or len(column.formats) != 1:
            return None
        parts = remembered_parts(column.formats[0], column)
        # A null that is spelled like a moment must not be read as one.
        if parts is None or any(parts(text) is not None for text in column.nulls):
            return None
        return cls(parts, DAY_NS if column.type == "date" else UNITS_NS[column.precision])

    def read(self, texts: pa.BinaryArray) -> Moments:
        """The moments of the texts."""
        longest = max(self._parts.width, min(pc.max(pc.binary_length(texts)).as_py(), _LONGEST_TEXT_BYTES))
        dates = pc.binary_slice(texts, 0, self._parts.width).dictionary_encode()
        times = pc.binary_slice(texts, self._parts.width, longest).dictionary_encode()
        sides = self._both(dates, times)
        if not all(side.is_known.all() for side in sides):
            for place in {*_first_unknown(dates, sides[0]), *_first_unknown(times, sides[1])}:
                self._parts(_text(texts[place]))
            sides = self._both(dates, times)
        (date, time), codes = sides, [part.indices.to_numpy() for part in (dates, times)]
        is_cut = pc.greater(pc.binary_length(texts), longest).to_numpy(zero_copy_only=False)
        return Moments(
            units=date.units[codes[0]] + time.units[codes[1]],
            is_known=date.is_known[codes[0]] & time.is_known[codes[1]] & ~is_cut,
        )

    def _both(self, dates: pa.DictionaryArray, times: pa.DictionaryArray) -> tuple[Moments, Moments]:
        return (
            _known(dates.dictionary, self._parts.dates, self._date_units),
            _known(times.dictionary, self._parts.times, self._time_units),
        )

    def _date_units(self, nanoseconds: int) -> int | None:
        day = nanoseconds // DAY_NS
        return day * (DAY_NS // self._unit_ns) if abs(day) <= _LARGEST_DAY else None

    def _time_units(self, nanoseconds: int) -> int | None:
        units, rest = divmod(nanoseconds, self._unit_ns)
        return None if rest else units


def _known(texts: pa.BinaryArray, remembered: Mapping[str, int], units_of: Callable[[int], int | None]) -> Moments:
    """The units of the distinct dates or times of day that are remembered."""
    found = [remembered.get(_text(text)) for text in texts]
    units = [None if nanoseconds is None else units_of(nanoseconds) for nanoseconds in found]
    return Moments(
        units=np.array([0 if value is None else value for value in units], dtype=np.int64),
        is_known=np.array([value is not None for value in units], dtype=np.bool_),
    )


def _first_unknown(part: pa.DictionaryArray, side: Moments) -> list[int]:
    """For each distinct date or time of day that is not known, the first text that has it."""
    places = np.unique(part.indices.to_numpy(), return_index=True)[1]
    return [int(place) for place in places[~side.is_known]]


def _text(value: Any) -> str:
    text: str = value.as_py().decode("utf-8", "surrogateescape")
    return text

"""Finds numbers that are rather identifiers: as a number, a text such as `007` or `12E3` would lose its meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.inspection.column_types.candidates import Sighting, matching

_LEADING_ZERO: Final = r"^\s*[+-]?0[0-9]+([.,][0-9]*)?[A-Za-z*#?!$]{0,8}\s*$"

_EXPONENT: Final = r"^\s*([0-9]+E[0-9]+|[0-9]{2,}e[0-9]+)\s*$"
"""Programs write a point in front of an exponent, a sign in it, or a single digit in front of a small `e`."""

_PHONE: Final = r"^\s*\+[1-9][0-9]([ \x{a0}\x{202f}]?[0-9]){5,13}\s*$"
"""A plus sign and 7 to 15 digits, as E.164 has them."""

_FRACTION: Final = r"^[0-9]+\.[0-9]{1,3}$"
_HEXADECIMAL: Final = r"^\s*[0-9]+[A-Fa-f]+\s*$"


@dataclass(kw_only=True)
class IdentifierSigns:
    """The first text of each kind that is rather an identifier.

    Attributes:
        leading_zero: A number with zeros in front.
        exponent: `12E3`.
        phone: `+491511234567`.
        twin: `3.10` in a column that has `3.1` too; the same number, but another version or section.
        hexadecimal: Digits followed by letters from A to F.
    """

    leading_zero: Sighting | None = None
    exponent: Sighting | None = None
    phone: Sighting | None = None
    twin: Sighting | None = None
    hexadecimal: Sighting | None = None

    def look(self, values: pa.StringArray, seen: pa.StringArray | None, sighting: Callable[[str], Sighting]) -> None:
        """Look at more texts (at least one).

        Args:
            seen: All distinct texts before, or None if they are too many to be remembered.
        """
        open_ = {name: pattern for name, pattern in _PATTERNS.items() if getattr(self, name) is None}
        # Most columns have none of them, which one search shows.
        if open_ and matching(values, "|".join(open_.values())).any():
            for name, pattern in open_.items():
                if (mask := matching(values, pattern)).any():
                    setattr(self, name, sighting(values[int(np.argmax(mask))].as_py()))
        if self.twin is None and seen is not None:
            self.twin = _twin(values, seen, sighting)


_PATTERNS: Final = {
    "leading_zero": _LEADING_ZERO,
    "exponent": _EXPONENT,
    "phone": _PHONE,
    "hexadecimal": _HEXADECIMAL,
}


def _twin(values: pa.StringArray, seen: pa.StringArray, sighting: Callable[[str], Sighting]) -> Sighting | None:
    new = pc.unique(values.filter(pa.array(matching(values, _FRACTION))))
    if not len(new):
        return None
    old = seen.filter(pa.array(matching(seen, _FRACTION)))
    # The new texts come last, so the first of a pair that is not the first in `keys` is new.
    keys = pc.replace_substring_regex(pa.concat_arrays([old, new]), r"(\.[0-9]+?)0+$", r"\1").dictionary_encode()
    _, firsts = np.unique(keys.indices.to_numpy(), return_index=True)
    again = np.setdiff1d(np.arange(len(old), len(keys)), firsts)
    return sighting(new[int(again[0]) - len(old)].as_py()) if len(again) else None

"""Counts the formats of a column whose dates and timestamps are written in more than one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.inspection.column_types.candidates import Candidate, Sighting, moment_candidates

_SHAPES_LIMIT: Final = 24
"""A column with more shapes of texts is no column of dates."""


@dataclass(kw_only=True)
class ShapeTally:
    """Texts that look alike.

    Attributes:
        rows: How many rows have them.
        first: The first of them.
        forms: The forms that fit all of them, each with the formats in use.
    """

    rows: int
    first: Sighting
    forms: dict[str, Candidate]

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats, if one form fits."""
        return tuple(next(iter(self.forms.values())).used) if len(self.forms) == 1 else ()


@dataclass(kw_only=True)
class FormatCensus:
    """The shapes of all texts, once a column has shown more than one form.

    Attributes:
        tallies: By shape; the texts before the second form have the shape "".
        is_full: There are too many shapes, so the tallies are incomplete.
    """

    tallies: dict[str, ShapeTally] = field(default_factory=dict)
    is_full: bool = False

    def start(self, rows: int, first: Sighting, forms: Sequence[Candidate]) -> None:
        """Begin behind some rows that all fit the forms."""
        if rows:
            fitting = {form.form.formats[0]: form for form in forms if form.form}
            self.tallies[""] = ShapeTally(rows=rows, first=first, forms=fitting)

    def add(
        self, texts: pa.StringArray, counts: npt.NDArray[np.int64] | None, sighting: Callable[[str], Sighting]
    ) -> None:
        """Count more texts; `counts` has the number of rows of each, or is None if each is one row."""
        digits = pc.replace_substring_regex(texts, "[0-9]", "9")
        shapes = pc.replace_substring_regex(digits, "[A-Za-z]+", "a").dictionary_encode()
        places = shapes.indices.to_numpy()
        for place, shape in enumerate(shapes.dictionary.to_pylist()):
            members = np.flatnonzero(places == place)
            rows = len(members) if counts is None else int(counts[members].sum())
            if not rows:
                continue
            alike = texts.take(pa.array(members))
            tally = self.tallies.get(shape)
            if tally is None:
                if len(self.tallies) >= _SHAPES_LIMIT:
                    self.is_full = True
                    return
                first = sighting(alike[0].as_py())
                tally = self.tallies[shape] = ShapeTally(rows=0, first=first, forms=moment_candidates())
            tally.rows += rows
            tally.forms = {name: form for name, form in tally.forms.items() if form.test(alike) is None}

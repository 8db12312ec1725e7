"""Gathers, from every distinct text of a column, which types hold all of them exactly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns import convert
from data_convert.inspection.candidates import NUMBER, Candidate, Place, Sighting, all_candidates, matching
from data_convert.spec import ColumnSpec

NULL_SPELLINGS: Final = (
    *("NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None", "none"),
    *("NaN", "NAN", "nan", "-", "--", ".", "?", r"\N"),
)
"""Texts that mean "no value" in a column whose other texts are all numbers, moments or truth values."""

SENTINELS: Final = ("-9999", "-9999.0", "-999", "-999.0", "-99999")
"""Numbers that often mean "no value". They stay numbers: only a person can know."""

DISTINCT_LIMIT: Final = 10_000
_DISTINCT_BYTES: Final = 2 << 20
"""Distinct texts are remembered, and so counted exactly, up to these."""

_SPELLINGS_LIMIT: Final = 20
_SPELLING_BYTES: Final = 12

_NARROWER: Final = {"whole number": "int64", "flagged_number": "float64", "flag pattern": "float64"}
"""A candidate is not tried while one is alive whose every text it would take."""

_LEADING_ZERO: Final = r"^\s*[+-]?0[0-9]+(\.[0-9]*)?[A-Za-z*#?!$]{0,8}\s*$"
_ZERO_OFFSET: Final = r"(Z|[+-]00:?00)$"

LineOf = Callable[[int], Place]


@dataclass(kw_only=True)
class ColumnEvidence:
    """What is known of one column after some of its rows.

    Attributes:
        text_bytes: Bytes of all its cells.
        nulls: Rows per text that may mean "no value"; "" is one.
        numbers: Rows with a plain number, once some row has none.
        seen: Distinct texts, up to the limit.
        low_text: First text in the order of bytes.
    """

    rows: int = 0
    text_bytes: int = 0
    nulls: dict[str, int] = field(default_factory=dict)
    sentinels: dict[str, int] = field(default_factory=dict)
    numbers: int = 0
    first_number: Sighting | None = None
    first_word: Sighting | None = None
    leading_zero: Sighting | None = None
    has_offsets: Sighting | None = None
    flags: set[str] = field(default_factory=set)
    seen: pa.StringArray = field(default_factory=lambda: pa.array([], pa.string()))
    is_counted: bool = True
    low_text: str | None = None
    high_text: str | None = None
    candidates: dict[str, Candidate] = field(default_factory=all_candidates)

    @property
    def present(self) -> int:
        """Rows whose text can be no null."""
        return self.rows - sum(self.nulls.values())

    def add(self, column: pa.Array, line_of: LineOf) -> None:
        """Take the texts of the next rows, a string array or a dictionary of strings."""
        texts, counts = _counted(column)
        self.rows += len(column)
        lengths = pc.binary_length(texts).to_numpy(zero_copy_only=False)
        self.text_bytes += int(lengths.sum() if counts is None else lengths @ counts)
        new = texts.filter(pc.invert(pc.is_in(texts, value_set=self.seen))) if len(self.seen) else texts
        new = new if counts is not None or not self.is_counted else pc.unique(new)

        @functools.cache
        def sighting(text: str) -> Sighting:
            return Sighting(text=text, place=line_of(_first_row(column, text)))

        self._note_nulls(new)
        self._count(texts, counts, self.nulls)
        values = new.filter(pc.invert(pc.is_in(new, value_set=pa.array(list(self.nulls), pa.string()))))
        self._note_values(values, sighting)
        self._count(texts, counts, self.sentinels)
        self._count_numbers(texts, counts)
        self._remember(new)

    def _note_nulls(self, new: pa.StringArray) -> None:
        short = new.filter(pc.less_equal(pc.binary_length(new), _SPELLING_BYTES))
        spelt = pc.is_in(pc.utf8_trim_whitespace(short), value_set=pa.array(["", *NULL_SPELLINGS], pa.string()))
        for text in pc.unique(short.filter(spelt)).to_pylist():
            if text not in self.nulls and len(self.nulls) < _SPELLINGS_LIMIT:
                self.nulls[text] = 0

    def _count(self, texts: pa.StringArray, counts: Any, tally: dict[str, int]) -> None:
        for text in tally:
            mask = pc.equal(texts, text).to_numpy(zero_copy_only=False)
            tally[text] += int(mask.sum() if counts is None else counts[mask].sum())

    def _note_values(self, values: pa.StringArray, sighting: Callable[[str], Sighting]) -> None:
        if not len(values):
            return
        found = pc.min_max(values).as_py()
        self.low_text = found["min"] if self.low_text is None else min(self.low_text, found["min"])
        self.high_text = found["max"] if self.high_text is None else max(self.high_text, found["max"])
        for name, candidate in self.candidates.items():
            narrower = _NARROWER.get(name)
            if not candidate.is_alive or (narrower and self.is_alive(narrower)):
                continue
            if narrower and not candidate.had_texts:
                candidate.take_over(self.candidates[narrower])
            if (index := candidate.test(values)) is not None:
                candidate.failed = sighting(values[index].as_py())
        self._note_traps(values, sighting)

    def _note_traps(self, values: pa.StringArray, sighting: Callable[[str], Sighting]) -> None:
        is_number = self.is_alive("float64") or self.is_alive("flagged_number")
        if self.leading_zero is None and is_number:
            self.leading_zero = _first(values, _LEADING_ZERO, sighting)
        if is_number:
            for text in SENTINELS:
                if text not in self.sentinels and pc.any(pc.equal(values, text)).as_py():
                    self.sentinels[text] = 0
        if self.is_alive("flagged_number") and not self.is_alive("float64"):
            _, flags = convert(ColumnSpec(name="", header="", type="flagged_number", nulls=()), values).arrays
            self.flags |= set(pc.unique(flags.drop_null())[:100].to_pylist())
        if self.first_number is None:
            self.first_number = _first(values, NUMBER, sighting)
        if self.first_word is None and not (self.is_alive("float64") or self.is_alive("int64")):
            self.first_word = _first(values, NUMBER, sighting, inverted=True)
        zoned = any(c.is_alive and c.form and c.form.zone for c in self.candidates.values())
        if zoned and self.has_offsets is None:
            self.has_offsets = _first(values, _ZERO_OFFSET, sighting, inverted=True)

    def _count_numbers(self, texts: pa.StringArray, counts: Any) -> None:
        """While all are numbers there is nothing to count: `present` says it."""
        if self.first_number is None:
            return
        if self.first_word is None:
            self.numbers = self.present
            return
        mask = matching(texts, NUMBER)
        self.numbers += int(mask.sum() if counts is None else counts[mask].sum())

    def _remember(self, new: pa.StringArray) -> None:
        if not self.is_counted:
            return
        self.seen = pa.concat_arrays([self.seen, new])
        self.is_counted = len(self.seen) <= DISTINCT_LIMIT and self.seen.nbytes <= _DISTINCT_BYTES

    def is_alive(self, type_: str) -> bool:
        """Whether the candidate holds all texts."""
        return self.candidates[type_].is_alive

    @property
    def forms(self) -> list[Candidate]:
        """The forms of moments that hold all texts."""
        return [candidate for candidate in self.candidates.values() if candidate.form and candidate.is_alive]


def _counted(column: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.int64] | None]:
    """The texts to look at and the rows of each; None where each stands for one row."""
    if not pa.types.is_dictionary(column.type):
        return column, None
    return column.dictionary, np.bincount(column.indices.to_numpy(), minlength=len(column.dictionary))


def _first_row(column: pa.Array, text: str) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(pc.index(column, text).as_py())
    return int(np.argmax(column.indices.to_numpy() == pc.index(column.dictionary, text).as_py()))


def _first(
    values: pa.StringArray, pattern: str, sighting: Callable[[str], Sighting], *, inverted: bool = False
) -> Sighting | None:
    mask = matching(values, pattern) != inverted
    return sighting(values[int(np.argmax(mask))].as_py()) if mask.any() else None

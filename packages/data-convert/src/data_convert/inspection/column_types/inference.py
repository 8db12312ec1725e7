"""Gathers, from every distinct text of a column, which types hold all of them exactly."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.conversion import convert
from data_convert.inspection.column_types.candidates import (
    WRITTEN_NUMBER,
    Candidate,
    Sighting,
    all_candidates,
    matching,
    tested,
)
from data_convert.inspection.column_types.column_texts import ColumnTexts
from data_convert.inspection.column_types.day_order import DayOrder, DayRanges, both_orders
from data_convert.inspection.column_types.decimal_digits import DecimalDigits, either_mark
from data_convert.inspection.column_types.format_census import FormatCensus
from data_convert.inspection.column_types.identifiers import IdentifierSigns
from data_convert.inspection.column_types.moment_forms import COMPACT_DAY
from data_convert.inspection.column_types.number_styles import NumberStyles, PlainNumbers
from data_convert.spec.dataset_spec import ColumnSpec

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

_MOMENT_LIKE: Final = r"^\s*[0-9]{1,4}[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ][0-9]{1,4}(\b|T|$)"
_ZERO_OFFSET: Final = r"(Z|[+-]00:?00)$"


@dataclass(kw_only=True)
class ColumnEvidence:
    """What is known about one column after some of its rows.

    Attributes:
        text_bytes: Bytes of all its cells.
        nulls: Number of rows per text that may mean "no value", including "".
        sentinels: Number of rows per sentinel.
        numbers: Number of rows with a number, plain or with marks, once a row has another text.
        is_moment_like: Whether at least half of the first texts begin like a date.
        census: The formats of dates, once there is more than one.
        digits: The most digits of a number, for each decimal mark.
        flags: The flags of flagged numbers, up to a limit.
        seen: Distinct texts, up to a limit.
        is_counted: Whether `seen` has all distinct texts.
        low_text: First text in the order of bytes.
        high_text: Last text in the order of bytes.
        forms: The forms of moments that fit all texts.
    """

    rows: int = 0
    text_bytes: int = 0
    nulls: dict[str, int] = field(default_factory=dict)
    sentinels: dict[str, int] = field(default_factory=dict)
    numbers: int = 0
    first_number: Sighting | None = None
    first_word: Sighting | None = None
    signs: IdentifierSigns = field(default_factory=IdentifierSigns)
    styles: NumberStyles = field(default_factory=NumberStyles)
    days: DayRanges = field(default_factory=DayRanges)
    is_moment_like: bool = False
    census: FormatCensus | None = None
    digits: tuple[DecimalDigits, ...] = field(default_factory=either_mark)
    has_offsets: Sighting | None = None
    flags: set[str] = field(default_factory=set)
    seen: pa.StringArray = field(default_factory=lambda: pa.array([], pa.string()))
    is_counted: bool = True
    low_text: str | None = None
    high_text: str | None = None
    candidates: dict[str, Candidate] = field(default_factory=all_candidates)
    forms: list[Candidate] = field(init=False)

    def __post_init__(self) -> None:
        self.forms = [candidate for candidate in self.candidates.values() if candidate.form]

    @property
    def present(self) -> int:
        """Number of rows whose text is certainly a value."""
        return self.rows - sum(self.nulls.values())

    def add(self, blocks: Sequence[ColumnTexts]) -> None:
        """Add the texts of the next blocks. The evidence does not depend on how many of them are added at once."""
        if len(blocks) > 1 and self._add_joined(ColumnTexts.joined(blocks), blocks):
            return
        for block in blocks:
            self._add_block(block)

    def _add_block(self, block: ColumnTexts) -> None:
        new = self._unseen(block)
        sighting = functools.cache(block.sighting)
        if len(new):
            self._note_nulls(new)
            if len(values := new.filter(self._are_values(new))):
                self._note_values(values, sighting)
                self._note_traps(values, sighting)
        self._count_rows(block, [block], new)

    def _add_joined(self, joined: ColumnTexts, blocks: Sequence[ColumnTexts]) -> bool:
        """Add several blocks at once, which is faster; return False if it matters in which of them a text is.

        It matters while nothing is known, if a text rules out a type or is of a new format, and if there may be too
        many texts to remember.
        """
        new = self._unseen(joined)
        if self.is_counted and not _is_memorable(len(self.seen) + len(new), self.seen.nbytes + new.nbytes):
            return False
        if len(new):
            self._note_nulls(new)
            if len(values := new.filter(self._are_values(new))):
                if self.styles.first is None or not self._fit(values):
                    return False
                self._widen(values)
                self._note_traps(values, functools.cache(joined.sighting))
        self._count_rows(joined, blocks, new)
        return True

    def _count_rows(self, all_: ColumnTexts, blocks: Sequence[ColumnTexts], new: pa.StringArray) -> None:
        """Count the rows of the blocks, whose texts have been looked at."""
        before = self.present
        self.rows += all_.rows
        self.text_bytes += all_.text_bytes
        self._count(all_, self.nulls)
        if orders := both_orders(self.forms):
            self._note_day_order(blocks, orders)
        if self.has_mixed_forms and self.styles.first is not None:
            self._note_formats(blocks, before, self.styles.first)
        self._count(all_, self.sentinels)
        self._count_numbers(all_)
        self._remember(new)

    def _unseen(self, block: ColumnTexts) -> pa.StringArray:
        """The texts that are not remembered, each once while all texts are."""
        texts = block.texts
        if len(self.seen):
            is_seen = pc.is_in(texts, value_set=self.seen)
            texts = texts[:0] if is_seen.true_count == len(texts) else texts.filter(pc.invert(is_seen))
        return pc.unique(texts) if self.is_counted and not block.are_distinct else texts

    def _note_nulls(self, new: pa.StringArray) -> None:
        short = new.filter(pc.less_equal(pc.binary_length(new), _SPELLING_BYTES))
        spelt = pc.is_in(pc.utf8_trim_whitespace(short), value_set=pa.array(["", *NULL_SPELLINGS], pa.string()))
        for text in pc.unique(short.filter(spelt)).to_pylist():
            if text not in self.nulls and len(self.nulls) < _SPELLINGS_LIMIT:
                self.nulls[text] = 0

    def _count(self, block: ColumnTexts, tally: dict[str, int]) -> None:
        if not tally:
            return
        places = pc.index_in(block.texts, value_set=pa.array(list(tally), pa.string()))
        if places.null_count == len(places):
            return
        mask = places.is_valid().to_numpy(zero_copy_only=False)
        found = np.zeros(len(tally), dtype=np.int64)
        np.add.at(found, places.drop_null().to_numpy(), 1 if block.counts is None else block.counts[mask])
        for text, number in zip(tally, found.tolist(), strict=True):
            tally[text] += number

    def _widen(self, values: pa.StringArray) -> None:
        found = pc.min_max(values).as_py()
        self.low_text = found["min"] if self.low_text is None else min(self.low_text, found["min"])
        self.high_text = found["max"] if self.high_text is None else max(self.high_text, found["max"])

    def _note_values(self, values: pa.StringArray, sighting: Callable[[str], Sighting]) -> None:
        self._widen(values)
        if self.styles.first is None:
            self.is_moment_like = 2 * int(matching(values, _MOMENT_LIKE).sum()) >= len(values)
        integers, floats = replace(self.candidates["int64"]), replace(self.candidates["float64"])
        for candidate, narrower in tested(self.candidates):
            if narrower and not candidate.had_texts:
                candidate.take_over(narrower)
            if (index := candidate.test(values)) is not None:
                candidate.failed = sighting(values[index].as_py())
        self.forms = [candidate for candidate in self.forms if candidate.is_alive]
        self.styles.add(values, self._plain(integers, floats), sighting)

    def _fit(self, values: pa.StringArray) -> bool:
        """Whether no candidate fails or widens its formats; all of them take note of the values then."""
        plain = self._plain(self.candidates["int64"], self.candidates["float64"])
        return not self.styles.tested(plain) and all(
            candidate.accepts(values) for candidate, _ in tested(self.candidates)
        )

    def _plain(self, integers: Candidate, floats: Candidate) -> PlainNumbers:
        are_whole = self.is_alive("int64") or self.is_alive("whole number")
        return PlainNumbers(integers=integers, floats=floats, are_whole=are_whole, are_plain=self.is_alive("float64"))

    def _note_day_order(self, blocks: Sequence[ColumnTexts], orders: dict[DayOrder, Candidate]) -> None:
        for block in blocks:
            if len(values := block.texts.filter(self._are_values(block.texts))):
                self.days.add(values, orders, block.source)

    def _note_formats(self, blocks: Sequence[ColumnTexts], before: int, first: Sighting) -> None:
        """Count the formats of all rows, `before` of which came in earlier blocks."""
        if self.census is None:
            self.census = FormatCensus()
            self.census.start(before, first, self._broken_forms)
        for block in blocks:
            are_values = self._are_values(block.texts)
            if not self.census.is_full and pc.any(are_values).as_py():
                mask = are_values.to_numpy(zero_copy_only=False)
                counts = None if block.counts is None else block.counts[mask]
                self.census.add(block.texts.filter(are_values), counts, functools.cache(block.sighting))

    def _are_values(self, texts: pa.StringArray) -> pa.BooleanArray:
        return pc.invert(pc.is_in(texts, value_set=pa.array(list(self.nulls), pa.string())))

    @property
    def has_mixed_forms(self) -> bool:
        """Whether the texts are dates or timestamps of more than one form, or not all of them."""
        return not self.forms and not self.is_alive("number") and (self.is_moment_like or bool(self._broken_forms))

    @property
    def _broken_forms(self) -> list[Candidate]:
        """The forms that fitted longest."""
        broken = [(c, c.failed.place) for c in self.candidates.values() if c.form and c.failed and c.had_texts]
        broken = [(c, place) for c, place in broken if c is not self.candidates[COMPACT_DAY]]
        last = max(((place.source, place.line) for _, place in broken), default=None)
        return [candidate for candidate, place in broken if (place.source, place.line) == last]

    def _note_traps(self, values: pa.StringArray, sighting: Callable[[str], Sighting]) -> None:
        is_number = self.is_alive("float64") or self.is_alive("flagged_number")
        if is_number or self.styles.readings:
            for digits in self.digits:
                digits.look(values)
        if is_number or self.styles.readings:
            self.signs.look(values, self.seen if self.is_counted else None, sighting)
        if is_number:
            for text in SENTINELS:
                if text not in self.sentinels and pc.any(pc.equal(values, text)).as_py():
                    self.sentinels[text] = 0
        if self.is_alive("flagged_number") and not self.is_alive("float64"):
            _, flags = convert(ColumnSpec(name="", header="", type="flagged_number", nulls=()), values).arrays
            self.flags |= set(pc.unique(flags.drop_null())[:100].to_pylist())
        if self.first_number is None:
            self.first_number = _first(values, WRITTEN_NUMBER, sighting)
        if self.first_word is None and not (self.is_alive("float64") or self.is_alive("int64")):
            self.first_word = _first(values, WRITTEN_NUMBER, sighting, inverted=True)
        if self.has_offsets is None and any(candidate.form and candidate.form.zone for candidate in self.forms):
            self.has_offsets = _first(values, _ZERO_OFFSET, sighting, inverted=True)

    def _count_numbers(self, block: ColumnTexts) -> None:
        """Count the numbers. While all texts are numbers, `present` is their count."""
        if self.first_number is None:
            return
        if self.first_word is None:
            self.numbers = self.present
            return
        self.numbers += block.rows_with(matching(block.texts, WRITTEN_NUMBER))

    def _remember(self, new: pa.StringArray) -> None:
        if not self.is_counted or not len(new):
            return
        self.seen = pa.concat_arrays([self.seen, new])
        self.is_counted = _is_memorable(len(self.seen), self.seen.nbytes)

    def is_alive(self, type_: str) -> bool:
        """Whether all texts fit the candidate."""
        return self.candidates[type_].is_alive


def _is_memorable(texts: int, size_bytes: int) -> bool:
    return texts <= DISTINCT_LIMIT and size_bytes <= _DISTINCT_BYTES


def _first(
    values: pa.StringArray, pattern: str, sighting: Callable[[str], Sighting], *, inverted: bool = False
) -> Sighting | None:
    mask = matching(values, pattern) != inverted
    return sighting(values[int(np.argmax(mask))].as_py()) if mask.any() else None

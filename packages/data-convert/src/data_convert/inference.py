"""Gathers, from every distinct text of a column, which types hold all of them exactly."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns import convert
from data_convert.moment_forms import COMPACT_DAY, FORMS, MomentForm
from data_convert.spec import FLAG_SUFFIX, ColumnSpec

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
_HEAD: Final = 64
"""A candidate that fails among so many texts never sees the others: parsing dates one by one is slow."""

_NUMBER: Final = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_WHOLE_NUMBER: Final = r"^\s*[+-]?[0-9]+\s*$"
_LEADING_ZERO: Final = r"^\s*[+-]?0[0-9]+(\.[0-9]*)?[A-Za-z*#?!$]{0,8}\s*$"
_FLAGGED: Final = r"^\s*[+-]?[0-9.]*[A-Za-z*#?!$]{0,4}\s*$"
_TRUTH: Final = r"(?i)^(true|false|yes|no)$"
_EIGHT_DIGITS: Final = r"^(19|20)[0-9]{6}$"
_WRITTEN_NUMBER: Final = r"^\s*[-+(]?[$€£]?\s?[0-9]{1,3}([., ']?[0-9]{3})*([.,][0-9]+)?\s?[%€$]?\)?\s*$"
_TWO_DIGIT_YEAR: Final = r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}( .*)?$"
_UNPADDED: Final = r"(?s)^\S(.*\S)?$"
_ZERO_OFFSET: Final = r"(Z|[+-]00:?00)$"

Mask = npt.NDArray[np.bool_]
LineOf = Callable[[int], "Place"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a source, from 1."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A text and the first place where it stands."""

    text: str
    place: Place

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 40 else self.text[:39] + "…"
        return f"{shown!r} ({self.place})"


@dataclass(kw_only=True)
class Candidate:
    """A type that may still hold every text.

    Attributes:
        fits: The arrays of the texts and which of them fit.
        used: Formats that some text has.
        failed: The first text that does not fit; the candidate is out.
        had_texts: Whether any text fitted before.
    """

    fits: Callable[[pa.StringArray], tuple[pa.Array | None, Mask]]
    form: MomentForm | None = None
    used: list[str] = field(default_factory=list)
    failed: Sighting | None = None
    had_texts: bool = False
    low: Any = None
    high: Any = None

    @property
    def is_alive(self) -> bool:
        """Whether all texts so far fit."""
        return self.failed is None

    def test(self, texts: pa.StringArray) -> int | None:
        """Takes texts (never empty ones); the index of the first that does not fit, if any."""
        if not self.had_texts and self.form is not None and not _may_be(texts[0].as_py(), self.form):
            return 0
        for start, part in ((0, texts[:_HEAD]), (_HEAD, texts[_HEAD:])):
            if not len(part):
                continue
            values, fits = self.fits(part)
            if not fits.all():
                index = int(np.argmin(fits))
                self.had_texts = self.had_texts or start + index > 0
                return start + index
            self.had_texts = True
            self._widen(values)
        return None

    def _widen(self, values: pa.Array | None) -> None:
        if values is None or values.null_count == len(values):
            return
        found = pc.min_max(values).as_py()
        self.low = found["min"] if self.low is None else min(self.low, found["min"])
        self.high = found["max"] if self.high is None else max(self.high, found["max"])


def _may_be(text: str, form: MomentForm) -> bool:
    """Whether the conversion could take the text, found out without building arrays."""
    if form.formats == (COMPACT_DAY,):
        return re.search(_EIGHT_DIGITS, text) is not None
    return _is_moment_like(text) and any(_is_moment(text, format_) for format_ in form.formats)


@functools.lru_cache(maxsize=1 << 10)
def _is_moment_like(text: str) -> bool:
    return len(text) <= 40 and re.search("[0-9]", text) is not None and re.search(_NUMBER, text) is None


def _is_moment(text: str, format_: str) -> bool:
    try:
        datetime.strptime(text, format_)
    except ValueError:
        return False
    return True


def _converts(type_: str, texts: pa.StringArray) -> tuple[pa.Array, Mask]:
    """By the conversion itself: what is inferred is what it will accept."""
    made = convert(ColumnSpec(name="", header="", type=type_, nulls=()), texts)
    return made.arrays[0], np.ones(len(texts), dtype=np.bool_) if made.fits is None else made.fits


def _matches(pattern: str, texts: pa.StringArray) -> tuple[None, Mask]:
    return None, matching(texts, pattern)


def matching(texts: pa.StringArray, pattern: str) -> Mask:
    """Which texts the pattern is found in."""
    mask: Mask = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return mask


def _moments(candidate: list[Candidate], form: MomentForm, texts: pa.StringArray) -> tuple[pa.Array | None, Mask]:
    """As the conversion would, format by format, to learn which of them are in use."""
    fits = np.zeros(len(texts), dtype=np.bool_)
    if form.formats == (COMPACT_DAY,) and not (eight := matching(texts, _EIGHT_DIGITS)).all():
        return None, eight
    arrays = []
    used = candidate[0].used
    for format_ in (*used, *(format_ for format_ in form.formats if format_ not in used)):
        rest = np.flatnonzero(~fits)
        if not len(rest):
            break
        column = ColumnSpec(name="", header="", type=form.type, formats=(format_,), zone=form.zone, nulls=())
        made = convert(column, texts.take(pa.array(rest)))
        good = np.ones(len(rest), dtype=np.bool_) if made.fits is None else made.fits
        if good.any():
            used += [format_] if format_ not in used else []
            arrays.append(made.arrays[0].filter(pa.array(good)))
            fits[rest[good]] = True
    return pa.concat_arrays(arrays) if arrays else None, fits


def _candidates() -> dict[str, Candidate]:
    candidates = {
        "bool": Candidate(fits=functools.partial(_matches, _TRUTH)),
        "whole number": Candidate(fits=functools.partial(_matches, _WHOLE_NUMBER)),
        "int64": Candidate(fits=functools.partial(_converts, "int64")),
        "float64": Candidate(fits=functools.partial(_converts, "float64")),
        "written number": Candidate(fits=functools.partial(_matches, _WRITTEN_NUMBER)),
        "two-digit year": Candidate(fits=functools.partial(_matches, _TWO_DIGIT_YEAR)),
        "unpadded": Candidate(fits=functools.partial(_matches, _UNPADDED)),
        "flag pattern": Candidate(fits=functools.partial(_matches, _FLAGGED)),
        "flagged_number": Candidate(fits=functools.partial(_converts, "flagged_number")),
    }
    for form in FORMS:
        own: list[Candidate] = []
        candidate = Candidate(fits=functools.partial(_moments, own, form), form=form)
        own.append(candidate)
        candidates[form.formats[0]] = candidate
    return candidates


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
    null_places: dict[str, Sighting] = field(default_factory=dict)
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
    candidates: dict[str, Candidate] = field(default_factory=_candidates)

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

        self._note_nulls(new, sighting)
        self._count(texts, counts, self.nulls)
        values = new.filter(pc.invert(pc.is_in(new, value_set=pa.array(list(self.nulls), pa.string()))))
        self._note_values(values, sighting)
        self._count(texts, counts, self.sentinels)
        self._count_numbers(texts, counts)
        self._remember(new)

    def _note_nulls(self, new: pa.StringArray, sighting: Callable[[str], Sighting]) -> None:
        spelt = pc.is_in(pc.utf8_trim_whitespace(new), value_set=pa.array(["", *NULL_SPELLINGS], pa.string()))
        for text in pc.unique(new.filter(spelt)).to_pylist():
            if text not in self.nulls and len(self.nulls) < _SPELLINGS_LIMIT:
                self.nulls[text] = 0
                self.null_places[text] = sighting(text)

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
        for candidate in self.candidates.values():
            if candidate.is_alive and (index := candidate.test(values)) is not None:
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
            self.first_number = _first(values, _NUMBER, sighting)
        if self.first_word is None:
            self.first_word = _first(values, _NUMBER, sighting, inverted=True)
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
        mask = matching(texts, _NUMBER)
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


def stored_names(name: str, type_: str) -> Sequence[str]:
    """Names of the Parquet columns it becomes."""
    return (name, name + FLAG_SUFFIX) if type_ == "flagged_number" else (name,)

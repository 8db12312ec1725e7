"""Types that may hold a column's texts, each tried until a text does not fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns import convert
from data_convert.inspection.moment_forms import COMPACT_DAY, FORMS, MomentForm
from data_convert.spec import ColumnSpec

_HEAD: Final = 64
"""A candidate that fails among so many texts never sees the others: parsing dates one by one is slow."""

NUMBER: Final = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_WHOLE_NUMBER: Final = r"^\s*[+-]?[0-9]+\s*$"
_FLAGGED: Final = r"^\s*[+-]?[0-9.]*[A-Za-z*#?!$]{0,4}\s*$"
_TRUTH: Final = r"(?i)^(true|false|yes|no)$"
_EIGHT_DIGITS: Final = r"^(19|20)[0-9]{6}$"
_WRITTEN_NUMBER: Final = r"^\s*[-+(]?[$€£]?\s?[0-9]{1,3}([., ']?[0-9]{3})*([.,][0-9]+)?\s?[%€$]?\)?\s*$"
_TWO_DIGIT_YEAR: Final = r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}( .*)?$"

Mask = npt.NDArray[np.bool_]


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

    def take_over(self, narrower: Candidate) -> None:
        """Stand in for a candidate that has failed; what fitted that one fits this one too."""
        self.had_texts, self.low, self.high = narrower.had_texts, narrower.low, narrower.high

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
    return len(text) <= 40 and re.search("[0-9]", text) is not None and re.search(NUMBER, text) is None


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


def _without_padding(texts: pa.StringArray) -> tuple[None, Mask]:
    return None, pc.equal(pc.ascii_trim_whitespace(texts), texts).to_numpy(zero_copy_only=False)


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


def all_candidates() -> dict[str, Candidate]:
    """Fresh ones, narrower ones before those that hold their texts too."""
    candidates = {
        "bool": Candidate(fits=functools.partial(_matches, _TRUTH)),
        "int64": Candidate(fits=functools.partial(_converts, "int64")),
        "whole number": Candidate(fits=functools.partial(_matches, _WHOLE_NUMBER)),
        "float64": Candidate(fits=functools.partial(_converts, "float64")),
        "written number": Candidate(fits=functools.partial(_matches, _WRITTEN_NUMBER)),
        "two-digit year": Candidate(fits=functools.partial(_matches, _TWO_DIGIT_YEAR)),
        "unpadded": Candidate(fits=_without_padding),
        "flag pattern": Candidate(fits=functools.partial(_matches, _FLAGGED)),
        "flagged_number": Candidate(fits=functools.partial(_converts, "flagged_number")),
    }
    for form in FORMS:
        own: list[Candidate] = []
        candidate = Candidate(fits=functools.partial(_moments, own, form), form=form)
        own.append(candidate)
        candidates[form.formats[0]] = candidate
    return candidates

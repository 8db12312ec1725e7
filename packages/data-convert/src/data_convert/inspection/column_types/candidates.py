"""Types that may fit the texts of a column; each is tested until a text does not fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.conversion import convert
from data_convert.inspection.column_types.moment_forms import COMPACT_DAY, FORMS, MomentForm, is_moment
from data_convert.spec.dataset_spec import ColumnSpec

_HEAD: Final = 64
"""A candidate that fails among so many texts never sees the others: parsing dates one by one is slow."""

NUMBER: Final = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_NON_FINITE: Final = r"(?i)^\s*([+-]?inf(inity)?|nan)\s*$"
_FINE_FRACTION: Final = re.compile(r"(\.[0-9]{6})[0-9]{1,3}(?![0-9])")
"""strptime knows no digits behind microseconds."""

_WHOLE_NUMBER: Final = r"^\s*[+-]?[0-9]+\s*$"
_FLAGGED: Final = r"^\s*[+-]?[0-9.]*[A-Za-z*#?!$]{0,4}\s*$"
_TRUTH: Final = r"(?i)^(true|false|yes|no)$"
_EIGHT_DIGITS: Final = r"^(19|20)[0-9]{6}$"
WRITTEN_NUMBER: Final = (
    r"^\s*[+-]?[$€£¥]?[ \x{a0}\x{202f}]?[+-]?"
    r"([0-9]{1,3}([., '\x{2019}\x{a0}\x{202f}][0-9]{3})+([.,][0-9]*)?|[0-9]+[.,]?[0-9]*|[.,][0-9]+)"
    r"([eE][+-]?[0-9]+)?[ \x{a0}\x{202f}]?[%‰€£¥]?\s*$"
)
"""A number, perhaps with marks. A `$` behind a number is rather a flag."""

_WEEK: Final = r"^[0-9]{4}-?W[0-9]{2}$"
_ZONE_ABBREVIATION: Final = r"[0-9]{1,2}:[0-9]{2}.* [A-Z]{3,5}( [0-9]{4})?$"
_TWO_DIGIT_YEAR: Final = r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2}( .*)?$"

Mask = npt.NDArray[np.bool_]
Precision = Literal["us", "ns"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A line of a source, from 1."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A text and the first place where it occurs."""

    text: str
    place: Place

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 40 else self.text[:39] + "…"
        return f"{shown!r} ({self.place})"


@dataclass(kw_only=True)
class Candidate:
    """A type that may fit every text.

    Attributes:
        fits: The arrays of the texts and which of them fit.
        used: Formats that some text has.
        failed: The first text that does not fit; the candidate is out.
        had_texts: Whether any text fitted before.
        precision: Unit of a timestamp.
    """

    fits: Callable[[pa.StringArray], tuple[pa.Array | None, Mask]]
    form: MomentForm | None = None
    used: list[str] = field(default_factory=list)
    failed: Sighting | None = None
    had_texts: bool = False
    precision: Precision = "us"
    low: Any = None
    high: Any = None

    @property
    def is_alive(self) -> bool:
        """Whether all texts so far fit."""
        return self.failed is None

    def test(self, texts: pa.StringArray) -> int | None:
        """Test more texts (at least one); return the index of the first that does not fit, or None."""
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

    def accepts(self, texts: pa.StringArray) -> bool:
        """Test more texts (at least one) behind others. Return whether all fit in the formats and the unit of before;
        if not, nothing is noted of them."""
        if not self.had_texts:
            return False
        low, high, used, precision = self.low, self.high, list(self.used), self.precision
        if self.test(texts) is None and (self.used, self.precision) == (used, precision):
            return True
        self.low, self.high, self.precision = low, high, precision
        self.used[:] = used
        return False

    def take_over(self, narrower: Candidate) -> None:
        """Replace a candidate that has failed: every text that fits that type fits this one too."""
        self.had_texts, self.low, self.high = narrower.had_texts, narrower.low, narrower.high

    def _widen(self, values: pa.Array | None) -> None:
        if values is None or values.null_count == len(values):
            return
        found = pc.min_max(values).as_py()
        self.low = found["min"] if self.low is None else min(self.low, found["min"])
        self.high = found["max"] if self.high is None else max(self.high, found["max"])


def _may_be(text: str, form: MomentForm) -> bool:
    """Whether the text can fit the form. This is a cheap test, before any array is built."""
    if form.formats == (COMPACT_DAY,):
        return re.search(_EIGHT_DIGITS, text) is not None
    return _is_moment_like(text) and any(
        is_moment(_FINE_FRACTION.sub(r"\1", text), format_) for format_ in form.formats
    )


@functools.lru_cache(maxsize=1 << 10)
def _is_moment_like(text: str) -> bool:
    return len(text) <= 40 and re.search("[0-9]", text) is not None and re.search(NUMBER, text) is None


def _converts(type_: str, texts: pa.StringArray) -> tuple[pa.Array, Mask]:
    """Uses the conversion itself, so that an inferred type is one that it accepts."""
    made = convert(ColumnSpec(name="", header="", type=type_, nulls=()), texts)
    return made.arrays[0], np.ones(len(texts), dtype=np.bool_) if made.fits is None else made.fits


def conversion_candidate(type_: str) -> Candidate:
    """The type of a column without further settings."""
    return Candidate(fits=functools.partial(_converts, type_))


def _matches(pattern: str, texts: pa.StringArray) -> tuple[None, Mask]:
    return None, matching(texts, pattern)


def _without_padding(texts: pa.StringArray) -> tuple[None, Mask]:
    return None, pc.equal(pc.ascii_trim_whitespace(texts), texts).to_numpy(zero_copy_only=False)


def matching(texts: pa.StringArray, pattern: str) -> Mask:
    """Which texts contain a match of the pattern."""
    mask: Mask = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return mask


def _moments(candidate: list[Candidate], form: MomentForm, texts: pa.StringArray) -> tuple[pa.Array | None, Mask]:
    """As the conversion would, format by format, to learn which of them are in use.

    A column has nanoseconds once a text has more than six digits in its fraction.
    """
    if form.formats == (COMPACT_DAY,) and not (eight := matching(texts, _EIGHT_DIGITS)).all():
        return None, eight
    me = candidate[0]
    used = list(me.used)
    values, fits = _moments_in(me.precision, form, texts, used)
    is_fine = not fits.all() and me.precision == "us" and any("%f" in format_ for format_ in form.formats)
    if is_fine and _fit_nanoseconds(me.low, me.high):
        fine = list(me.used)
        finer, fine_fits = _moments_in("ns", form, texts, fine)
        if fine_fits.all():
            me.precision, used, values, fits = "ns", fine, finer, fine_fits
    me.used[:] = used
    return values, fits


def _fit_nanoseconds(*moments: datetime | None) -> bool:
    """Whether 64 bits hold them as nanoseconds: the years 1678 to 2261."""
    return all(moment is None or 1677 < moment.year < 2262 for moment in moments)


def _moments_in(
    precision: Precision, form: MomentForm, texts: pa.StringArray, used: list[str]
) -> tuple[pa.Array | None, Mask]:
    """The moments of the texts that fit; the formats of these are added to `used`."""
    fits = np.zeros(len(texts), dtype=np.bool_)
    arrays = []
    for format_ in (*used, *(format_ for format_ in form.formats if format_ not in used)):
        rest = np.flatnonzero(~fits)
        if not len(rest):
            break
        column = ColumnSpec(
            name="", header="", type=form.type, formats=(format_,), zone=form.zone, precision=precision, nulls=()
        )
        made = convert(column, texts.take(pa.array(rest)))
        good = np.ones(len(rest), dtype=np.bool_) if made.fits is None else made.fits
        if good.any():
            used += [format_] if format_ not in used else []
            # Python's datetime, in which the smallest and the largest are compared, knows no nanoseconds.
            coarse = pa.date32() if form.type == "date" else pa.timestamp("us", tz=made.arrays[0].type.tz)
            arrays.append(made.arrays[0].filter(pa.array(good)).cast(coarse, safe=False))
            fits[rest[good]] = True
    return pa.concat_arrays(arrays) if arrays else None, fits


def moment_candidates() -> dict[str, Candidate]:
    """New candidates for all forms of dates and timestamps, by their first format."""
    candidates = {}
    for form in FORMS:
        own: list[Candidate] = []
        candidate = Candidate(fits=functools.partial(_moments, own, form), form=form)
        own.append(candidate)
        candidates[form.formats[0]] = candidate
    return candidates


def all_candidates() -> dict[str, Candidate]:
    """New candidates; a narrower type comes before the wider ones that fit its texts too."""
    candidates = {
        "bool": Candidate(fits=functools.partial(_matches, _TRUTH)),
        "int64": conversion_candidate("int64"),
        "uint64": conversion_candidate("uint64"),
        "whole number": Candidate(fits=functools.partial(_matches, _WHOLE_NUMBER)),
        "float64": conversion_candidate("float64"),
        "number": Candidate(fits=functools.partial(_matches, NUMBER)),
        "non-finite": Candidate(fits=functools.partial(_matches, f"{NUMBER}|{_NON_FINITE}")),
        "written number": Candidate(fits=functools.partial(_matches, WRITTEN_NUMBER)),
        "two-digit year": Candidate(fits=functools.partial(_matches, _TWO_DIGIT_YEAR)),
        "week": Candidate(fits=functools.partial(_matches, _WEEK)),
        "zone abbreviation": Candidate(fits=functools.partial(_matches, _ZONE_ABBREVIATION)),
        "unpadded": Candidate(fits=_without_padding),
        "flag pattern": Candidate(fits=functools.partial(_matches, _FLAGGED)),
        "flagged_number": conversion_candidate("flagged_number"),
    }
    return {**candidates, **moment_candidates()}


_NARROWER: Final = {
    "uint64": "int64",
    "whole number": "int64",
    "number": "float64",
    "non-finite": "number",
    "written number": "number",
    "flagged_number": "float64",
    "flag pattern": "float64",
}
"""A candidate is not tried while one is alive whose every text it would take."""


def tested(candidates: Mapping[str, Candidate]) -> Iterator[tuple[Candidate, Candidate | None]]:
    """The candidates to test, each with the narrower one that has failed, if it has one."""
    for name, candidate in candidates.items():
        narrower = candidates[_NARROWER[name]] if name in _NARROWER else None
        if candidate.is_alive and not (narrower and narrower.is_alive):
            yield candidate, narrower

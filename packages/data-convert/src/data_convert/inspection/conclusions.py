"""Concludes from the evidence on a column which type to declare, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from data_convert.inspection.candidates import Candidate
from data_convert.inspection.inference import ColumnEvidence
from data_convert.inspection.moment_forms import COMPACT_DAY

EXACT_INTEGER: Final = 2**53
"""From here on a float64, as in JavaScript, Excel and a pandas column with nulls, skips integers."""

_INT32_COMFORT: Final = 2**30
_MIXED_SHARE: Final = 0.1
_FLAGS_LIMIT: Final = 20


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What to declare for a column; `warnings` are whole sentences without their full stop."""

    type: str
    formats: tuple[str, ...] = ()
    zone: str | None = None
    nulls: tuple[str, ...] = ("",)
    minimum: str | None = None
    maximum: str | None = None
    warnings: tuple[str, ...] = ()


def conclusion(evidence: ColumnEvidence, *, header: str) -> Conclusion:
    """The narrowest type that holds every value exactly and in its meaning; else string.

    Integers become int32, or int64 from a quarter of int32's range on: a file that comes later may hold larger
    ones, and narrower types save next to nothing once the pages are encoded.
    """
    type_, candidate = _type(evidence, header)
    if type_ == "string":
        texts = [text for text in (evidence.low_text, evidence.high_text, *evidence.nulls) if text]
        return Conclusion(
            type="string",
            minimum=min(texts, default=None),
            maximum=max(texts, default=None),
            warnings=tuple(_string_warnings(evidence)),
        )
    form = candidate.form if candidate else None
    return Conclusion(
        type=type_,
        formats=tuple(candidate.used) if candidate and form else (),
        zone=form.zone if form else None,
        nulls=("", *sorted(text for text in evidence.nulls if text)),
        minimum=_shown(candidate.low) if candidate else evidence.low_text,
        maximum=_shown(candidate.high) if candidate else evidence.high_text,
        warnings=tuple(_typed_warnings(evidence, type_)),
    )


def _type(evidence: ColumnEvidence, header: str) -> tuple[str, Candidate | None]:
    if not evidence.present:
        return "string", None
    if evidence.is_alive("bool") and _is_one_pair(evidence):
        return "bool", None
    if evidence.is_alive(COMPACT_DAY) and "date" in header.lower():
        return "date", evidence.candidates[COMPACT_DAY]
    number = _number_type(evidence)
    if number is not None:
        return number, evidence.candidates["int64" if number.startswith("int") else number]
    forms = [candidate for candidate in evidence.forms if candidate is not evidence.candidates[COMPACT_DAY]]
    if len(forms) == 1 and forms[0].form is not None:
        return forms[0].form.type, forms[0]
    return "string", None


def _is_one_pair(evidence: ColumnEvidence) -> bool:
    words = {text.lower() for text in evidence.seen.to_pylist()} - {text.lower() for text in evidence.nulls}
    return words <= {"true", "false"} or words <= {"yes", "no"}


def _number_type(evidence: ColumnEvidence) -> str | None:
    if evidence.leading_zero is not None:
        return None
    if evidence.is_alive("int64"):
        candidate = evidence.candidates["int64"]
        is_small = candidate.low >= -_INT32_COMFORT and candidate.high < _INT32_COMFORT
        return "int32" if is_small else "int64"
    if evidence.is_alive("whole number"):
        return None  # beyond int64; those that a float64 happens to hold are no reason to make it one
    if evidence.is_alive("float64"):
        return "float64"
    return "flagged_number" if _is_flagged(evidence) else None


def _is_flagged(evidence: ColumnEvidence) -> bool:
    """Whether most values are plain numbers and the others such numbers with, or in place of them, a short flag."""
    holds_all = evidence.is_alive("flagged_number") and evidence.is_alive("flag pattern")
    return holds_all and 0 < len(evidence.flags) <= _FLAGS_LIMIT and evidence.numbers * 2 > evidence.present


def rows_text(rows: int) -> str:
    """A number of rows, in words."""
    return f"{rows:,} row{'s' if rows != 1 else ''}"


def _shown(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)


def _typed_warnings(evidence: ColumnEvidence, type_: str) -> Iterator[str]:
    spelt = {text: rows for text, rows in evidence.nulls.items() if text}
    if spelt:
        listed = ", ".join(f"{text!r} ({rows_text(rows)})" for text, rows in sorted(spelt.items()))
        together = "; in Parquet they look like the empty cells" if "" in evidence.nulls else ""
        yield f"read as no value: {listed}{together}"
    for text, rows in evidence.sentinels.items():
        if rows and type_ not in ("date", "timestamp"):
            yield f'{text} in {rows_text(rows)}: if it means no value, add nulls = ["", "{text}"]'
    if type_ == "int64":
        numbers = evidence.candidates["int64"]
        if max(-numbers.low, numbers.high) > EXACT_INTEGER:
            yield "integers over 2^53: exact here, but rounded by whatever reads them as floats (Excel, JSON)"
    if type_ == "flagged_number":
        flags = ", ".join(repr(flag) for flag in sorted(evidence.flags)[:8])
        share = 1 - evidence.numbers / evidence.present
        yield f"{share:.1%} of the values carry a flag ({flags}), the first {evidence.candidates['float64'].failed}"
    is_zoned = any(candidate.form and candidate.form.zone for candidate in evidence.forms)
    if type_ == "timestamp" and is_zoned and evidence.has_offsets is not None:
        yield f"becomes UTC; the offset itself is not kept, such as that of {evidence.has_offsets}"
    if (padded := evidence.candidates["unpadded"].failed) is not None:
        yield f"blanks around values are not kept, such as {padded}"


def _string_warnings(evidence: ColumnEvidence) -> Iterator[str]:
    if not evidence.present:
        if any(evidence.nulls.get(text) for text in evidence.nulls if text):
            yield f"holds nothing but {', '.join(map(repr, evidence.nulls))}; kept as text"
        return
    reason = _why_no_number(evidence) or _why_no_moment(evidence)
    if reason is not None:
        yield reason
    if reason is None and evidence.first_word is not None and evidence.first_number is not None:
        share = evidence.numbers / evidence.present
        if share >= _MIXED_SHARE:
            sightings = (evidence.first_number, evidence.first_word)
            later = max(sightings, key=lambda sighting: (sighting.place.source, sighting.place.line))
            kind = "a number" if later is evidence.first_number else "text"
            yield f"mixed: {share:.1%} of the values are numbers; first mixed at {later}, which is {kind}"


def _why_no_number(evidence: ColumnEvidence) -> str | None:
    if evidence.leading_zero is not None and (evidence.is_alive("float64") or evidence.is_alive("flagged_number")):
        return f"leading zeros, such as {evidence.leading_zero}: text, since a number would lose them"
    if evidence.is_alive("whole number"):
        return f"integers beyond int64, such as {evidence.candidates['int64'].failed}: text, since nothing holds them"
    long = evidence.candidates["float64"].failed
    if long is not None and evidence.first_word is None:
        return f"numbers with more digits than a float64 holds, such as {long}: text, to keep them all"
    if evidence.is_alive("written number"):
        return "numbers with separators, percent or currency signs: kept as they are written"
    return None


def _why_no_moment(evidence: ColumnEvidence) -> str | None:
    forms = [candidate.form for candidate in evidence.forms if candidate.form]
    if len(forms) > 1:
        ways = " or ".join(f'formats = ["{candidate.used[0]}"]' for candidate in evidence.forms)
        return f'day or month first? Both fit every value, so it stays text; declare type = "{forms[0].type}", {ways}'
    if evidence.is_alive("two-digit year"):
        return "dates with two-digit years: text, since the century is not in it; declare formats with %y to settle it"
    broken = [c for c in evidence.candidates.values() if c.form and c.failed and c.had_texts]
    if not broken:
        return None
    last = max(broken, key=lambda c: (c.failed.place.source, c.failed.place.line) if c.failed else ("", 0))
    form = last.used[0] if last.used else last.form.formats[0] if last.form else ""
    return f"mixed: like {form} up to {last.failed}"

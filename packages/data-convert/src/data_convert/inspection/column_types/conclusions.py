"""Concludes from the evidence on a column which type to declare, and what a person should know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from data_convert.columns.number_marks import PLAIN
from data_convert.inspection.column_types.candidates import Candidate
from data_convert.inspection.column_types.day_order import DayAnswer, DayOrder, both_orders, order_of
from data_convert.inspection.column_types.inference import ColumnEvidence
from data_convert.inspection.column_types.mark_agreement import (
    NumberChoice,
    integer_type,
    number_choice,
    style_type,
    table_marks,
)
from data_convert.inspection.column_types.moment_forms import COMPACT_DAY
from data_convert.inspection.column_types.reasons import string_warnings, typed_warnings, why_identifier
from data_convert.spec.dataset_spec import DecimalShape, NumberMarks

_FLAGS_LIMIT: Final = 20


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What to declare for a column; `warnings` are sentences without their full stop."""

    type: str
    formats: tuple[str, ...] = ()
    zone: str | None = None
    nulls: tuple[str, ...] = ("",)
    marks: NumberMarks = PLAIN
    precision: Literal["ms", "us", "ns"] = "us"
    exact: DecimalShape | None = None
    minimum: str | None = None
    maximum: str | None = None
    warnings: tuple[str, ...] = ()


def conclusions(
    columns: Sequence[ColumnEvidence], headers: Sequence[str], *, day_order: DayOrder | None = None
) -> list[Conclusion]:
    """What to declare for each column of a table: the narrowest type that represents every value exactly and keeps its
    meaning; string if there is none.

    Integers become int32, or int64 if they use more than a quarter of its range: a later file can have larger ones.
    Narrower types would save almost nothing once the pages are encoded.

    Args:
        day_order: Which of day and month comes first where all values allow both.
    """
    marks = table_marks(columns, headers)
    usual = DayAnswer(order=day_order, why=None) if day_order else _table_order(columns, headers)
    found = []
    for evidence, header in zip(columns, headers, strict=True):
        answer = evidence.days.answer() if day_order is None else None
        found.append(_conclusion(evidence, header, number_choice(evidence, marks), answer or usual))
    return found


def _table_order(columns: Sequence[ColumnEvidence], headers: Sequence[str]) -> DayAnswer | None:
    """The order of the columns whose values allow one order only; None if they differ, or there is none."""
    orders: dict[DayOrder, str] = {}
    for evidence, header in zip(columns, headers, strict=True):
        forms = [candidate.form for candidate in evidence.forms if candidate.form and order_of(candidate.form)]
        if len(forms) == 1 and (order := order_of(forms[0])):
            orders.setdefault(order, header)
    if len(orders) != 1:
        return None
    ((order, header),) = orders.items()
    return DayAnswer(order=order, why=f"this one agrees with {header!r}")


def _conclusion(
    evidence: ColumnEvidence, header: str, choice: NumberChoice | None, days: DayAnswer | None
) -> Conclusion:
    orders = both_orders(evidence.forms)
    type_, candidate = _type(evidence, header, choice, orders[days.order] if orders and days else None)
    if type_ == "string":
        texts = [text for text in (evidence.low_text, evidence.high_text, *evidence.nulls) if text]
        return Conclusion(
            type="string",
            minimum=min(texts, default=None),
            maximum=max(texts, default=None),
            warnings=tuple(string_warnings(evidence, choice.warning if choice else None)),
        )
    form = candidate.form if candidate else None
    has_marks = choice is not None and choice.style is not None and candidate is choice.style.candidate
    questions = [choice.warning if choice and has_marks else None, days.warning if days and orders and form else None]
    marks = choice.marks if choice and has_marks else PLAIN
    return Conclusion(
        type=type_,
        formats=tuple(candidate.used) if candidate and form else (),
        zone=form.zone if form else None,
        nulls=("", *sorted(text for text in evidence.nulls if text)),
        marks=marks,
        precision=_precision(type_, candidate),
        exact=_exact(evidence, marks) if type_ == "float64" else None,
        minimum=_shown(candidate.low) if candidate else evidence.low_text,
        maximum=_shown(candidate.high) if candidate else evidence.high_text,
        warnings=(*filter(None, questions), *typed_warnings(evidence, type_)),
    )


def _precision(type_: str, candidate: Candidate | None) -> Literal["ms", "us", "ns"]:
    """Milliseconds, if the texts have no fractions of seconds: the same moments in fewer bits."""
    if type_ != "timestamp" or candidate is None:
        return "us"
    return candidate.precision if any("%f" in text for text in candidate.used) else "ms"


def _exact(evidence: ColumnEvidence, marks: NumberMarks) -> DecimalShape | None:
    return next((shape for digits in evidence.digits if (shape := digits.shape(marks)) is not None), None)


def _type(
    evidence: ColumnEvidence, header: str, choice: NumberChoice | None, ordered: Candidate | None
) -> tuple[str, Candidate | None]:
    if not evidence.present:
        return "string", None
    if evidence.is_alive("bool") and _is_one_pair(evidence):
        return "bool", None
    if evidence.is_alive(COMPACT_DAY) and "date" in header.lower():
        return "date", evidence.candidates[COMPACT_DAY]
    if why_identifier(evidence) is None:
        if choice is not None:
            return (style_type(choice.style), choice.style.candidate) if choice.style else ("string", None)
        if (number := _number_type(evidence)) is not None:
            return number, evidence.candidates["int64" if number.startswith("int") else number]
    forms = [candidate for candidate in evidence.forms if candidate is not evidence.candidates[COMPACT_DAY]]
    forms = [ordered] if ordered else forms
    if len(forms) == 1 and forms[0].form is not None:
        return forms[0].form.type, forms[0]
    return "string", None


def _is_one_pair(evidence: ColumnEvidence) -> bool:
    words = {text.lower() for text in evidence.seen.to_pylist()} - {text.lower() for text in evidence.nulls}
    return words <= {"true", "false"} or words <= {"yes", "no"}


def _number_type(evidence: ColumnEvidence) -> str | None:
    candidates = evidence.candidates
    if candidates["int64"].is_alive:
        return integer_type(candidates["int64"].low, candidates["int64"].high)
    if candidates["uint64"].is_alive and (candidates["int64"].low or 0) >= 0:
        return "uint64"
    if candidates["whole number"].is_alive:
        return None  # beyond 64 bits; those that a float64 happens to hold are no reason to make it one
    if candidates["float64"].is_alive:
        return "float64"
    return "flagged_number" if _is_flagged(evidence) else None


def _is_flagged(evidence: ColumnEvidence) -> bool:
    """Whether most values are plain numbers, and the others are numbers with a short flag or flags alone."""
    holds_all = evidence.is_alive("flagged_number") and evidence.is_alive("flag pattern")
    return holds_all and 0 < len(evidence.flags) <= _FLAGS_LIMIT and evidence.numbers * 2 > evidence.present


def _shown(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)

"""Fails a part of which more rows are rejected than `max_rejects` allows, and says what to declare."""

from __future__ import annotations

import math
from typing import Final

from data_convert.errors import TooManyRejectsError
from data_convert.reading.reject_reasons import RejectReason, RejectTally
from data_convert.reading.rows import BEHIND_A_QUOTE, NEVER_CLOSED, NOTHING_ESCAPED
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from data_convert.storage.opening import shown_rejects_place
from terminal import count_text

_SHOWN_REASONS: Final = 10
_NULL_SPELLINGS: Final = 5
"""More distinct values than these are hardly spellings of null."""


def check_reject_limit(spec: DatasetSpec, part: str, tally: RejectTally, rows: int) -> None:
    """Compare the share of rejected rows with `max_rejects`.

    Args:
        rows: Rows that fit.

    Raises:
        TooManyRejectsError: The share is larger.
    """
    total = rows + tally.rows
    if tally.rows <= spec.max_rejects * total:
        return
    reasons = tally.reasons()
    lines: list[str] = []
    for reason in reasons[:_SHOWN_REASONS]:
        lines.append(f"{count_text(reason.rows, 'row')}, such as {reason.examples[0]}")
        if advice := _advice(reason, spec):
            lines.append(f"  {advice}")
    if others := reasons[_SHOWN_REASONS:]:
        lines.append(f"{count_text(sum(r.rows for r in others), 'row')} for {count_text(len(others), 'other reason')}")
    raise TooManyRejectsError(
        spec.name,
        _problem(spec, part, tally.rows, total),
        lines,
        _enough(tally.rows / total),
        where=shown_rejects_place(spec.name, spec.output),
    )


def _problem(spec: DatasetSpec, part: str, rejects: int, total: int) -> str:
    verb = "does" if rejects == 1 else "do"
    return (
        f"{part}: {rejects:,} of {count_text(total, 'row')} ({rejects / total:.1%}) {verb} not fit the dataset's"
        f" description, more than `max_rejects` = {spec.max_rejects:g} allows"
    )


def _enough(share: float) -> float:
    """The share, rounded up to full percents."""
    return min(math.ceil(share * 100 - 1e-9) / 100, 1.0)


def _advice(reason: RejectReason, spec: DatasetSpec) -> str | None:
    """What to declare if the rows are right, or None."""
    if reason.column is None:
        return _shape_advice(reason.reason, spec)
    column = next(column for column in spec.columns if column.name == reason.column)
    # Such a value is no spelling of null, and the reason itself has the advice.
    if "encoding" in reason.reason or "declare it string" in reason.reason:
        return None
    return _value_advice(column, reason.values)


def _shape_advice(reason: str, spec: DatasetSpec) -> str:
    dialect = spec.dialect
    if reason in (NEVER_CLOSED, BEHIND_A_QUOTE):
        return (
            'If quotes have no meaning in these files, declare `quote = ""` in `dialect`; if a character makes the'
            " quote behind it literal, declare that character as `escape`."
        )
    if reason == NOTHING_ESCAPED:
        return f"If {dialect.escape!r} is a character like others, remove `escape` from `dialect`."
    return (
        f"Check `delimiter` (now {dialect.delimiter!r}) and `quote` (now {dialect.quote or ''!r}) in `dialect`."
        " If these lines are not rows, declare `comment`, `skip_lines` or `skip_repeated_header` there."
        ' If they are rows that lack empty cells at the end, or have too many, declare `ragged = "pad"`.'
    )


def _value_advice(column: ColumnSpec, values: tuple[str, ...]) -> str:
    other = 'declare `type = "string"`'
    if column.type in ("date", "timestamp"):
        other = "add their form to its `formats`"
    elif column.type not in ("bool", "string"):
        other = 'declare another type, such as `type = "string"`'
    if len(values) > _NULL_SPELLINGS:
        return f"If these values are right, {other} (column {column.name!r})."
    shown = ", ".join(map(repr, values))
    return f"If {shown} means a missing value, add it to the `nulls` of {column.name!r}; otherwise {other}."

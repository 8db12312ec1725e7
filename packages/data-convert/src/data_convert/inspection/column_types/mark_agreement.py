"""Chooses how the numbers of each column are read, from what all columns of a table have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from data_convert.columns.number_marks import PLAIN
from data_convert.inspection.column_types.inference import ColumnEvidence
from data_convert.inspection.column_types.number_styles import NumberStyle
from data_convert.spec.dataset_spec import NumberMarks

_IMPLIED_DECIMAL: Final = {".": ",", ",": "."}


@dataclass(kw_only=True)
class TableMarks:
    """The marks that columns of a table certainly have.

    Attributes:
        decimals: Decimal mark -> the headers of the columns that have it.
        groups: Group marks.
    """

    decimals: dict[str, list[str]] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)

    @property
    def is_mostly_point(self) -> bool:
        """Whether at least as many columns have decimal points as have decimal commas."""
        points, commas = (len(self.decimals.get(mark, ())) for mark in ".,")
        return points > 0 and points >= commas

    @property
    def decimal(self) -> str | None:
        """The decimal mark of the table; None if there is none, or more than one."""
        return next(iter(self.decimals)) if len(self.decimals) == 1 else None


@dataclass(frozen=True, kw_only=True)
class NumberChoice:
    """How the numbers of a column with marks are read.

    Attributes:
        style: None if only the user can decide; the warning has the question then.
    """

    style: NumberStyle | None
    marks: NumberMarks
    warning: str


def table_marks(columns: Sequence[ColumnEvidence], headers: Sequence[str]) -> TableMarks:
    """The marks of all columns that allow one reading only."""
    table = TableMarks()
    for evidence, header in zip(columns, headers, strict=True):
        if evidence.signs.leading_zero is not None:
            continue
        readings = _readings(evidence)
        if not readings and evidence.is_alive("float64") and not evidence.is_alive("int64") and evidence.present:
            table.decimals.setdefault(".", []).append(header)
        if len(readings) == 1 and not _is_plain(evidence):
            marks = readings[0].marks_in_use
            if readings[0].decimal_at or marks.group in _IMPLIED_DECIMAL:
                table.decimals.setdefault(marks.decimal, []).append(header)
            table.groups |= {marks.group} if marks.group else set()
    return table


def number_choice(evidence: ColumnEvidence, table: TableMarks) -> NumberChoice | None:
    """How to read the numbers of a column; None if they are plain, or no numbers."""
    readings = _readings(evidence)
    if _is_plain(evidence):
        if not readings or table.decimal != ",":
            return None
        if "." in table.groups:
            return _choice(readings[0], table, _agreement(table))
        return _question(['type = "float64"', _declaration(readings[0])], readings[0], table)
    if len(readings) > 1 and table.decimal is not None:
        agreeing = [style for style in readings if style.marks_in_use.decimal == table.decimal]
        if len(agreeing) == 1:
            return _choice(agreeing[0], table, _agreement(table))
    if len(readings) > 1:
        return _question([_declaration(style) for style in readings], readings[0], table)
    if not readings:
        return None
    marks = readings[0].marks_in_use
    if marks.decimal == "," and marks.group is None and not marks.prefix and not marks.suffix and table.is_mostly_point:
        return _doubt(readings[0], table)
    return _choice(readings[0], table, "")


def _agreement(table: TableMarks) -> str:
    return f"; another reading fits too, but this one agrees with {next(iter(table.decimals.values()))[0]!r}"


def _readings(evidence: ColumnEvidence) -> list[NumberStyle]:
    affixes = evidence.styles.affixes
    if affixes is None or not affixes.are_known:
        return []
    return [style for style in evidence.styles.readings if style.marks_in_use != PLAIN]


def _is_plain(evidence: ColumnEvidence) -> bool:
    return evidence.is_alive("int64") or evidence.is_alive("float64")


def _choice(style: NumberStyle, table: TableMarks, why: str) -> NumberChoice:
    marks = style.marks_in_use
    groups = table.groups - {marks.decimal}
    if marks.group is None and style.decimal_at and marks.decimal == table.decimal and len(groups) == 1:
        # Another column of the table has them, so larger numbers of this one will.
        marks = replace(marks, group=next(iter(groups)))
    if style.decimal_at is None and table.decimal is not None and marks.group not in (None, table.decimal):
        marks = replace(marks, decimal=table.decimal)
    warning = f"numbers written like {_shown(style)}: {', '.join(mark_settings(marks))}{why}"
    return NumberChoice(style=style, marks=marks, warning=warning)


def _question(ways: Sequence[str], style: NumberStyle, table: TableMarks) -> NumberChoice:
    other = f" {table.decimals[','][0]!r} has decimal commas." if table.decimal == "," else ""
    return NumberChoice(
        style=None,
        marks=PLAIN,
        warning=f"decimal mark or groups of thousands in {_shown(style)}?{other} Both fit every value, so it stays"
        f" text; declare {' or '.join(ways)}",
    )


def _doubt(style: NumberStyle, table: TableMarks) -> NumberChoice:
    return NumberChoice(
        style=None,
        marks=PLAIN,
        warning=f"decimal commas, or two values in a cell, such as {_shown(style)}? {table.decimals['.'][0]!r} has"
        f" decimal points, so it stays text; declare {_declaration(style)} if these are numbers",
    )


def _declaration(style: NumberStyle) -> str:
    return ", ".join([f'type = "{style_type(style)}"', *mark_settings(style.marks_in_use)])


def mark_settings(marks: NumberMarks) -> list[str]:
    """The marks as settings of datasets.toml."""
    return [f'{key} = "{text}"' for key, text in mark_keys(marks).items()]


def mark_keys(marks: NumberMarks) -> dict[str, str]:
    """The keys that declare the marks."""
    keys = {
        "decimal_mark": (marks.decimal, PLAIN.decimal),
        "group_mark": (marks.group, PLAIN.group),
        "prefix": (marks.prefix, PLAIN.prefix),
        "suffix": (marks.suffix, PLAIN.suffix),
        "minus": (marks.minus, PLAIN.minus),
    }
    return {key: value for key, (value, default) in keys.items() if value != default and value is not None}


def style_type(style: NumberStyle) -> str:
    """int32, int64 or float64."""
    return integer_type(style.integers.low, style.integers.high) if style.integers.is_alive else "float64"


def integer_type(low: int, high: int) -> str:
    """The narrower of int32 and int64 that leaves room for larger numbers in a later file."""
    return "int32" if low >= -_INT32_COMFORT and high < _INT32_COMFORT else "int64"


_INT32_COMFORT: Final = 2**30


def _shown(style: NumberStyle) -> str:
    return str(style.group_at or style.decimal_at or style.first)

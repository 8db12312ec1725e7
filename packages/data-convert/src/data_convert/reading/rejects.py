"""A row that does not fit its dataset's description."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

SHOWN_CHANGES: Final = 3


@dataclass(frozen=True, kw_only=True)
class Reject:
    """One input row that does not fit.

    Attributes:
        source: The raw file, relative to the dataset's folder.
        line: Physical line on which the row starts, from 1.
        column: Name of the first column that does not fit; None if the row cannot be divided into cells.
        value: The text that does not fit.
        reason: Why it does not fit.
        raw: The decoded row without its line end.
    """

    source: str
    line: int
    column: str | None
    value: str
    reason: str
    raw: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}"
        if self.column is None:
            return f"{place}: {self.reason}"
        return f"{place}: column {self.column!r}: {self.value!r} {self.reason}"


@dataclass(frozen=True, kw_only=True)
class ChangedValue:
    """A value of another type than its column.

    Attributes:
        line: Physical line on which its row starts, from 1.
    """

    value: str
    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.value!r} ({self.source}:{self.line})"


@dataclass(frozen=True, kw_only=True)
class ChangedValues:
    """Values that do not fit the type of their column, in rows that are kept (`drift.changed_type`).

    Attributes:
        column: Name of the column.
        count: How many values.
        examples: The first of them.
    """

    column: str
    count: int
    examples: tuple[ChangedValue, ...]


def total_changes(changes: Iterable[ChangedValues]) -> list[ChangedValues]:
    """The sum for each column, with the first examples."""
    totals: dict[str, ChangedValues] = {}
    for found in changes:
        before = totals.get(found.column)
        totals[found.column] = (
            found
            if before is None
            else replace(
                before,
                count=before.count + found.count,
                examples=(before.examples + found.examples)[:SHOWN_CHANGES],
            )
        )
    return list(totals.values())

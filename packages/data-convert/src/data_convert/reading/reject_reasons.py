"""Groups rejects by column and reason, with counts and a few examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from data_convert.reading.rejects import Reject

_EXAMPLES: Final = 3
_VALUES: Final = 6
"""Distinct values of a reason that are remembered: more of them are hardly spellings of null."""


@dataclass(frozen=True, kw_only=True)
class RejectReason:
    """The rejects that share a column and a reason.

    Attributes:
        column: The first column that does not fit; None if the rows cannot be divided into cells.
        rows: How many they are.
        examples: The first ones.
        values: Distinct values that do not fit, at most six.
    """

    column: str | None
    reason: str
    rows: int
    examples: tuple[Reject, ...]
    values: tuple[str, ...]


@dataclass(kw_only=True)
class _Group:
    rows: int = 0
    examples: list[Reject] = field(default_factory=list)
    values: dict[str, None] = field(default_factory=dict)


class RejectTally:
    """Counts rejects as they are found; its memory does not grow with their number."""

    def __init__(self) -> None:
        self.rows = 0
        self._groups: dict[tuple[str | None, str], _Group] = {}

    def add(self, rejects: Iterable[Reject]) -> None:
        """Count the next rejects."""
        for reject in rejects:
            group = self._groups.setdefault((reject.column, reject.reason), _Group())
            self.rows += 1
            group.rows += 1
            if len(group.examples) < _EXAMPLES:
                group.examples.append(reject)
            if len(group.values) < _VALUES:
                group.values[reject.value] = None

    def reasons(self) -> list[RejectReason]:
        """The groups, the largest first."""
        reasons = [
            RejectReason(
                column=column,
                reason=reason,
                rows=group.rows,
                examples=tuple(group.examples),
                values=tuple(group.values),
            )
            for (column, reason), group in self._groups.items()
        ]
        return sorted(reasons, key=lambda reason: -reason.rows)

"""What violates an expectation: how many rows, and the first ones with their places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from terminal import count_text

SHOWN_EXAMPLES: Final = 3


@dataclass(frozen=True, kw_only=True)
class Example:
    """A row that violates an expectation.

    Attributes:
        line: Physical line on which it starts; None if finding it would take too long.
        value: The value as text; None if there is none.
    """

    source: str
    line: int | None
    value: str | None

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return place if self.value is None else f"{self.value} ({place})"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """An expectation that is not met.

    Attributes:
        column: Name of the column; None if the expectation is about the part.
        expectation: As it is written in datasets.toml, such as `min = 0`.
        problem: What the values are, such as "smaller"; for a part, a sentence.
        count: Number of rows.
        examples: The first of them.
    """

    column: str | None
    expectation: str
    problem: str
    count: int
    examples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        if self.column is None:
            return f"`{self.expectation}`: {self.problem}"
        shown = f", such as {', '.join(map(str, self.examples))}" if self.examples else ""
        values = f"{count_text(self.count, 'value')} {'is' if self.count == 1 else 'are'}"
        return f"column {self.column!r}, `{self.expectation}`: {values} {self.problem}{shown}"


def total_violations(violations: Iterable[Violation]) -> list[Violation]:
    """The violations of all blocks, one for each expectation, with the first examples."""
    totals: dict[tuple[str | None, str], Violation] = {}
    for found in violations:
        key = (found.column, found.expectation)
        before = totals.get(key)
        totals[key] = found if before is None else _sum(before, found)
    return list(totals.values())


def _sum(before: Violation, found: Violation) -> Violation:
    return Violation(
        column=found.column,
        expectation=found.expectation,
        problem=found.problem,
        count=before.count + found.count,
        examples=(before.examples + found.examples)[:SHOWN_EXAMPLES],
    )

"""What some values of a column look like, so that columns with different headers can be compared."""

from __future__ import annotations

import re
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

_NUMBER: Final = re.compile(r"\s*[-+]?[$€£]?(\d+([.,]\d+)*|\.\d+)([eE][-+]?\d+)?\s*%?")
_MOMENT: Final = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})([T ].*)?|\d{1,2}:\d\d.*")
_NO_VALUE: Final = frozenset({"", "NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "-", "--", ".", "?", "ND"})
_MOST: Final = 0.8
_OVERLAP: Final = 0.2
_SHARED_SHAPES: Final = 0.5
_NEAR: Final = 10

Kind = Literal["number", "moment", "text", "empty"]


@dataclass(frozen=True, kw_only=True)
class ColumnSample:
    """Some values of a column.

    Attributes:
        values: The distinct texts.
        shapes: Their shapes: letters as `a`, digits as `9`, repetitions once.
        middle: Median of the numbers; None if most values are none.
        low: Smallest number.
        high: Largest number.
    """

    kind: Kind
    values: frozenset[str]
    shapes: frozenset[str]
    middle: float | None = None
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, texts: Collection[str]) -> Self:
        """The sample of these texts."""
        present, kind = _present(texts), kind_of(texts)
        values, shapes = frozenset(present), frozenset(map(_shape, present))
        if kind != "number":
            return cls(kind=kind, values=values, shapes=shapes)
        numbers = [number for text in present if (number := _number(text)) is not None]
        low, high = min(numbers), max(numbers)
        return cls(kind=kind, values=values, shapes=shapes, middle=statistics.median(numbers), low=low, high=high)

    def is_like(self, other: ColumnSample) -> bool:
        """Whether both may be values of one column; a column without any value may be every column."""
        return "empty" in (self.kind, other.kind) or self.kind == other.kind

    def has_similar_content(self, other: ColumnSample) -> bool:
        """Whether the values are alike: the same texts, texts of the same shape, or numbers of the same range."""
        if self.kind != other.kind or self.kind == "empty":
            return False
        shared = len(self.values & other.values) / min(len(self.values), len(other.values))
        if self.middle is not None and other.middle is not None:
            is_inside = other.low <= self.middle <= other.high and self.low <= other.middle <= self.high
            return is_inside or shared >= _SHARED_SHAPES
        shapes = len(self.shapes & other.shapes) / min(len(self.shapes), len(other.shapes))
        return shared >= _OVERLAP or shapes >= _SHARED_SHAPES

    def has_near_content(self, other: ColumnSample) -> bool:
        """Whether the contents are similar, or numbers of the same size: values grow from file to file."""
        if self.middle and other.middle and 1 / _NEAR <= self.middle / other.middle <= _NEAR:
            return True
        return self.has_similar_content(other)


def kind_of(texts: Collection[str]) -> Kind:
    """What most of these texts are."""
    present = _present(texts)
    if not present:
        return "empty"
    if sum(bool(_MOMENT.fullmatch(text)) for text in present) >= _MOST * len(present):
        return "moment"
    numbers = sum(bool(_NUMBER.fullmatch(text)) for text in present)
    return "text" if numbers < _MOST * len(present) else "number"


def _present(texts: Collection[str]) -> list[str]:
    return [text for text in texts if text.strip() not in _NO_VALUE]


def _shape(text: str) -> str:
    shape = re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text))
    return re.sub(r"a( a)+", "a", shape)


def _number(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return float(text.strip().strip("$€£%").replace(",", ""))
    except ValueError:
        return 0.0


def samples_of(rows: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, ColumnSample]:
    """The sample of each column of these rows; rows of another width are left out."""
    fitting = [row for row in rows if len(row) == len(names)]
    return {name: ColumnSample.of([row[place] for row in fitting]) for place, name in enumerate(names)}


def are_names_above_values(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has texts above most columns of numbers and moments, as a header has."""
    first, body = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]

    def is_valued(place: int) -> bool:
        return kind_of([row[place] for row in body]) in ("number", "moment")

    # Few cells of a row are texts above values, so the other columns are rarely looked at.
    named = sum(is_valued(place) for place, text in enumerate(first) if kind_of([text]) == "text")
    return named > 0 and named * 2 > sum(map(is_valued, range(len(first))))

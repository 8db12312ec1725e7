"""The texts of one column in some blocks, each with the number of its rows and its first line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.inspection.column_types.candidates import Place, Sighting
from data_convert.reading.fast_parser import CellTexts

_HEAD: Final = 32

LineOf = Callable[[int], Place]
"""The line of a row."""


@dataclass(frozen=True, kw_only=True)
class ColumnTexts:
    """The texts of a column in a block, or in several blocks one behind the other.

    Attributes:
        texts: In the order of the rows. A text occurs once for each block, or once for each row if `counts` is None.
        counts: Number of rows of each text; None if each is one row.
        are_distinct: Whether no text occurs twice.
        rows: Number of rows.
        place_of: The line of the first row of the text at this place in `texts`.
        source: Name of the source of the first row.
    """

    texts: pa.StringArray
    counts: npt.NDArray[np.int64] | None
    are_distinct: bool
    rows: int
    place_of: LineOf
    source: str

    @classmethod
    def of(cls, cells: CellTexts, line_of: LineOf, source: str) -> Self:
        """The texts of one block."""
        firsts = cells.firsts
        return cls(
            texts=cells.texts,
            counts=cells.counts,
            are_distinct=cells.counts is not None,
            rows=cells.rows,
            place_of=line_of if firsts is None else lambda place: line_of(int(firsts[place])),
            source=source,
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The texts of several blocks."""
        ends = list(itertools.accumulate(len(part.texts) for part in parts))

        def place_of(place: int) -> Place:
            number = int(np.searchsorted(ends, place, side="right"))
            return parts[number].place_of(place - ends[number] + len(parts[number].texts))

        are_counted = any(part.counts is not None for part in parts)
        return cls(
            texts=pa.concat_arrays([part.texts for part in parts]),
            counts=np.concatenate([part.row_counts() for part in parts]) if are_counted else None,
            are_distinct=False,
            rows=sum(part.rows for part in parts),
            place_of=place_of,
            source=parts[0].source,
        )

    def row_counts(self) -> npt.NDArray[np.int64]:
        """Number of rows of each text."""
        return np.ones(len(self.texts), dtype=np.int64) if self.counts is None else self.counts

    def head(self) -> list[str]:
        """The first texts."""
        texts: list[str] = self.texts[:_HEAD].to_pylist()
        return texts

    @property
    def text_bytes(self) -> int:
        """Bytes of the texts of all rows."""
        lengths = pc.binary_length(self.texts).to_numpy(zero_copy_only=False)
        return int(lengths.sum() if self.counts is None else lengths @ self.counts)

    def rows_with(self, mask: npt.NDArray[np.bool_]) -> int:
        """Number of rows of these texts."""
        return int(mask.sum() if self.counts is None else self.counts[mask].sum())

    def sighting(self, text: str) -> Sighting:
        """The text, with the line of its first row."""
        return Sighting(text=text, place=self.place_of(pc.index(self.texts, text).as_py()))

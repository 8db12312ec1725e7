"""The texts of a block, the lines of its rows, and which of its columns are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from data_convert.reading.fast_parser import CellTexts
from data_convert.reading.records import Block
from data_convert.reading.rows import read_rows
from data_convert.spec.dataset_spec import Dialect


@dataclass(kw_only=True)
class BlockLines:
    """The physical line of each row of a block. It is rarely needed, so it is usually found only on request.

    Attributes:
        rows: Number of rows.
        block: The block; None if the lines are known, because the text of many blocks takes much memory.
        lines: The lines; None until they are needed.
    """

    rows: int
    block: Block | None = None
    lines: Sequence[int] | None = None

    @classmethod
    def of(cls, block: Block, rows: int) -> Self:
        """The lines of a block all of whose rows fit."""
        if block.text.count(b"\n") == rows and b"\r" not in block.text:
            return cls(rows=rows, lines=range(block.first_line, block.first_line + rows))
        return cls(rows=rows, block=block)

    @property
    def text_bytes(self) -> int:
        """Bytes of the text that is kept."""
        return 0 if self.block is None else len(self.block.text)

    def line(self, row: int, dialect: Dialect, width: int) -> int:
        """The line of a row in a table of this width."""
        if self.lines is None:
            rows = read_rows(self.block, dialect, columns=width) if self.block else ()
            self.lines = [found.line for found in rows if len(found.cells) == width and found.fault is None]
            self.block = None
        return self.lines[row]


@dataclass(kw_only=True)
class ParsedBlock:
    """The texts of a block, column by column in the order of the file.

    Attributes:
        ragged: Line and problem of each row that does not have the shape of the table.
        kinds: How many of the ragged rows `dialect.ragged` would accept, by kind; None for the others.
    """

    columns: list[CellTexts]
    lines: BlockLines
    ragged: list[tuple[int, str]]
    repeated_headers: int = 0
    kinds: Counter[str | None] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Number of rows that have the shape of the table."""
        return self.lines.rows


def still_twins(twins: Sequence[int], columns: Sequence[CellTexts | None]) -> list[int]:
    """For each column of a block (at least one row) its first twin among those that were its twins in all blocks
    before; None is a column that the file does not have."""
    sizes = Counter(twins)
    found: dict[tuple[int | str | None, ...], list[int]] = {}
    result = list(twins)
    for place, cells in enumerate(columns):
        if sizes[twins[place]] == 1:
            continue
        # Few columns are alike in these texts, so few are compared completely.
        firsts = found.setdefault((twins[place], *_compared_texts(cells)), [])
        twin = next((first for first in firsts if _are_same(columns[first], cells)), None)
        if twin is None:
            firsts.append(place)
        result[place] = place if twin is None else twin
    return result


def _compared_texts(cells: CellTexts | None) -> tuple[str | None, ...]:
    return () if cells is None else tuple(cells.at(row) for row in (0, cells.rows // 2, cells.rows - 1))


def _are_same(left: CellTexts | None, right: CellTexts | None) -> bool:
    if left is None or right is None:
        return left is right
    if left.codes is None or right.codes is None:
        return bool(left.each().equals(right.each()))
    return np.array_equal(left.codes, right.codes) and bool(left.texts.equals(right.texts))

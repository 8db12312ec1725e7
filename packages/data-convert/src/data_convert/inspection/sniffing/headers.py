"""Decides whether a row names the columns below it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Final

from data_convert.inspection.sniffing.cell_kinds import NO_VALUE, Kind, is_value, kind, usual_kind
from data_convert.inspection.sniffing.sample_rows import SampleRow

_NAME_LENGTH: Final = 64
_YEARS: Final = range(1500, 2201)
_INTEGER: Final = re.compile(r"\s*[0-9]{1,5}\s*", re.ASCII)


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns, rather than being one of the rows below it.

    A column votes for a header where its first cell is of another kind than the values below, and against one where
    such a value is above such values. Without any vote, it is a header if its cells are short, different and not
    repeated.
    """
    first, body = rows[0], rows[1:]
    if rising_names(first, body):
        return True
    votes = [_vote(cell, [row[place] for row in body if place < len(row)]) for place, cell in enumerate(first)]
    if any(votes):
        return sum(votes) > 0
    filled = [cell for cell in first if cell.strip()]
    repeated = any(
        cell and cell in {row[place] for row in body if place < len(row)} for place, cell in enumerate(first)
    )
    is_word = all(len(cell) <= _NAME_LENGTH and not is_value(cell) and cell[0] not in "{[" for cell in filled)
    return bool(filled) and is_word and len(set(filled)) == len(filled) and not repeated


def _vote(cell: str, below: Sequence[str]) -> int:
    found = kind(cell)
    if found is Kind.MISSING:
        return 0
    usual = usual_kind(below)
    if found in (Kind.NUMBER, Kind.MOMENT):
        return -1 if usual in (found, None) else int(found is Kind.MOMENT and usual is Kind.NUMBER)
    return int(usual in (Kind.NUMBER, Kind.MOMENT))


def rising_names(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the cells are words and then rising integers, such as years, above other values.

    Years are names unless the column below has years, too. Other integers are names only if they count by one and the
    rows below do not rise in this way.
    """
    numbers = [int(cell) for cell in cells if _INTEGER.fullmatch(cell)]
    words = [place for place, cell in enumerate(cells) if kind(cell) is Kind.WORD]
    if len(numbers) < 2 or not words or len(numbers) + len(words) < len([cell for cell in cells if cell.strip()]):
        return False
    steps = {right - left for left, right in itertools.pairwise(numbers)}
    if min(steps) <= 0 or any(cells[place] == row[place] for place in words for row in below if place < len(row)):
        return False
    below_numbers = [[int(cell) for cell in row if _INTEGER.fullmatch(cell)] for row in below[:20]]
    if all(number in _YEARS for number in numbers):
        return not any(row and all(number in _YEARS for number in row) for row in below_numbers)
    return steps == {1} and len(numbers) > 2 and not any(map(_counts_up, below_numbers))


def _counts_up(numbers: Sequence[int]) -> bool:
    return len(numbers) > 1 and {right - left for left, right in itertools.pairwise(numbers)} == {1}


def looks_like_names(row: SampleRow, width: int) -> bool:
    """Whether the row has texts in more than half of its cells, and no number that is no name."""
    if row.filled * 2 <= width:
        return False
    words = [cell for cell in row.cells if kind(cell) is Kind.WORD or cell.strip() in NO_VALUE - {""}]
    return len(words) * 2 > row.filled or _is_wide_form(row.cells)


def _is_wide_form(cells: Sequence[str]) -> bool:
    """Whether words are followed by rising integers or by moments only, as in a table with a column per day."""
    kinds = [kind(cell) for cell in cells]
    numbers = [int(cell) for cell in cells if _INTEGER.fullmatch(cell)]
    is_rising = all(left < right for left, right in itertools.pairwise(numbers))
    return Kind.WORD in kinds and is_rising and kinds.count(Kind.NUMBER) == len(numbers)


def header_without_width(row: SampleRow, width: int) -> bool:
    """Whether a row names the columns below it although it has more or fewer cells than they are."""
    cells = list(row.cells)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    is_sentence = len(cells) > 1 and sum(cell[:1] == " " for cell in cells[1:]) * 2 > len(cells) - 1
    return are_names(cells) and not is_sentence and width - len(cells) <= max(1, width // 5)


def are_names(cells: Sequence[str]) -> bool:
    """Whether the cells are short and different texts, hardly any of them empty."""
    words = [cell for cell in cells if cell.strip()]
    return (
        all(len(cell) <= _NAME_LENGTH and not is_value(cell) and cell[0] not in "{[" for cell in words)
        and len(words) * 2 > len(cells)
        and len(set(words)) == len(words)
    )

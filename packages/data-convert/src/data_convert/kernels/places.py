"""The places of the numbers that describe a block and its columns to a kernel, and the kinds of columns."""

from __future__ import annotations

from typing import Final

# A block. HAS_RETURNS: whether a CR before the end of a row's last cell is part of the line end.
TEXT, SIZE, ENDS, ROWS, WIDTH, QUOTE, LINE_END, HAS_RETURNS, POWERS = range(9)

# A column. VALUES and the other arrays are addresses; COUNT and NULLS are results.
PLACE, KIND, VALUES, IS_VALID, LOW, HIGH, EMPTY_IS_NULL, OTHERS, COUNT, NULLS = range(10)
SLOTS, MASK, LIMIT, STARTS, SIZES = IS_VALID, LOW, HIGH, EMPTY_IS_NULL, OTHERS
WORDS, HASHES, FIRSTS, COUNTS = range(10, 14)

COLUMN_FACTS: Final = 14

# Integers have the size of their type as kind.
DECIMALS, CODES, TEXTS = 9, 10, 11

"""Cells joined to rows, and random numbers that stay what they are."""

from __future__ import annotations

import numpy as np
import pytest

from data_sample.chance import Chance
from data_sample.text import Cells, Piece, decimal_text, joined_rows, row_lengths, short_decimal_text, text_table


@pytest.mark.parametrize(
    ("value", "places", "short", "fixed"),
    [
        (445, 3, ".445", "0.445"),
        (129, 4, ".0129", "0.0129"),
        (700, 1, "70", "70.0"),
        (705, 1, "70.5", "70.5"),
        (0, 4, "0", "0.0000"),
        (10_000, 4, "1", "1.0000"),
    ],
)
def test_fractions_are_written_as_pems_writes_them(value: int, places: int, short: str, fixed: str) -> None:
    """The short form has no leading and no trailing zeros; the fixed form has both."""
    assert (short_decimal_text(value, places=places), decimal_text(value, places=places)) == (short, fixed)


def test_negative_numbers_keep_their_places() -> None:
    """Minus five hundredths is -0.05, and minus nothing is 0.0."""
    assert [decimal_text(-5, places=2), decimal_text(-33, places=1), decimal_text(0, places=1)] == [
        "-0.05",
        "-3.3",
        "0.0",
    ]


def test_rows_are_joined_without_padding() -> None:
    """Texts of any length, empty ones too, come out row by row and nothing else does."""
    table = text_table(["", "a", "a longer text than one word"])
    pieces: list[Piece] = ["<", Cells(table=table, index=np.array([2, 0, 1])), ">\n"]
    assert joined_rows(pieces, 3) == b"<a longer text than one word>\n<>\n<a>\n"
    assert row_lengths(pieces, 3).tolist() == [30, 3, 4]


def test_random_numbers_never_change() -> None:
    """A stream is fixed by its key alone, whatever the machine or the release of NumPy."""
    chance = Chance(0, 1)
    assert chance.raw(1).tolist() == [16_412_783_775_159_424_549]
    assert chance.below(1000, 3).tolist() == [557, 800, 956]
    assert np.rint(chance.bell(4) * 1000).astype(int).tolist() == [472, -886, -1085, -1776]


def test_bell_has_mean_0_and_deviation_1() -> None:
    """The sum of four uniform numbers is centred and scaled."""
    drawn = Chance(5).bell(100_000)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02

"""Joining cells to rows, and random numbers that never change."""

from __future__ import annotations

import numpy as np
import pytest

from data_sample.random_stream import RandomStream
from data_sample.text_table import Cells, Piece, decimal_text, joined_rows, row_lengths, short_decimal_text, text_table


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
    """The short form has neither leading nor trailing zeros; the fixed form has both."""
    assert (short_decimal_text(value, places=places), decimal_text(value, places=places)) == (short, fixed)


def test_negative_numbers_keep_their_places() -> None:
    """Minus five hundredths is -0.05, and zero has no sign."""
    assert [decimal_text(-5, places=2), decimal_text(-33, places=1), decimal_text(0, places=1)] == [
        "-0.05",
        "-3.3",
        "0.0",
    ]


def test_rows_are_joined_without_padding() -> None:
    """The rows contain the texts of any length, empty ones included, and no padding."""
    table = text_table(["", "a", "a longer text than one word"])
    pieces: list[Piece] = ["<", Cells(table=table, index=np.array([2, 0, 1])), ">\n"]
    assert joined_rows(pieces, 3) == b"<a longer text than one word>\n<>\n<a>\n"
    assert row_lengths(pieces, 3).tolist() == [30, 3, 4]


def test_random_numbers_never_change() -> None:
    """A stream depends on its key alone, not on the machine or the release of NumPy."""
    random = RandomStream(0, 1)
    assert random.raw(1).tolist() == [16_412_783_775_159_424_549]
    assert random.integers(1000, 3).tolist() == [557, 800, 956]
    assert np.rint(random.normal(4) * 1000).astype(int).tolist() == [472, -886, -1085, -1776]


def test_normal_numbers_have_mean_0_and_deviation_1() -> None:
    """The sum of four uniform numbers is centred and scaled to a standard deviation of 1."""
    drawn = RandomStream(5).normal(100_000)
    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02

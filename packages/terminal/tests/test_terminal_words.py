"""Counts and names."""

from __future__ import annotations

import pytest

from terminal import count_text, nearest_name, unknown_name_text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, "file"), "0 files"),
        ((1, "file"), "1 file"),
        ((12_310, "row"), "12,310 rows"),
        ((1, "entry", "entries"), "1 entry"),
        ((2, "entry", "entries"), "2 entries"),
    ],
)
def test_a_count_agrees_with_its_noun(arguments: tuple[int, str], text: str) -> None:
    """One is singular, everything else plural, and thousands are separated."""
    assert count_text(*arguments) == text


def test_the_nearest_name_ignores_case() -> None:
    """A name in the wrong case is the nearest one."""
    assert nearest_name("CLIMATE", ["climate", "pems"]) == "climate"


def test_no_name_is_near() -> None:
    """A name that resembles none has no nearest one."""
    assert nearest_name("xyz", ["climate", "pems"]) is None


def test_the_sentence_for_an_unknown_name() -> None:
    """It has the kind, the name, the nearest known name and all known names, sorted."""
    assert unknown_name_text("dataset", "climat", ["pems", "climate"]) == (
        "unknown dataset 'climat'; did you mean 'climate'? Known datasets: climate, pems"
    )
    assert unknown_name_text("entry", "x", [], plural="entries") == "unknown entry 'x'. Known entries: none"

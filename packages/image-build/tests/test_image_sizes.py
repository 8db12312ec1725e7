"""Sizes as people read them."""

from __future__ import annotations

import pytest

from image_build.sizes import base_bytes, shown_bytes, size_table


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3_210_000_000, "3.21 GB")]
)
def test_units_are_decimal(size: int, text: str) -> None:
    """Bytes in the unit that leaves at least one digit before the point."""
    assert shown_bytes(size) == text


def test_the_largest_come_first_and_the_rest_in_one_row() -> None:
    """Each row has a share of the total and a bar against the largest."""
    assert size_table({"a": 10, "b": 60, "c": 20, "d": 10}, total=100, rows=2) == (
        "b            60 B   60.0%  ████████████████████████████████████████\n"
        "c            20 B   20.0%  █████████████\n"
        "2 more       20 B   20.0%  █████████████\n"
    )


def test_what_the_base_has_is_told_from_the_history() -> None:
    """All before our first step is the base's, however many layers; no answer for an image of another Dockerfile."""
    base = [("", 100), ("COPY /out/ / # buildkit", 20), ("CMD", 0)]
    ours = [
        ("COPY /out/ / # buildkit", 7),
        ("ENV PATH=/opt/venv/bin:/bin VIRTUAL_ENV=/opt/venv", 0),
        ("COPY /out/ /", 50),
    ]
    assert base_bytes([*base, *ours]) == 120
    assert base_bytes(base) is None

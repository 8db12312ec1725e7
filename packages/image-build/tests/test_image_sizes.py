"""The sizes of an image's parts."""

from __future__ import annotations

from image_build.engine.images import base_bytes, system_bytes
from image_build.testing.sizes import size_table
from terminal import render


def test_the_largest_come_first_and_the_rest_in_one_row() -> None:
    """Each row has a share of the total and a bar relative to the largest."""
    table = size_table({"a": 10, "b": 60, "c": 20, "d": 10}, total_bytes=100, rows=2)
    assert [line.split() for line in render(table).splitlines()[2:]] == [
        ["b", "60", "B", "60.0%", "█" * 32],
        ["c", "20", "B", "20.0%", "█" * 11],
        ["2", "more", "20", "B", "20.0%", "█" * 11],
    ]


def test_the_history_contains_the_size_of_the_base() -> None:
    """All layers before our first step are the base's; the size is unknown for an image of another Dockerfile."""
    base = [("", 100), ("COPY /out/ / # buildkit", 20), ("CMD", 0)]
    ours = [
        ("COPY /out/ / # buildkit", 7),
        ("ENV PATH=/opt/venv/bin:/bin VIRTUAL_ENV=/opt/venv", 0),
        ("COPY /out/ /", 50),
    ]
    assert base_bytes([*base, *ours]) == 120
    assert base_bytes(base) is None
    assert system_bytes([*base, *ours]) == 0
    assert system_bytes([*base, *ours, ("COPY /system/ / # buildkit", 5)]) == 5

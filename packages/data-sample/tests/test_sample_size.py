"""Sizes as people write them."""

from __future__ import annotations

import pytest

from data_sample import DataSampleError, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("64MB", 64_000_000),
        ("64MiB", 67_108_864),
        ("10kB", 10_000),
        ("1.5 GB", 1_500_000_000),
        ("2GiB", 2_147_483_648),
        ("512", 512),
        ("7b", 7),
    ],
)
def test_units_of_a_thousand_and_of_1024_are_told_apart(text: str, size_bytes: int) -> None:
    """MB is a million bytes, MiB is 1,048,576, and a bare number is bytes."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "0MB", "64 M B", "1e6", "64TB", "64M", "0.1B", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """The error repeats what was typed and shows a form that works."""
    with pytest.raises(DataSampleError) as caught:
        parse_size(text)
    assert str(caught.value).startswith(f"size {text!r} is not understood. Write a positive number and a unit, ")

"""Sizes, rates, durations and ratios as text and back."""

from __future__ import annotations

import pytest

from terminal import Rate, UnitError, duration_text, parse_size, rate_text, ratio_text, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.00 kB"),
        (1_040, "1.04 kB"),
        (412_300_000, "412 MB"),
        (999_400_000, "999 MB"),
        (999_700_000, "1.00 GB"),
        (35_200_000_000, "35.2 GB"),
        (2.5e15, "2.50 PB"),
        (2.5e18, "2,500 PB"),
    ],
)
def test_size_text_has_three_digits(size_bytes: float, text: str) -> None:
    """A size is rounded to three digits in the largest unit that leaves at least one before the point."""
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1000", 1000),
        ("64MB", 64_000_000),
        ("64 mb", 64_000_000),
        ("64MiB", 67_108_864),
        ("1.5GB", 1_500_000_000),
        (".5 kB", 500),
        ("1T", 10**12),
    ],
)
def test_parse_size_reads_decimal_and_binary_units(text: str, size_bytes: int) -> None:
    """Prefixes are decimal, and binary with an i."""
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MB", "0", "-1MB", "0.1", "64 MB/s", "1e6", "٣MB"])
def test_parse_size_refuses_other_text(text: str) -> None:
    """Text that is not a size of at least one byte is an error that shows how to write one."""
    with pytest.raises(UnitError) as caught:
        parse_size(text)
    assert str(caught.value) == f"{text!r} is not a size; write it like 64MB, 1.5GB or 512MiB"


@pytest.mark.parametrize(
    ("text", "bits_per_s", "shown"),
    [
        ("4.056Mbps", 4_056_000, "4.056 Mbps"),
        ("25 Mbit/s", 25_000_000, "25 Mbit/s"),
        ("1gbps", 1e9, "1 gbps"),
        ("5MB/s", 40_000_000, "5 MB/s"),
        ("12MiB/s", 12 * 1024**2 * 8, "12 MiB/s"),
        ("800bps", 800, "800 bps"),
    ],
)
def test_a_rate_is_parsed_in_bits_or_bytes(text: str, bits_per_s: float, shown: str) -> None:
    """A lower-case b is a bit, an upper-case B a byte; the text is kept as the user wrote it."""
    rate = Rate.parse(text)
    assert (rate.bits_per_s, str(rate)) == (bits_per_s, shown)


@pytest.mark.parametrize("text", ["", "fast", "0Mbps", "-1Mbps", "4 M", "4MB", "1e3bps", "9" * 400 + "bps"])
def test_a_rate_must_be_a_positive_number_with_a_unit(text: str) -> None:
    """Any other text is an error that shows how to write a rate."""
    with pytest.raises(UnitError, match=r"is not a rate; write it like 4\.056Mbps"):
        Rate.parse(text)


def test_a_measured_rate_is_rounded_in_text_only() -> None:
    """The number stays exact."""
    rate = Rate.of(4_056_789.0)
    assert (rate.bits_per_s, str(rate), rate.seconds(4_056_789)) == (4_056_789.0, "4.06 Mbps", 8.0)


@pytest.mark.parametrize(("bits_per_s", "text"), [(12, "12 bps"), (999_999, "1.00 Mbps"), (2.5e9, "2.50 Gbps")])
def test_rate_text_has_three_digits(bits_per_s: float, text: str) -> None:
    """A rate is rounded like a size."""
    assert rate_text(bits_per_s) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "under 1 ms"),
        (0.028, "28 ms"),
        (0.42, "0.4 s"),
        (9.97, "10 s"),
        (48, "48 s"),
        (59.7, "1.0 min"),
        (192, "3.2 min"),
        (780, "13 min"),
        (69_420, "19 h 17 min"),
        (7200, "2 h"),
        (446_400, "5 d 4 h"),
    ],
)
def test_duration_text_uses_the_units_of_daily_life(seconds: float, text: str) -> None:
    """A duration has one or two units."""
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("ratio", "text"), [(37.21, "37.2×"), (412.3, "412×"), (0.52, "0.52×"), (9.996, "10.0×")])
def test_ratio_text_has_three_digits(ratio: float, text: str) -> None:
    """A ratio below one is a file that grew."""
    assert ratio_text(ratio) == text

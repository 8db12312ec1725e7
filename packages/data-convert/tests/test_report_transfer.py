"""Rates, times, and how both are told."""

from __future__ import annotations

import pytest

from data_convert.errors import DataConvertError
from data_convert.sizes.transfer import Rate, Transfer, duration_text, ratio_text, size_text, transfer_seconds

HOUR_S = 3600


@pytest.mark.parametrize(
    ("text", "bits_per_s"),
    [
        ("4.056Mbps", 4_056_000),
        (" 24.518 Mbps ", 24_518_000),
        ("100mbps", 100_000_000),
        ("800kbps", 800_000),
        ("800Kbps", 800_000),
        ("1Gbps", 1_000_000_000),
        ("2.5Gbit/s", 2_500_000_000),
        ("9600bps", 9_600),
        ("5MB/s", 40_000_000),
        ("5MBps", 40_000_000),
        ("12.5kB/s", 100_000),
        ("1MiB/s", 8 * 2**20),
        ("1Mibps", 2**20),
        ("1GiB/s", 8 * 2**30),
        (".5Mbps", 500_000),
    ],
)
def test_rate_is_decimal_unless_it_says_binary(text: str, bits_per_s: float) -> None:
    """k, M and G are powers of 1000, Ki, Mi and Gi of 1024; b is a bit and B a byte."""
    assert Rate.parse(text).bits_per_s == bits_per_s


@pytest.mark.parametrize(
    "text", ["", "fast", "4.056", "Mbps", "-1Mbps", "0Mbps", "1e3Mbps", "1ibps", "1 Mb", "4,056Mbps", "٤Mbps"]
)
def test_rate_that_cannot_be_read_is_refused(text: str) -> None:
    """What is not a number above zero with a unit names itself and shows how to write one."""
    with pytest.raises(DataConvertError) as caught:
        Rate.parse(text)
    assert str(caught.value) == (
        f"{text!r} is not a rate. Write a number above zero and a unit, such as 4.056Mbps, 800kbps or 1Gbps"
        " (bits per second), 5MB/s or 5MiB/s (bytes per second)."
    )
    assert caught.value.exit_code == 2


def test_rate_is_told_as_it_was_written() -> None:
    """One space goes before the unit."""
    assert [str(Rate.parse(text)) for text in ("4.056Mbps", "5  MiB/s")] == ["4.056 Mbps", "5 MiB/s"]


@pytest.mark.parametrize(
    ("size_bytes", "down_h", "up_h"),
    [
        (35_200_000_000, 3.190, 19.286),  # GB, as here
        (35.2 * 2**30, 3.426, 20.708),  # GiB over decimal links
        (35.2 * 1024 * 10**6, 3.267, 19.748),  # 1024 MB of 10^6 bytes to the GB
    ],
)
def test_story_of_35_gigabytes(size_bytes: float, down_h: float, up_h: float) -> None:
    """35.2 GB take 3.19 h down and 19.29 h up; the quoted 3.26 h counts 1024 MB to the GB."""
    down, up = Rate.parse("24.518Mbps"), Rate.parse("4.056Mbps")
    assert transfer_seconds(round(size_bytes), down) / HOUR_S == pytest.approx(down_h, abs=0.0005)
    assert transfer_seconds(round(size_bytes), up) / HOUR_S == pytest.approx(up_h, abs=0.0005)


def test_transfer_facts_are_rounded_to_milliseconds() -> None:
    """Programs get seconds."""
    transfer = Transfer.of(raw_bytes=1_000_000, parquet_bytes=30_000, rate=Rate.parse("3Mbps"))
    assert transfer.facts() == {"before_s": 2.667, "after_s": 0.08}


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (412_000_000, "412 MB"),
        (35_200_000_000, "35.2 GB"),
        (7 * 10**18, "7,000 PB"),
    ],
)
def test_size_has_three_digits(size_bytes: int, text: str) -> None:
    """Sizes are decimal and never show a thousand of a unit that has a larger one."""
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "under 1 ms"),
        (0.028, "28 ms"),
        (0.4, "0.4 s"),
        (9.96, "10 s"),
        (48, "48 s"),
        (59.6, "1.0 min"),
        (192, "3.2 min"),
        (780, "13 min"),
        (3599, "1 h"),
        (3 * 3600 + 11 * 60, "3 h 11 min"),
        (69_428, "19 h 17 min"),
        (48 * 3600, "2 d"),
        (5 * 86_400 + 4 * 3600 + 60, "5 d 4 h"),
    ],
)
def test_duration_is_as_precise_as_people_speak(seconds: float, text: str) -> None:
    """The unit fits the time, and rounding never leaves 60 of one."""
    assert duration_text(seconds) == text


def test_ratio_has_three_digits() -> None:
    """Less than one says that the Parquet is larger."""
    assert [ratio_text(ratio) for ratio in (0.5172, 8.126, 37.24, 412.4, 1234)] == [
        "0.52×",
        "8.13×",
        "37.2×",
        "412×",
        "1,234×",
    ]

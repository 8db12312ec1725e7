"""Times over a link."""

from __future__ import annotations

import pytest

from data_convert.sizes.transfer import Transfer
from terminal import Rate

HOUR_S = 3600


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
    assert down.seconds(round(size_bytes)) / HOUR_S == pytest.approx(down_h, abs=0.0005)
    assert up.seconds(round(size_bytes)) / HOUR_S == pytest.approx(up_h, abs=0.0005)


def test_transfer_facts_are_rounded_to_milliseconds() -> None:
    """JSON has seconds."""
    transfer = Transfer.of(raw_bytes=1_000_000, parquet_bytes=30_000, rate=Rate.parse("3Mbps"))
    assert transfer.facts() == {"before_s": 2.667, "after_s": 0.08}

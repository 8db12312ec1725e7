"""How long the raw files and the Parquet take over a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from terminal import Rate

# The rates of the home connection whose measurements started this project.
DEFAULT_UP: Final = Rate.parse("4.056Mbps")
DEFAULT_DOWN: Final = Rate.parse("24.518Mbps")


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """The time over a link in one direction, before and after a conversion.

    35.2 GB, the dataset that started this project, take 3.19 h at 24.518 Mbps and 19.29 h at 4.056 Mbps. 35.2 GiB take
    3.43 h and 20.71 h. The 3.26 h (19.75 h) that were originally quoted are those of 35.2 x 1024 MB: binary in one
    step and decimal in the others. Here a GB is 10^9 bytes and an Mbps is 10^6 bits per second.
    """

    before_s: float
    after_s: float

    @classmethod
    def of(cls, *, raw_bytes: int, parquet_bytes: int, rate: Rate) -> Self:
        """The times for these sizes at a rate."""
        return cls(before_s=rate.seconds(raw_bytes), after_s=rate.seconds(parquet_bytes))

    def facts(self) -> dict[str, float]:
        """Seconds, to the millisecond."""
        return {"before_s": round(self.before_s, 3), "after_s": round(self.after_s, 3)}

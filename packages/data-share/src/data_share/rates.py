"""How fast a remote takes and gives data: declared, measured, or measured within the last hour."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from data_share.stores import Store
from data_share.units import parse_rate

Direction: TypeAlias = Literal["push", "pull"]

_VALID_S = 3600
_FIRST_BYTES = 128 * 1024
# A stretch of that many seconds says how fast a link is; what is faster than this needs less to be told so.
_LONG_S, _FAST_S, _FAST_BPS = 2.0, 0.15, 40e6
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Rate:
    """What a direction of the link to a remote does.

    Attributes:
        latency_s: What each object costs however small it is.
        source: `declared`, `measured` or `remembered`.
    """

    bits_per_second: float
    latency_s: float
    source: str

    def seconds(self, size_bytes: int, files: int, jobs: int) -> float:
        """What moving so much takes, so many files at a time: while one waits, others use the link."""
        waiting = self.latency_s * files / min(jobs, max(files, 1))
        return max(size_bytes * 8 / self.bits_per_second, waiting) + self.latency_s


def declared_rate(text: str | None, direction: Direction) -> Rate | None:
    """The rate of an option, or of the setting SHRINKWRAP_UP or SHRINKWRAP_DOWN.

    Raises:
        RateError: It is none.
    """
    text = text or os.environ.get("SHRINKWRAP_UP" if direction == "push" else "SHRINKWRAP_DOWN")
    return Rate(bits_per_second=parse_rate(text), latency_s=0.0, source="declared") if text else None


def measured_up(store: Store) -> Rate:
    """What sending a stretch of random bytes takes; nothing of it stays."""
    return _measured(lambda size_bytes: (size_bytes, store.probe_up(size_bytes), 1))


def measured_down(store: Store, sizes: Mapping[str, int]) -> Rate | None:
    """What getting a stretch of the largest object takes; None if the remote is empty."""
    largest = max(sizes, key=lambda oid: sizes[oid], default=None)
    if largest is None or not sizes[largest]:
        return None

    def probe(size_bytes: int) -> tuple[int, float, int]:
        got, took, requests = 0, 0.0, 0
        while got < size_bytes and took < 2 * _LONG_S:
            some, seconds = store.probe_down(largest, min(size_bytes - got, sizes[largest]))
            got, took, requests = got + some, took + seconds, requests + 1
        return got, took, requests

    return _measured(probe)


def _measured(probe: Callable[[int], tuple[int, float, int]]) -> Rate:
    """Ask for more and more until it takes long enough to be told.

    Args:
        probe: Gives bytes, seconds and requests for about so many bytes.
    """
    # The first one makes the connection, too.
    latency = min(probe(1)[1], probe(1)[1])
    size_bytes, spent = _FIRST_BYTES, 0.0
    while True:
        moved, took, requests = probe(size_bytes)
        spent += took
        # Waiting is no part of the rate, unless it is nearly all there was.
        waited = latency * requests
        rate = moved * 8 / (took - waited if took > 2 * waited else took)
        is_told = took >= 0.8 * _LONG_S or (took >= _FAST_S and rate > _FAST_BPS)
        if is_told or size_bytes >= _MOST_BYTES or spent > 4 * _LONG_S:
            return Rate(bits_per_second=rate, latency_s=latency, source="measured")
        size_bytes = min(_MOST_BYTES, int(size_bytes * min(8.0, max(2.0, _LONG_S / took))))


class RememberedRates:
    """Rates that were measured within the last hour, by remote and direction, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rate(self, remote: str, direction: Direction) -> Rate | None:
        """The rate, if it is not too old."""
        entry = self._read().get(f"{direction} {remote}")
        with suppress(TypeError, KeyError, ValueError):
            if entry is not None and 0 <= time.time() - entry["at"] < _VALID_S:
                return Rate(
                    bits_per_second=float(entry["bits_per_second"]),
                    latency_s=float(entry["latency_s"]),
                    source="remembered",
                )
        return None

    def keep(self, remote: str, direction: Direction, rate: Rate) -> None:
        """Remember a rate for an hour; that it cannot be written is no reason to fail."""
        entries = {**self._read(), f"{direction} {remote}": {**asdict(rate), "at": time.time()}}
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            partial.write_text(json.dumps(entries))
            partial.replace(self._file)

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            content = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

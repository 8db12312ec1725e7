"""The rate of the link to a remote: declared, measured, or measured within the last hour."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data_share.stores.store import Probe, Store
from data_share.transfer.duration import FIRST_FINISHING, Direction, Finishing, LinkRate
from terminal import Rate

_VALID_S = 3600
_FIRST_BYTES = 128 * 1024
# A probe of this duration measures a slow link well; on a fast link a shorter one does.
_LONG_S, _SHORT_S, _FAST_BITS_PER_S = 2.0, 0.15, 40e6
_MAX_BYTES = 64 * 1024 * 1024


def declared_rate(text: str | None, direction: Direction) -> LinkRate | None:
    """The rate of an option, else of the setting SHRINKWRAP_UP or SHRINKWRAP_DOWN.

    Raises:
        UnitError: The text is not a rate.
    """
    text = text or os.environ.get("SHRINKWRAP_UP" if direction == "push" else "SHRINKWRAP_DOWN")
    return LinkRate(bits_per_s=Rate.parse(text).bits_per_s, latency_s=0.0, source="declared") if text else None


def measured_up(store: Store) -> LinkRate:
    """Measure by uploading random bytes, which are not kept."""
    return _measured(store.probe_up)


def measured_down(store: Store, sizes: Mapping[str, int]) -> LinkRate | None:
    """Measure by downloading a stretch of the largest object; None if the remote has no object.

    Args:
        sizes: Size in bytes by object.
    """
    largest = max(sizes, key=lambda oid: sizes[oid], default=None)
    if largest is None or not sizes[largest]:
        return None

    def probe(size_bytes: int) -> Probe:
        total = Probe(size_bytes=0, duration_s=0.0, requests=0)
        while total.size_bytes < size_bytes and total.duration_s < 2 * _LONG_S:
            part = store.probe_down(largest, min(size_bytes - total.size_bytes, sizes[largest]))
            total = Probe(
                size_bytes=total.size_bytes + part.size_bytes,
                duration_s=total.duration_s + part.duration_s,
                requests=total.requests + part.requests,
            )
        return total

    return _measured(probe)


def _measured(probe: Callable[[int], Probe]) -> LinkRate:
    """Probe with more and more bytes until the duration is long enough for a good measurement."""
    # The first request also opens the connection, which is no latency of an object.
    latency_s = min(probe(1).duration_s, probe(1).duration_s)
    size_bytes, spent_s = _FIRST_BYTES, 0.0
    while True:
        found = probe(size_bytes)
        spent_s += found.duration_s
        # Waiting for answers is no part of the rate, unless the probe hardly did anything else.
        waiting_s = latency_s * found.requests
        moving_s = found.duration_s - waiting_s if found.duration_s > 2 * waiting_s else found.duration_s
        bits_per_s = found.size_bytes * 8 / moving_s
        is_long = found.duration_s >= 0.8 * _LONG_S
        is_fast = found.duration_s >= _SHORT_S and bits_per_s > _FAST_BITS_PER_S
        if is_long or is_fast or size_bytes >= _MAX_BYTES or spent_s > 4 * _LONG_S:
            return LinkRate(bits_per_s=bits_per_s, latency_s=latency_s, source="measured")
        growth = min(8.0, max(2.0, _LONG_S / found.duration_s))
        size_bytes = min(_MAX_BYTES, int(size_bytes * growth))


class RememberedRates:
    """A file that remembers measured rates for an hour, by remote and direction."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, link: str, direction: Direction) -> LinkRate | None:
        """The rate, if it is not too old."""
        entry = self._read().get(f"{direction} {link}")
        with suppress(TypeError, KeyError, ValueError):
            if entry is not None and 0 <= time.time() - entry["at"] < _VALID_S:
                return LinkRate(
                    bits_per_s=float(entry["bits_per_s"]),
                    latency_s=float(entry["latency_s"]),
                    source="remembered",
                    object_s=float(entry.get("object_s", 0.0)),
                    object_jobs=int(entry.get("object_jobs", 0)),
                )
        return None

    def save(self, link: str, direction: Direction, rate: LinkRate) -> None:
        """Remember a rate; if that fails, the next transfer measures again."""
        self._write(f"{direction} {link}", {**asdict(rate), "at": time.time()})

    def finishing(self, link: str, direction: Direction) -> Finishing:
        """What finishing the last transfer cost, however long ago; it depends on the machine and not on the link."""
        with suppress(TypeError, KeyError, ValueError):
            if entry := self._read().get(f"finishing {direction} {link}"):
                return Finishing(fixed_s=float(entry["fixed_s"]), file_s=float(entry["file_s"]))
        return FIRST_FINISHING[direction]

    def save_finishing(self, link: str, direction: Direction, finishing: Finishing) -> None:
        """Remember what finishing a transfer cost."""
        self._write(f"finishing {direction} {link}", asdict(finishing))

    def _write(self, name: str, entry: dict[str, Any]) -> None:
        entries = {**self._read(), name: entry}
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            partial.write_text(json.dumps(entries))
            partial.replace(self._file)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

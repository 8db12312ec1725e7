"""The rate of the link to a remote: declared, measured, or measured within the last hour."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from data_share.stores.store import Probe, Store
from data_share.transfer.duration import Direction, LinkRate
from data_share.transfer.finishing import Finishing
from terminal import Rate

_VALID_S = 3600
_FIRST_BYTES, _FEWEST_BYTES, _MAX_BYTES = 128 * 1024, 16 * 1024, 64 * 1024 * 1024
# A probe moves at most this share of what the transfer moves.
_SHARE = 1 / 4
# An answer to so few bytes that hardly takes longer than one to a single byte shows no rate.
_SMALL_BYTES = 64 * 1024
_MAX_REQUESTS = 8
# A probe of this duration measures a slow link well; on a fast link a shorter one does.
_LONG_S, _SHORT_S, _FAST_BITS_PER_S = 2.0, 0.15, 40e6


def declared_rate(text: str | None, direction: Direction) -> LinkRate | None:
    """The rate of an option, else of the setting SHRINKWRAP_UP or SHRINKWRAP_DOWN.

    Raises:
        UnitError: The text is not a rate.
    """
    text = text or os.environ.get("SHRINKWRAP_UP" if direction == "push" else "SHRINKWRAP_DOWN")
    return LinkRate(bits_per_s=Rate.parse(text).bits_per_s, latency_s=0.0, source="declared") if text else None


def measured_up(store: Store, plan_bytes: float = math.inf) -> LinkRate:
    """Measure by uploading random bytes, which are not kept.

    Args:
        plan_bytes: What the transfer moves: a small one is measured with few bytes.
    """
    return _measured(store.probe_up, plan_bytes)


def measured_down(store: Store, sizes: Mapping[str, int], plan_bytes: float = math.inf) -> LinkRate | None:
    """Measure by downloading a stretch of the largest object; None if the remote has no object.

    Args:
        sizes: Size in bytes by object.
        plan_bytes: What the transfer moves: a small one is measured with few bytes.
    """
    largest = max(sizes, key=lambda oid: sizes[oid], default=None)
    if largest is None or not sizes[largest]:
        return None

    def probe(size_bytes: int) -> Probe:
        total = Probe(size_bytes=0, duration_s=0.0, requests=0)
        while total.size_bytes < size_bytes and total.duration_s < 2 * _LONG_S and total.requests < _MAX_REQUESTS:
            part = store.probe_down(largest, min(size_bytes - total.size_bytes, sizes[largest]))
            total = Probe(
                size_bytes=total.size_bytes + part.size_bytes,
                duration_s=total.duration_s + part.duration_s,
                requests=total.requests + part.requests,
            )
        return total

    rate = _measured(probe, plan_bytes)
    return rate if math.isfinite(rate.bits_per_s) else replace(rate, valid_bytes=sum(sizes.values()))


def _measured(probe: Callable[[int], Probe], plan_bytes: float) -> LinkRate:
    """Probe with more and more bytes until the duration is long enough for a good measurement."""
    # The first request also opens the connection, which is no latency of an object.
    latency_s = min(probe(1).duration_s, probe(1).duration_s)
    most_bytes = int(min(_MAX_BYTES, max(_FEWEST_BYTES, plan_bytes * _SHARE)))
    size_bytes, spent_s = min(_FIRST_BYTES, most_bytes), 0.0
    while True:
        found = probe(size_bytes)
        spent_s += found.duration_s
        # Waiting for answers is no part of the rate.
        waiting_s = latency_s * found.requests
        moving_s = max(found.duration_s - waiting_s, found.duration_s / 10)
        bits_per_s = found.size_bytes * 8 / moving_s
        is_fast = bits_per_s > _FAST_BITS_PER_S
        is_good = moving_s >= (_SHORT_S if is_fast else 0.8 * _LONG_S)
        if is_good or size_bytes >= most_bytes or spent_s > 4 * _LONG_S:
            break
        growth = (1.5 * _SHORT_S if is_fast else _LONG_S) / moving_s
        size_bytes = min(most_bytes, int(size_bytes * min(8.0, max(2.0, growth))))
    if moving_s < waiting_s and found.size_bytes < _SMALL_BYTES * found.requests:
        bits_per_s = math.inf
    valid_bytes = math.inf if is_good else plan_bytes
    return LinkRate(bits_per_s=bits_per_s, latency_s=latency_s, source="measured", valid_bytes=valid_bytes)


class RememberedRates:
    """A file that remembers measured rates for an hour, by remote and direction."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def find(self, link: str, direction: Direction, plan_bytes: float = 0) -> LinkRate | None:
        """The rate, if it is not too old, and predicts a transfer of this size."""
        entry = self._read().get(f"{direction} {link}")
        with suppress(TypeError, KeyError, ValueError):
            valid_bytes = float(entry.get("valid_bytes", math.inf)) if entry else 0.0
            if entry and 0 <= time.time() - entry["at"] < _VALID_S and plan_bytes <= valid_bytes:
                return LinkRate(
                    bits_per_s=float(entry["bits_per_s"]),
                    latency_s=float(entry["latency_s"]),
                    source="remembered",
                    object_s=float(entry.get("object_s", 0.0)),
                    object_jobs=int(entry.get("object_jobs", 0)),
                    object_bytes=float(entry.get("object_bytes", 0.0)),
                    valid_bytes=valid_bytes,
                )
        return None

    def save(self, link: str, direction: Direction, rate: LinkRate) -> None:
        """Remember a rate; if that fails, the next transfer measures again."""
        self._write(f"{direction} {link}", {**asdict(rate), "at": time.time()})

    def finishing(self, link: str) -> Finishing | None:
        """What placing the files of the last pull cost, however long ago: the machine decides it, and not the link."""
        with suppress(TypeError, KeyError, ValueError):
            if entry := self._read().get(f"finishing {link}"):
                return Finishing(**{name: float(entry[name]) for name in ("fixed_s", "file_s", "byte_s")})
        return None

    def save_finishing(self, link: str, finishing: Finishing) -> None:
        """Remember what placing the files of a pull cost."""
        self._write(f"finishing {link}", asdict(finishing))

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

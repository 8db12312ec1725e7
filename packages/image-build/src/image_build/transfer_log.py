"""What the engine tells while it pushes or pulls, as a line now and then: layers done, bytes moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from image_build.sizes import shown_bytes

_PERIOD_S = 2.0
_DONE = ("Pushed", "Layer already exists", "Mounted from", "Pull complete", "Already exists", "Download complete")


class TransferLog:
    """Takes the events of one transfer; a short one is not talked about."""

    def __init__(self, *, began_s: float) -> None:
        self._said_s = began_s
        self._bytes: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def add(self, event: Mapping[str, Any], *, now_s: float) -> str | None:
        """What to say after this event; None for nothing."""
        layer, status, detail = str(event.get("id") or ""), str(event.get("status") or ""), event.get("progressDetail")
        if not layer or not status:
            return None
        if status.startswith(_DONE):
            self._done.add(layer)
        if detail and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current") or 0), int(detail["total"]))
        if now_s - self._said_s < _PERIOD_S or not self._bytes:
            return None
        self._said_s = now_s
        moved = sum(total if name in self._done else current for name, (current, total) in self._bytes.items())
        total = sum(total for _, total in self._bytes.values())
        return f"  …  {shown_bytes(moved)} of {shown_bytes(total)}, {len(self._done)} of {self._layers()} layers done"

    def _layers(self) -> int:
        return len(self._done | self._bytes.keys())

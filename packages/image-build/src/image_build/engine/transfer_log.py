"""The engine's progress events of a push or a pull, as an occasional line: layers done, bytes moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terminal import size_text

_PERIOD_S = 2.0
_DONE = ("Pushed", "Layer already exists", "Mounted from", "Pull complete", "Already exists", "Download complete")


class TransferLog:
    """The events of one transfer. A short transfer produces no lines."""

    def __init__(self, *, start_s: float) -> None:
        self._last_line_s = start_s
        self._bytes: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def add(self, event: Mapping[str, Any], *, now_s: float) -> str | None:
        """Add an event; return the line to print, or None."""
        layer, status, detail = str(event.get("id") or ""), str(event.get("status") or ""), event.get("progressDetail")
        if not layer or not status:
            return None
        if status.startswith(_DONE):
            self._done.add(layer)
        if detail and detail.get("total"):
            self._bytes[layer] = (int(detail.get("current") or 0), int(detail["total"]))
        if now_s - self._last_line_s < _PERIOD_S or not self._bytes:
            return None
        self._last_line_s = now_s
        moved = sum(total if name in self._done else current for name, (current, total) in self._bytes.items())
        total = sum(total for _, total in self._bytes.values())
        layers = len(self._done | self._bytes.keys())
        return f"  …  {size_text(moved)} of {size_text(total)}, {len(self._done)} of {layers} layers done"

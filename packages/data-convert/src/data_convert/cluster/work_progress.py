"""How far the workers are: raw bytes, rows and workers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from terminal import OnBytes


@dataclass(kw_only=True)
class WorkProgress:
    """Sums up what tasks report, from any thread."""

    on_bytes: OnBytes = lambda _: None
    workers: Callable[[], int] = lambda: 0
    rows: int = 0
    _bytes: dict[str, int] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def on_event(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Take a report of a task."""
        _, report = event
        self._set(str(report["part"]), int(report["bytes"]), int(report["rows"]))

    def finish(self, part: str, size_bytes: int, rows: int) -> None:
        """Take a finished part, whose last report may still come."""
        self._set(part, size_bytes, rows)

    def end(self) -> None:
        """Ignore the reports that come later."""
        with self._lock:
            self._is_over = True

    def details(self) -> str:
        """The rows of finished parts and the number of workers."""
        count = self.workers()
        return f"{self.rows:,} rows, {count} worker{'' if count == 1 else 's'}"

    def _set(self, part: str, size_bytes: int, rows: int) -> None:
        with self._lock:
            if self._is_over or part in self._finished:
                return
            if rows:
                self._finished.add(part)
                self.rows += rows
            step = size_bytes - self._bytes.get(part, 0)
            self._bytes[part] = size_bytes
            self.on_bytes(step)

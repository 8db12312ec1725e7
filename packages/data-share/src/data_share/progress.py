"""How far a transfer is: on a terminal one line that changes, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from data_share.units import duration_text, rate_text, size_text

_TERMINAL_S, _STALL_S, _LOG_S = 0.2, 1.0, 5.0
# The rate shown is that of the last seconds, as a link's rate changes.
_WINDOW_S = 10.0
_SLOW_S = 2.0


class Progress:
    """Counts bytes from any thread and tells of them on a stream, now and then even if nothing moves."""

    def __init__(self, total_bytes: int, *, stream: TextIO | None = None) -> None:
        self.moved_bytes = 0
        self._total_bytes = total_bytes
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._lock = threading.Lock()
        now = time.monotonic()
        self._told_at = now
        self._points = deque([(now, 0)])
        self._closed = threading.Event()
        threading.Thread(target=self._keep_telling, daemon=True).start()

    def add(self, size_bytes: int) -> None:
        """So many bytes more."""
        with self._lock:
            self.moved_bytes += size_bytes
            now = time.monotonic()
            if now - self._told_at >= (_TERMINAL_S if self._is_terminal else _LOG_S):
                self._told_at = now
                self._tell(now)

    def close(self) -> None:
        """Leave the line empty."""
        with self._lock:
            self._closed.set()
            if self._is_terminal:
                self._stream.write("\r\x1b[K")
                self._stream.flush()

    def _keep_telling(self) -> None:
        """What the system has taken to send is counted; while it is on its way, nothing is added."""
        pause = _STALL_S if self._is_terminal else _LOG_S
        while not self._closed.wait(pause):
            with self._lock:
                now = time.monotonic()
                if now - self._told_at >= pause and not self._closed.is_set():
                    self._told_at = now
                    self._tell(now)

    def _tell(self, now: float) -> None:
        self._points.append((now, self.moved_bytes))
        while len(self._points) > 2 and now - self._points[0][0] > _WINDOW_S:
            self._points.popleft()
        then, before = self._points[0]
        bps = (self.moved_bytes - before) * 8 / max(now - then, 1e-3)
        left = (self._total_bytes - self.moved_bytes) * 8 / bps if bps else None
        text = f"{size_text(self.moved_bytes)} of {size_text(self._total_bytes)}, {rate_text(bps)}"
        text += "" if left is None or left < 0 else f", {duration_text(left)} left"
        self._stream.write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")
        self._stream.flush()


@contextmanager
def said_if_slow(text: str) -> Iterator[None]:
    """Say on standard error what is going on, if it takes longer than two seconds."""
    timer = threading.Timer(_SLOW_S, lambda: print(f"{text} …", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()

"""Progress of bytes: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_SILENT_S: Final = 2.0
"""What takes less says nothing."""

_LINE_EVERY_S: Final = 10.0


class Ticker:
    """Told of bytes that are dealt with; may be called from any thread."""

    def __init__(self, label: str, total: int, stream: TextIO, bar: tuple[Progress, TaskID] | None) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._bar = bar
        self._done = 0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._told = self._started

    def __call__(self, size_bytes: int) -> None:
        with self._lock:
            self._done += size_bytes
            self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=self._done, visible=now - self._started > _SILENT_S)
        elif now - self._told > _LINE_EVERY_S:
            self._told = now
            rate = self._done / (now - self._started)
            left = f", {(self._total - self._done) / rate:,.0f} s left" if rate and self._total else ""
            share = f" of {self._total / 1e6:,.0f} MB" if self._total else " MB"
            print(f"{self._label}: {self._done / 1e6:,.0f}{share}, {rate / 1e6:,.0f} MB/s{left}", file=self._stream)


@contextmanager
def progress_on(stream: TextIO, label: str, *, total: int = 0) -> Iterator[Ticker]:
    """A ticker whose progress is shown on `stream`; on a terminal it leaves no trace."""
    console = Console(file=stream)
    if not console.is_terminal:
        yield Ticker(label, total, stream, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=total or None, visible=False)
        yield Ticker(label, total, stream, (progress, task))

"""Progress on standard error: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO, TypeAlias

from terminal.units import duration_text, size_text

OnBytes: TypeAlias = Callable[[int], None]
"""Called with the number of bytes done since the previous call, from any thread."""

# Work that takes less shows no progress.
_SILENT_S: Final = 2.0
_LOG_EVERY_S: Final = 10.0


@contextmanager
def progress(
    label: str, total_bytes: int = 0, *, stream: TextIO | None = None, details: Callable[[], str] | None = None
) -> Iterator[OnBytes]:
    """Show how many bytes are done, at which rate, and the time left, if the block takes longer than two seconds.

    Args:
        total_bytes: 0 if unknown; then neither a share nor a time left is shown.
        stream: Standard error by default. On a terminal the bar is removed when the block ends.
        details: What else is shown, such as a number of rows.

    Yields:
        A function to call with the number of bytes done since the previous call.
    """
    stream = stream or sys.stderr
    with (_bar if stream.isatty() else _lines)(label, total_bytes, stream, details) as on_bytes:
        yield on_bytes


@contextmanager
def progress_if_slow(text: str) -> Iterator[None]:
    """Print one line to standard error if the block takes longer than two seconds."""
    timer = _timer(lambda: print(f"{text} …", file=sys.stderr, flush=True))
    try:
        yield
    finally:
        timer.cancel()


def state_text(done_bytes: float, total_bytes: float, bytes_per_s: float) -> str:
    """Bytes done, their rate and the time left: "1.2 GB of 3.4 GB, 210 MB/s, 10 s left"."""
    share = f" of {size_text(total_bytes)}" if total_bytes else ""
    text = f"{size_text(done_bytes)}{share}, {size_text(bytes_per_s)}/s"
    left_bytes = total_bytes - done_bytes
    if bytes_per_s > 0 and left_bytes > 0:
        text += f", {duration_text(left_bytes / bytes_per_s)} left"
    return text


def _with_details(text: str, details: Callable[[], str] | None) -> str:
    return text if details is None else f"{text}, {details()}"


def _timer(action: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(_SILENT_S, action)
    timer.daemon = True
    timer.start()
    return timer


@contextmanager
def _bar(label: str, total_bytes: int, stream: TextIO, details: Callable[[], str] | None) -> Iterator[OnBytes]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class StateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_with_details(state_text(task.completed, task.total or 0, task.speed or 0), details))

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), StateColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as shown:
        task = shown.add_task(label, total=total_bytes or None, visible=False)
        timer = _timer(lambda: shown.update(task, visible=True))
        try:
            yield lambda size_bytes: shown.advance(task, size_bytes)
        finally:
            timer.cancel()


@contextmanager
def _lines(label: str, total_bytes: int, stream: TextIO, details: Callable[[], str] | None) -> Iterator[OnBytes]:
    done_bytes = 0
    lock = threading.Lock()
    closed = threading.Event()
    started = time.monotonic()

    def add(size_bytes: int) -> None:
        nonlocal done_bytes
        with lock:
            done_bytes += size_bytes

    def write_lines() -> None:
        while not closed.wait(_LOG_EVERY_S):
            rate = done_bytes / (time.monotonic() - started)
            text = _with_details(state_text(done_bytes, total_bytes, rate), details)
            print(f"{label}: {text}", file=stream, flush=True)

    writer = threading.Thread(target=write_lines, daemon=True)
    writer.start()
    try:
        yield add
    finally:
        closed.set()
        writer.join()

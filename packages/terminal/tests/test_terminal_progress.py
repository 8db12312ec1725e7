"""Progress in a log and on a terminal."""

from __future__ import annotations

import io
import threading

import pytest

from terminal import progress, progress_bar, progress_if_slow

_LIMIT_S = 30


class _Stream(io.StringIO):
    """A stream that signals when it contains a text."""

    def __init__(self, text: str, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_written = threading.Event()
        self._text = text
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> int:
        count = super().write(text)
        if self._text in self.getvalue():
            self.is_written.set()
        return count


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_bar, "_SILENT_S", 0.01)
    monkeypatch.setattr(progress_bar, "_LOG_EVERY_S", 0.01)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_shows_bytes_and_their_total(is_terminal: bool) -> None:
    """A slow block shows how much of the total is done, in a log and on a terminal."""
    stream = _Stream("5.00 MB of 10.0 MB, ", is_terminal=is_terminal)
    with progress("pulling", 10_000_000, stream=stream) as on_bytes:
        on_bytes(3_000_000)
        on_bytes(2_000_000)
        assert stream.is_written.wait(_LIMIT_S)
    assert "pulling" in stream.getvalue()


def test_a_bar_leaves_no_trace() -> None:
    """On a terminal the last thing written erases the line of the bar."""
    stream = _Stream("5.00 MB", is_terminal=True)
    with progress("pulling", stream=stream) as on_bytes:
        on_bytes(5_000_000)
        assert stream.is_written.wait(_LIMIT_S)
    assert stream.getvalue().rstrip("\r").endswith("\x1b[2K")


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_quick_block_is_silent(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing visible is written about work that ends before the silence does."""
    monkeypatch.setattr(progress_bar, "_SILENT_S", _LIMIT_S)
    monkeypatch.setattr(progress_bar, "_LOG_EVERY_S", _LIMIT_S)
    stream = _Stream("", is_terminal=is_terminal)
    with progress("pulling", 10, stream=stream) as on_bytes:
        on_bytes(5)
    assert "pulling" not in stream.getvalue()


@pytest.mark.parametrize(
    ("done_bytes", "total_bytes", "bytes_per_s", "text"),
    [
        (1.2e9, 3.4e9, 2.2e8, "1.20 GB of 3.40 GB, 220 MB/s, 10 s left"),
        (1.2e9, 0, 2.2e8, "1.20 GB, 220 MB/s"),
        (0, 1e6, 0, "0 B of 1.00 MB, 0 B/s"),
        (2e6, 1e6, 1e6, "2.00 MB of 1.00 MB, 1.00 MB/s"),
    ],
)
def test_the_state_of_a_transfer(done_bytes: float, total_bytes: float, bytes_per_s: float, text: str) -> None:
    """The time left is shown if it can be computed."""
    assert progress_bar.state_text(done_bytes, total_bytes, bytes_per_s) == text


def test_a_slow_block_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that takes longer than the silence prints one line to standard error."""
    stream = _Stream("reading the remote …\n", is_terminal=False)
    monkeypatch.setattr("sys.stderr", stream)
    with progress_if_slow("reading the remote"):
        assert stream.is_written.wait(_LIMIT_S)
    assert stream.getvalue() == "reading the remote …\n"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_shows_details(is_terminal: bool) -> None:
    """What the caller counts itself stands behind the bytes."""
    stream = _Stream(", 7 rows", is_terminal=is_terminal)
    with progress("work", 1000, stream=stream, details=lambda: "7 rows") as on_bytes:
        on_bytes(500)
        assert stream.is_written.wait(_LIMIT_S), stream.getvalue()

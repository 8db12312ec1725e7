"""The lines of progress that a run shows."""

from __future__ import annotations

import pytest

from notebook_run.run.events import event_text, failed_line, parse_event

CELL = {"index": 4, "number": 3, "of": 12, "heading": "Speed", "first_line": "speeds = load()"}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"event": "begin", **CELL}, None),
        ({"event": "running", **CELL, "seconds": 2.0}, "[ 3/12]    2.0 s still running  Speed · speeds = load()"),
        ({"event": "end", **CELL, "seconds": 0.04, "is_ok": True}, "[ 3/12]    0.0 s  Speed · speeds = load()"),
        ({"event": "end", **CELL, "seconds": 1.5, "is_ok": False}, "[ 3/12]    1.5 s failed  Speed · speeds = load()"),
        (
            {"event": "end", **CELL, "heading": "", "first_line": "x" * 45, "seconds": 1, "is_ok": True},
            f"[ 3/12]    1.0 s  {'x' * 43}…",
        ),
        ({"event": "writing"}, "writing the executed notebook and its page"),
        ({"event": "warning", "kind": "cut", "text": "cell 1 is long", "cell": "a"}, "warning: cell 1 is long"),
        ({"event": "done", "failure": None}, None),
    ],
)
def test_a_cell_is_one_line(event: dict[str, object], line: str | None) -> None:
    """A cell is shown when it ends; a slow one also before."""
    assert event_text(event) == line


@pytest.mark.parametrize("line", ["", "hello", "3", '{"no": "event"}', '{"event": "cut'])
def test_output_of_a_kernel_is_no_event(line: str) -> None:
    """Only a JSON document with an `event` is one."""
    assert parse_event(line) is None


def test_the_failed_line_is_the_line_of_the_cell() -> None:
    """It is in the first frame of a traceback, whatever the cell called and whatever colours the text has."""
    traceback = "\x1b[31mCell \x1b[39mIn[2], line 5\nCell In[2], line 4, in f()\nFile /x.py:9, in g()"
    assert failed_line(traceback) == 5
    assert failed_line("Error: without a frame") is None

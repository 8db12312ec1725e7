"""What a run tells while it goes on: lines of JSON from the container, as facts and as lines for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WIDTH = 44
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_LINE = re.compile(r"Cell In\[\d+\], line (\d+)")


@dataclass(frozen=True, kw_only=True)
class RanCell:
    """A code cell that was run.

    Attributes:
        index: Its place among all cells of the executed notebook, from 0.
        number: Its place among the code cells that are run, from 1.
        of: How many those are.
        heading: The heading above it; empty if there is none.
        first_line: Its first line of code.
        seconds: How long it took; None if it did not come to its end.
    """

    index: int
    number: int
    of: int
    heading: str
    first_line: str
    seconds: float | None = None

    @property
    def where(self) -> str:
        """How a person finds it."""
        below = f' below "{self.heading}"' if self.heading else ""
        return f"cell {self.number} of {self.of}{below} ({self.first_line})"


def parse_event(line: str) -> dict[str, Any] | None:
    """The event in a line; None for a line that is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def ran_cell(event: Mapping[str, Any]) -> RanCell:
    """The cell that an event is about."""
    return RanCell(**{name: event.get(name) for name in RanCell.__dataclass_fields__})  # type: ignore[arg-type]


def shown_event(event: Mapping[str, Any]) -> str | None:
    """A line of progress: one per cell that ended, and one now and then for a cell that does not end."""
    if event["event"] == "writing":
        return "writing the executed notebook and its page"
    if event["event"] not in ("end", "running"):
        return None
    cell = ran_cell(event)
    what = " · ".join(_short(text) for text in (cell.heading, cell.first_line) if text)
    width = len(str(cell.of))
    state = " still running" if event["event"] == "running" else "" if event["is_ok"] else " failed"
    return f"[{cell.number:>{width}}/{cell.of}] {cell.seconds or 0:6.1f} s{state}  {what}"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1].rstrip()}…"


def plain_traceback(traceback: str) -> str:
    """Without colours."""
    return _ANSI.sub("", traceback)


def failed_line(traceback: str) -> int | None:
    """The line of the cell that a traceback starts from."""
    found = _CELL_LINE.search(plain_traceback(traceback))
    return int(found[1]) if found else None

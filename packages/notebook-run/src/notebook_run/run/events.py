"""Events of a run: lines of JSON from the container, and the lines of progress made from them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 44
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_LINE: Final = re.compile(r"Cell In\[\d+\], line (\d+)")


@dataclass(frozen=True, kw_only=True)
class CellRun:
    """A code cell that ran.

    Attributes:
        index: Its place among all cells of the executed notebook, from 0.
        number: Its place among the code cells that are run, from 1.
        of: The number of these.
        heading: The heading above it; empty if there is none.
        first_line: Its first line of code.
        seconds: Its duration; None if it did not end.
    """

    index: int
    number: int
    of: int
    heading: str
    first_line: str
    seconds: float | None = None

    @property
    def where(self) -> str:
        """The cell in words, for messages."""
        below = f' below "{self.heading}"' if self.heading else ""
        return f"cell {self.number} of {self.of}{below} ({self.first_line})"


@dataclass(frozen=True, kw_only=True)
class RunWarning:
    """What a run lost or left out, although it reached its end.

    Attributes:
        kind: `cut`: outputs beyond a limit. `page`: what the page cannot show. `lost`: files outside the results.
            `renamed`: a file of the notebook with the name of a result.
        text: It in words, for the user.
        cell: The id of the cell, if it is known.
        output: The number of the output in that cell, from 1.
    """

    kind: str
    text: str
    cell: str | None = None
    output: int | None = None


def parse_event(line: str) -> dict[str, Any] | None:
    """The event in a line; None for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def cell_run(event: Mapping[str, Any]) -> CellRun:
    """The cell of an event."""
    return CellRun(**{name: event.get(name) for name in CellRun.__dataclass_fields__})  # type: ignore[arg-type]


def run_warning(event: Mapping[str, Any]) -> RunWarning:
    """The warning of an event."""
    return RunWarning(kind=event["kind"], text=event["text"], cell=event.get("cell"), output=event.get("output"))


def event_text(event: Mapping[str, Any]) -> str | None:
    """A line of progress: for each cell that ended, and at intervals for a cell that still runs."""
    if event["event"] == "writing":
        return "writing the executed notebook and its page"
    if event["event"] == "warning":
        return f"warning: {event['text']}"
    if event["event"] not in ("end", "running"):
        return None
    cell = cell_run(event)
    what = " · ".join(_short(text) for text in (cell.heading, cell.first_line) if text)
    width = len(str(cell.of))
    state = " still running" if event["event"] == "running" else "" if event["is_ok"] else " failed"
    return f"[{cell.number:>{width}}/{cell.of}] {cell.seconds or 0:6.1f} s{state}  {what}"


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1].rstrip()}…"


def plain_traceback(traceback: str) -> str:
    """A traceback without colours."""
    return _ANSI.sub("", traceback)


def failed_line(traceback: str) -> int | None:
    """The line of the cell at which a traceback starts."""
    found = _CELL_LINE.search(plain_traceback(traceback))
    return int(found[1]) if found else None

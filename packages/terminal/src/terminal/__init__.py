"""What the user reads and types: sizes, rates, durations, tables, progress, names, JSON, exit codes, errors."""

from __future__ import annotations

from terminal.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_WRONG_INPUT,
    ShrinkwrapError,
    UnitError,
)
from terminal.output import json_text, note, render, show, warn
from terminal.progress_bar import OnBytes, progress, progress_if_slow
from terminal.tables import Column, table
from terminal.units import (
    UNITS_NOTE,
    Rate,
    duration_text,
    parse_size,
    rate_text,
    ratio_text,
    size_text,
)
from terminal.words import count_text, nearest_name, unknown_name_text

__all__ = [
    "EXIT_DONE",
    "EXIT_FAILED",
    "EXIT_INTERRUPTED",
    "EXIT_WRONG_INPUT",
    "UNITS_NOTE",
    "Column",
    "OnBytes",
    "Rate",
    "ShrinkwrapError",
    "UnitError",
    "count_text",
    "duration_text",
    "json_text",
    "nearest_name",
    "note",
    "parse_size",
    "progress",
    "progress_if_slow",
    "rate_text",
    "ratio_text",
    "render",
    "show",
    "size_text",
    "table",
    "unknown_name_text",
    "warn",
]

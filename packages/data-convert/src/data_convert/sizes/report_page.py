"""The size report as one self-contained page: no script, nothing fetched, the same bytes for the same report."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from data_convert.sizes.report_chart import column_bars, percent_of, time_scale
from data_convert.sizes.size_report import SizeReport, Sizes
from data_convert.sizes.size_table import strangers_text
from data_convert.sizes.transfer import UNITS_NOTE, duration_text, ratio_text, size_text

_TEMPLATE: Final = "report.html.j2"
_MOST_SQUARES: Final = 1000
"""Beyond this a square of the opening picture would be too small to see."""


def report_page(report: SizeReport) -> str:
    """The page as HTML, light or dark as the reader's system, for screens of any width and for paper."""
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            report=report,
            total=report.total,
            headline=headline(report),
            summary=summary(report),
            squares=square_grid(report.total.ratio),
            largest_bytes=max((max(d.raw_bytes, d.parquet_bytes) for d in report.datasets), default=0),
            scale=time_scale(report) if report.datasets else None,
            units_note=UNITS_NOTE,
        )
    )


def headline(report: SizeReport) -> str:
    """What the page says first."""
    total = report.total
    if not report.datasets:
        return "Nothing is converted yet"
    return _unbroken(f"{size_text(total.raw_bytes)} of raw CSV is {size_text(total.parquet_bytes)} of Parquet")


def summary(report: SizeReport) -> str:
    """The headline's sentence on what that means."""
    if not report.datasets:
        return "This page shows sizes and times once a dataset has Parquet."
    times = report.total.transfer(report.up)
    return _unbroken(
        f"{_comparison(report.total)}. Sharing it takes {duration_text(times.after_s)}"
        f" instead of {duration_text(times.before_s)}."
    )


def _comparison(sizes: Sizes) -> str:
    if round(sizes.ratio, 2) == 1:
        return "About the same size"
    amount, word = _change(sizes)
    return f"{amount.removesuffix('×')} times {word}"


def _change(sizes: Sizes) -> tuple[str, str]:
    """How many times, and smaller or larger."""
    ratio = sizes.ratio
    return (ratio_text(ratio), "smaller") if ratio >= 1 else (ratio_text(1 / ratio), "larger")


def _unbroken(text: str) -> str:
    """With each number kept on one line with its unit."""
    return re.sub(r"(?<=\d) (?=[a-zA-Z]{1,3}\b)", "\N{NO-BREAK SPACE}", text)


def _name_words(name: str) -> list[str]:
    """Where a column's name may be broken: snake_case and CamelCase have no spaces."""
    return re.split(r"(?<=[a-z])(?=[A-Z])|(?<=_)", name)


@dataclass(frozen=True, kw_only=True)
class Square:
    """One square of the opening picture, in cells; the last one may be narrower than the others."""

    x: int
    y: int
    width: float


def square_grid(ratio: float) -> list[Square]:
    """The raw files, counted in squares that are each as large as the Parquet; empty if that shows nothing."""
    if not 2 <= ratio <= _MOST_SQUARES:
        return []
    count = math.ceil(round(ratio, 2))
    columns = math.ceil(math.sqrt(count))
    widths = [round(min(1.0, ratio - index), 2) for index in range(count)]
    return [Square(x=i % columns, y=i // columns, width=width) for i, width in enumerate(widths)]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("data_convert.sizes"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        change=_change,
        count=lambda number: f"{number:,}",
        duration=duration_text,
        ratio=ratio_text,
        share=_share_text,
        size=size_text,
        strangers=strangers_text,
        words=_name_words,
    )
    environment.globals.update(column_bars=column_bars, percent_of=percent_of)
    return environment


def _share_text(share: float) -> str:
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%"

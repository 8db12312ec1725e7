"""The size report as one self-contained page without scripts; the same report produces the same bytes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from data_convert.sizes.report_chart import column_bars, percent_of, time_scale
from data_convert.sizes.size_report import SizeReport, Sizes
from data_convert.sizes.size_table import foreign_files_text
from terminal import UNITS_NOTE, duration_text, ratio_text, size_text

_TEMPLATE: Final = "report.html.j2"
_MOST_SQUARES: Final = 1000
"""With more squares, one of them would be too small to see."""


def report_page(report: SizeReport) -> str:
    """The page as HTML, for screens of any width and for paper, light or dark as the reader prefers."""
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
    """The headline of the page."""
    total = report.total
    if not report.datasets:
        return "Nothing is converted yet"
    return _unbroken(f"{size_text(total.raw_bytes)} of raw CSV is {size_text(total.parquet_bytes)} of Parquet")


def summary(report: SizeReport) -> str:
    """The sentence below the headline: what that means for sharing."""
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
    """How many times, and whether the Parquet is smaller or larger."""
    ratio = sizes.ratio
    return (ratio_text(ratio), "smaller") if ratio >= 1 else (ratio_text(1 / ratio), "larger")


def _unbroken(text: str) -> str:
    """The text with each number on one line with its unit."""
    return re.sub(r"(?<=\d) (?=[a-zA-Z]{1,3}\b)", "\N{NO-BREAK SPACE}", text)


def _name_words(name: str) -> list[str]:
    """The pieces of a column's name between which a line may break: snake_case and CamelCase have no spaces."""
    return re.split(r"(?<=[a-z])(?=[A-Z])|(?<=_)", name)


@dataclass(frozen=True, kw_only=True)
class Square:
    """One square of the first picture, in cells; the last one can be narrower than the others."""

    x: int
    y: int
    width: float


def square_grid(ratio: float) -> list[Square]:
    """The raw files as squares of the size of the Parquet; empty if there would be too few or too many of them."""
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
        foreign_files=foreign_files_text,
        words=_name_words,
    )
    environment.globals.update(column_bars=column_bars, percent_of=percent_of)
    return environment


def _share_text(share: float) -> str:
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{100 * share:.1f}%"

"""Where the marks of the report's charts go, in percent of a chart's width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from data_convert.sizes.size_report import DatasetSizes, SizeReport, Sizes
from data_convert.sizes.transfer import Transfer

SHOWN_COLUMNS: Final = 8
"""Columns that get a bar of their own; the others share one."""

_TICK_NAME_PERCENT: Final = 15
"""Room for the name of a landmark on a phone."""

_LANDMARKS: Final = (
    (0.001, "1 ms"),
    (0.01, "10 ms"),
    (0.1, "0.1 s"),
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (36000.0, "10 h"),
    (86400.0 * 7, "1 week"),
    (86400.0 * 70, "10 weeks"),
    (86400.0 * 365, "1 year"),
)


@dataclass(frozen=True, kw_only=True)
class ColumnBar:
    """One bar of a dataset's columns.

    Attributes:
        share: Share of the dataset's Parquet, 0 to 1.
        percent: Length of the bar; the longest of the dataset has 100.
        is_column: False for the bars of several columns together and of the footers.
    """

    label: str
    size_bytes: int
    share: float
    percent: float
    is_column: bool


def percent_of(value: float, largest: float) -> float:
    """Length of a bar relative to the largest one, 0 to 100."""
    return round(100 * value / largest, 3) if largest else 0.0


def column_bars(dataset: DatasetSizes) -> list[ColumnBar]:
    """The largest columns, then the others together, then the footers: together all bytes of the Parquet."""
    columns = list(dataset.columns.items())
    shown = SHOWN_COLUMNS if len(columns) > SHOWN_COLUMNS + 1 else len(columns)  # "1 other" would hide a name
    rest = columns[shown:]
    others = [(f"{len(rest)} other columns", sum(size for _, size in rest))] if rest else []
    footers = [("footers" if dataset.parts > 1 else "footer", dataset.footer_bytes)]
    amounts = columns[:shown] + others + footers
    largest = max(size for _, size in amounts)
    return [
        ColumnBar(
            label=label,
            size_bytes=size,
            share=size / dataset.parquet_bytes if dataset.parquet_bytes else 0.0,
            percent=percent_of(size, largest),
            is_column=index < shown,
        )
        for index, (label, size) in enumerate(amounts)
    ]


@dataclass(frozen=True, kw_only=True)
class TimeScale:
    """A logarithmic axis of seconds between two landmarks."""

    first_s: float
    last_s: float

    def percent(self, seconds: float) -> float:
        """Place of a time on the axis, 0 to 100; a time before the first landmark is at 0."""
        if seconds <= self.first_s:
            return 0.0
        span = math.log(self.last_s / self.first_s)
        return round(min(100 * math.log(seconds / self.first_s) / span, 100), 3)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Place and name of each landmark on the axis; the name is empty if the previous one is too near."""
        ticks: list[tuple[float, str]] = []
        named_at = -math.inf
        for seconds, name in _LANDMARKS:
            if self.first_s <= seconds <= self.last_s:
                at = self.percent(seconds)
                is_clear = at - named_at >= _TICK_NAME_PERCENT
                named_at = at if is_clear else named_at
                ticks.append((at, name if is_clear else ""))
        return ticks


def time_scale(report: SizeReport) -> TimeScale:
    """The scale that both directions and all datasets share; it starts and ends at landmarks."""
    rows: Sequence[Sizes] = [*report.datasets, report.total]
    transfers = [sizes.transfer(rate) for sizes in rows for rate in (report.up, report.down)]
    times = [seconds for transfer in transfers for seconds in _both(transfer)]
    landmarks = [s for s, _ in _LANDMARKS]
    first = max((s for s in landmarks[:-1] if s <= min(times)), default=landmarks[0])
    last = min((s for s in landmarks[1:] if s >= max(times) and s > first), default=landmarks[-1])
    return TimeScale(first_s=first, last_s=last)


def _both(transfer: Transfer) -> tuple[float, float]:
    return transfer.before_s, transfer.after_s

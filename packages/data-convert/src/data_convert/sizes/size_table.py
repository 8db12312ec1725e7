"""The size report as a table for a terminal, in one line per dataset where it is wide enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from data_convert.sizes.size_report import SizeReport, Sizes, UnconvertedDataset
from data_convert.sizes.transfer import UNITS_NOTE, Rate, duration_text, ratio_text, size_text

_ARROW: Final = "→"


@dataclass(frozen=True, kw_only=True)
class SizeTable:
    """A rich renderable; times go on two lines where one would not fit."""

    report: SizeReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.report.datasets:
            wide = _table(self.report, is_wide=True)
            natural = Measurement.get(console, options.update(max_width=1000), wide).maximum
            yield wide if natural <= options.max_width else _table(self.report, is_wide=False)
            yield Text(f"Upload at {self.report.up}, download at {self.report.down}. {UNITS_NOTE}", style="dim")
        for dataset in self.report.unconverted:
            yield _unconverted(dataset)
        for present in self.report.datasets:
            if present.strangers:
                yield Text(f"{present.name}: {strangers_text(present.strangers)}", style="yellow")


def strangers_text(count: int) -> str:
    """What is to be said of Parquet files that are not parts."""
    files, were = ("file", "was") if count == 1 else ("files", "were")
    return f"{count:,} Parquet {files} there {were} not written by this tool, or damaged; not counted."


def _table(report: SizeReport, *, is_wide: bool) -> Table:
    joint = f" {_ARROW} " if is_wide else f"\n{_ARROW} "
    table = Table(box=SIMPLE_HEAD, padding=(0, 1 if is_wide else 0, 0, 0), pad_edge=False)
    table.add_column("dataset", min_width=10, overflow="fold", vertical="top")
    for heading in ("raw", "Parquet", "ratio", "rows", "rejects"):
        table.add_column(heading, justify="right", overflow="fold", no_wrap=is_wide)
    for heading in ("upload", "download"):
        table.add_column(f"{heading}\nbefore{joint}after", justify="right", overflow="fold", no_wrap=is_wide)
    for dataset in report.datasets:
        table.add_row(Text(dataset.name), *_cells(dataset, report, joint))
    if len(report.datasets) > 1:
        table.add_section()
        table.add_row(Text("total"), *_cells(report.total, report, joint), style="bold")
    return table


def _cells(sizes: Sizes, report: SizeReport, joint: str) -> list[Text]:
    return [
        Text(size_text(sizes.raw_bytes)),
        Text(size_text(sizes.parquet_bytes), style="green"),
        Text(ratio_text(sizes.ratio), style="bold"),
        Text(f"{sizes.rows:,}"),
        Text(f"{sizes.rejects:,}", style="yellow" if sizes.rejects else "dim"),
        _times(sizes, report.up, joint),
        _times(sizes, report.down, joint),
    ]


def _times(sizes: Sizes, rate: Rate, joint: str) -> Text:
    transfer = sizes.transfer(rate)
    return Text.assemble(duration_text(transfer.before_s), joint, (duration_text(transfer.after_s), "green"))


def _unconverted(dataset: UnconvertedDataset) -> Text:
    lines = [f"{dataset.name}: not converted yet. Run", *(f"  {command}" for command in dataset.commands)]
    if dataset.strangers:
        lines.append(f"  {strangers_text(dataset.strangers)}")
    return Text("\n".join(lines))

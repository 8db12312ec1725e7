"""The size report as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data_convert.sizes.size_report import SizeReport, Sizes, UnconvertedDataset
from terminal import UNITS_NOTE, Column, Rate, count_text, duration_text, ratio_text, size_text, table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

_SHOWN_FINDINGS: Final = 20
_LARGE_FOOTERS: Final = 0.1
_SMALL_READ: Final = 0.9
_HEADINGS: Final = ("raw", "Parquet", "ratio", "rows", "rejects", "upload", "download")
_TIMES: Final = 5
"""The place of the first heading that is a time."""
_HEADING_WIDTH: Final = max(map(len, _HEADINGS)) + 2


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A line of the table."""

    name: str
    cells: tuple[str | Text, ...]
    is_total: bool = False


def size_table(report: SizeReport) -> list[RenderableType]:
    """A table of all datasets with their total, the rates, and what is missing; one item after the other.

    Times are on two lines, before and after the conversion: so the longest figures fit 80 columns. In a narrower
    terminal, the table is divided.
    """
    parts: list[RenderableType] = []
    if report.datasets:
        parts.append(_SizeTable(report))
        parts.append(f"Upload at {report.up}, download at {report.down}, with raw files → with Parquet.\n{UNITS_NOTE}")
    parts += [*_reads(report), *footer_lines(report)]
    parts += [_unconverted_text(dataset) for dataset in report.unconverted]
    parts += [
        f"{dataset.name}: {foreign_files_text(dataset.foreign_files)}"
        for dataset in report.datasets
        if dataset.foreign_files
    ]
    return parts


def _reads(report: SizeReport) -> Iterator[RenderableType]:
    """What a reader fetches for one value of a key, where that is a small part of the file."""
    rows = [
        (dataset.name, read.key, *map(size_text, (read.part_bytes, read.fetched_bytes, read.row_group_bytes)))
        for dataset in report.datasets
        for read in dataset.reads
        if read.fetched_bytes <= _SMALL_READ * read.part_bytes
    ]
    if rows:
        headings = ("largest part", "with index", "without")
        columns = [Column(heading="dataset"), Column(heading="key")]
        yield table([*columns, *(Column(heading=heading, align="right") for heading in headings)], rows)
        yield "What is fetched for one value of a key, with Parquet's page indexes and without."


def footer_lines(report: SizeReport) -> list[str]:
    """The datasets whose parts are so small that their footers count."""
    return [
        f"{dataset.name}: {dataset.footer_share:.0%} of its Parquet are footers, because its parts are small; `parts`"
        " in datasets.toml makes large parts of many files."
        for dataset in report.datasets
        if dataset.footer_share >= _LARGE_FOOTERS and dataset.parts > 1
    ]


def finding_lines(report: SizeReport) -> list[str]:
    """The signs that data are missing, the first ones of each dataset."""
    lines = []
    for dataset in report.datasets:
        lines += [f"{dataset.name}: {finding}" for finding in dataset.findings[:_SHOWN_FINDINGS]]
        if (more := len(dataset.findings) - _SHOWN_FINDINGS) > 0:
            lines.append(f"{dataset.name}: {more} more; `invoke data.report --json` has all of them.")
    return lines


def foreign_files_text(count: int) -> str:
    """The remark on Parquet files that are not parts."""
    verb = "was" if count == 1 else "were"
    return (
        f"{count_text(count, 'Parquet file')} in its folder {verb} not written by this tool or"
        f" {'is' if count == 1 else 'are'} damaged; not counted."
    )


@dataclass(frozen=True)
class _SizeTable:
    """The figures in the first of several layouts that fits the width without cutting a name or a unit."""

    report: SizeReport

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table or tables, or a block of lines for each dataset."""
        from rich.console import Console
        from rich.measure import Measurement

        # A measurement in the user's console is never wider than that console.
        wide = Console(width=1000)
        rows = _rows(self.report)
        for tables in (_one_table(rows, 1), _one_table(rows, 0), _two_tables(rows)):
            if all(Measurement.get(wide, wide.options, item).maximum <= options.max_width for item in tables):
                yield tables[0]
                for item in tables[1:]:
                    yield ""
                    yield item
                return
        yield from (_block(row) for row in rows)


def _rows(report: SizeReport) -> list[_Row]:
    rows = [_Row(name=dataset.name, cells=tuple(_cells(dataset, report))) for dataset in report.datasets]
    if len(rows) > 1:
        rows.append(_Row(name="total", cells=tuple(_cells(report.total, report)), is_total=True))
    return rows


def _one_table(rows: Sequence[_Row], padding: int) -> list[Table]:
    """Without padding, the longest figures fit 80 columns; the lines between columns still separate them."""
    return [_table(rows, range(len(_HEADINGS)), padding)]


def _two_tables(rows: Sequence[_Row]) -> list[Table]:
    """The sizes, and below them the times, which are as wide as the sizes."""
    return [_table(rows, range(_TIMES), 0), _table(rows, range(_TIMES, len(_HEADINGS)), 0)]


def _table(rows: Sequence[_Row], places: range, padding: int) -> Table:
    columns = [Column(heading="dataset"), *(Column(heading=_HEADINGS[place], align="right") for place in places)]
    shown = [(row.name, *(row.cells[place] for place in places)) for row in rows]
    total = shown.pop() if rows[-1].is_total else None
    made = table(columns, shown, footer=total)
    made.padding = (0, padding, 0, 0)
    return made


def _block(row: _Row) -> Text:
    from rich.text import Text

    text = Text(row.name, style="bold" if row.is_total else "")
    for heading, cell in zip(_HEADINGS, row.cells, strict=True):
        value = cell if isinstance(cell, str) else cell.plain.replace("\n", " ")
        text.append(f"\n  {heading:<{_HEADING_WIDTH}}{value}")
    return text


def _cells(sizes: Sizes, report: SizeReport) -> Iterator[str | Text]:
    yield size_text(sizes.raw_bytes)
    yield size_text(sizes.parquet_bytes)
    yield ratio_text(sizes.ratio)
    yield f"{sizes.rows:,}"
    yield f"{sizes.rejects:,}"
    yield _times(sizes, report.up)
    yield _times(sizes, report.down)


def _times(sizes: Sizes, rate: Rate) -> Text:
    from rich.text import Text

    transfer = sizes.transfer(rate)
    return Text.assemble(duration_text(transfer.before_s), "\n→ ", (duration_text(transfer.after_s), "green"))


def _unconverted_text(dataset: UnconvertedDataset) -> str:
    lines = [f"{dataset.name}: not converted yet. Run", *(f"  {command}" for command in dataset.commands)]
    if dataset.foreign_files:
        lines.append(f"  {foreign_files_text(dataset.foreign_files)}")
    return "\n".join(lines)

"""Shows an inspection on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.dataset_inspection import Inspection
from data_convert.spec import Dialect

_TEXT_LIMIT: Final = 80
_FIGURES_WIDTH: Final = 5 + 8 + 8 + 8 + 7
"""Nulls, distinct, CSV and Parquet, and the gaps between columns."""

_DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_ROWS: Final = re.compile(r"( in [0-9,]+ rows?| \([0-9,]+ rows?\))")
_QUOTES: Final = {'"': "double quotes", "'": "single quotes", None: "no quotes"}


@dataclass(frozen=True)
class InspectionTable:
    """A summary, a row per column as wide as the terminal, and below it what to look at."""

    inspection: Inspection

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The parts, from top to bottom."""
        inspection = self.inspection
        yield Text(_summary(inspection))
        yield Text(_dialect(inspection.dialect))
        yield from (_item(note, "yellow") for note in inspection.notes)
        yield _columns(inspection, options.max_width)
        if warnings := list(_warnings(inspection)):
            yield Text("Look at:")
            yield from (_item(warning, "yellow") for warning in warnings)
        if worth := _worth_dropping(inspection):
            yield Text("Perhaps worth dropping:")
            yield from (_item(line, "cyan") for line in worth)
        if inspection.parquet_share < 1:
            share = f"{inspection.parquet_share:.1%}"
            yield Text(f"Parquet sizes: scaled up from the first {share} of the rows, which were encoded.", "dim")


def _summary(inspection: Inspection) -> str:
    files = f"{len(inspection.files):,} file{'s' if len(inspection.files) != 1 else ''}"
    raw, made = inspection.raw_bytes, inspection.parquet_bytes
    ratio = f", {raw / made:,.1f} times smaller" if made else ""
    return (
        f"{inspection.folder}: {files}, {inspection.rows:,} rows, {len(inspection.columns):,} columns;"
        f" {size_text(raw)} raw, about {size_text(made)} as Parquet{ratio}"
    )


def _dialect(dialect: Dialect) -> str:
    header = "with a header" if dialect.header else "no header"
    delimiter = _DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))
    quote = _QUOTES.get(dialect.quote, repr(dialect.quote))
    skipped = f", first {dialect.skip_lines} lines skipped" if dialect.skip_lines else ""
    return f"{dialect.encoding}, {header}, {delimiter}, {quote}{skipped}"


def _item(text: str, style: str) -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, 2))


def _columns(inspection: Inspection, width: int) -> Table:
    type_width = max(len(_type(column)) for column in inspection.columns)
    spare = max(width - type_width - _FIGURES_WIDTH, 36)
    name_width = min(spare * 2 // 5, max(6, *(len(column.name) for column in inspection.columns)))
    value_width = min((spare - name_width) // 2, 40)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("column", overflow="ellipsis", no_wrap=True, max_width=name_width)
    table.add_column("type", no_wrap=True)
    table.add_column("nulls", justify="right", no_wrap=True)
    table.add_column("distinct", justify="right", no_wrap=True)
    table.add_column("min", overflow="ellipsis", no_wrap=True, max_width=value_width)
    table.add_column("max", overflow="ellipsis", no_wrap=True, max_width=value_width)
    table.add_column("CSV", justify="right", no_wrap=True)
    table.add_column("Parquet", justify="right", no_wrap=True)
    for column in inspection.columns:
        table.add_row(*_cells(column, inspection.rows), style=_style(column))
    return table


def _cells(column: ColumnInspection, rows: int) -> Iterator[Text]:
    yield Text(_printable(column.name))
    yield Text(_type(column))
    yield Text(_share(column.null_rows, rows))
    yield Text(f"{column.distinct:,}" if column.is_distinct_exact else f">{column.distinct:,}")
    for value in (column.minimum, column.maximum):
        yield Text(_printable(value or ""))
    yield Text(size_text(column.csv_bytes))
    yield Text(size_text(column.parquet_bytes))


def _type(column: ColumnInspection) -> str:
    return column.type + (" !" if column.warnings else "")


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text[:_TEXT_LIMIT])


def _style(column: ColumnInspection) -> str:
    return "dim" if column.is_empty or column.is_constant or column.duplicate_of else ""


def _share(part: int, whole: int) -> str:
    if part in (0, whole):
        return "all" if part else "0"
    return f"{min(max(part / whole, 0.001), 0.999):.1%}"


def _warnings(inspection: Inspection) -> Iterator[str]:
    """One line per warning; what is said of many columns is said once."""
    said: dict[str, list[tuple[str, str]]] = {}
    for column in inspection.columns:
        for warning in column.warnings:
            said.setdefault(_ROWS.sub("", warning), []).append((_printable(column.name), warning))
    for gist, cases in said.items():
        names = [name for name, _ in cases]
        yield f"{', '.join(names)}: {gist if len(cases) > 1 else cases[0][1]}"


def _worth_dropping(inspection: Inspection) -> list[str]:
    columns = inspection.columns
    empty = [_printable(column.name) for column in columns if column.is_empty]
    constant = [
        f"{_printable(column.name)} ({(column.minimum or '')[:30]!r})" for column in columns if column.is_constant
    ]
    lines = [f"empty in every row: {', '.join(empty)}"] if empty else []
    lines += [f"one value in every row: {', '.join(constant)}"] if constant else []
    for twin in dict.fromkeys(column.duplicate_of for column in columns if column.duplicate_of):
        again = [_printable(column.name) for column in columns if column.duplicate_of == twin]
        lines.append(f"{_printable(twin)} again in every row: {', '.join(again)}")
    return lines


def size_text(size_bytes: int) -> str:
    """In decimal units, three digits."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"

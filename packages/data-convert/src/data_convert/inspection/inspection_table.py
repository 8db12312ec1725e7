"""An inspection as a table for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from data_convert.conversion.conversion_report import comparison_text
from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.inspection_facts import Inspection
from data_convert.spec.dataset_spec import Dialect
from terminal import count_text, size_text

_TEXT_LIMIT: Final = 80
_SHORTEST: Final = 4

_HEADINGS: Final = ("column", "type", "nulls", "distinct", "min", "max", "CSV", "Parquet")
_MINIMUM, _MAXIMUM = _HEADINGS.index("min"), _HEADINGS.index("max")
_CUT: Final = (0, _MINIMUM, _MAXIMUM)
_UNCUT: Final = tuple(place for place in range(len(_HEADINGS)) if place not in _CUT)
_FIGURES: Final = tuple(place for place in _UNCUT if _HEADINGS[place] != "type")

_DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_ROWS: Final = re.compile(r"( in [0-9,]+ rows?| \([0-9,]+ rows?\))")
_QUOTES: Final = {'"': "double quotes", "'": "single quotes", None: "no quotes"}


def inspection_table(inspection: Inspection) -> RenderableType:
    """A summary, a row per column as wide as the terminal, and below it what the user should look at."""
    return _InspectionTable(inspection)


@dataclass(frozen=True)
class _InspectionTable:
    """A rich renderable, because the widths of the columns depend on the width of the terminal."""

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
        if inspection.findings:
            yield Text("Is it all there?")
            yield from (_item(str(finding), "yellow") for finding in inspection.findings)
        if inspection.proposal is not None:
            yield Text("Parts:")
            yield _item(inspection.proposal.reason, "cyan")
        if worth := _worth_dropping(inspection):
            yield Text("Perhaps worth dropping:")
            yield from (_item(line, "cyan") for line in worth)
        if inspection.parquet_share < 1:
            share = f"{inspection.parquet_share:.1%}"
            yield Text(f"Parquet sizes: scaled up from the first {share} of the rows, which were encoded.", "dim")


def _summary(inspection: Inspection) -> str:
    raw, made = inspection.raw_bytes, inspection.parquet_bytes
    ratio = f", {comparison_text(raw, made)}" if made else ""
    return (
        f"{inspection.folder}: {count_text(len(inspection.files), 'file')}, {count_text(inspection.rows, 'row')},"
        f" {count_text(len(inspection.columns), 'column')};"
        f" {size_text(raw)} raw, about {size_text(made)} as Parquet{ratio}"
    )


def _dialect(dialect: Dialect) -> str:
    header = "with a header" if dialect.header else "no header"
    delimiter = _DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))
    quote = _QUOTES.get(dialect.quote, repr(dialect.quote))
    return ", ".join([dialect.encoding, header, delimiter, quote, *_unusual(dialect)])


def _unusual(dialect: Dialect) -> Iterator[str]:
    """The keys that most dialects do not have."""
    if dialect.skip_blanks:
        yield "blanks behind delimiters skipped"
    if dialect.escape is not None:
        yield f"escaped by {dialect.escape}"
    if dialect.comment is not None:
        yield f"comments start with {dialect.comment}"
    if dialect.skip_to is not None:
        yield f"lines before the {'header' if dialect.skip_to == 'header' else 'first row'} skipped"
    if dialect.skip_lines:
        lines = "line" if dialect.skip_lines == 1 else f"{dialect.skip_lines:,} lines"
        yield f"first {lines} skipped"
    if dialect.rows_after_header:
        yield f"{count_text(dialect.rows_after_header, 'row')} behind the header skipped"
    if dialect.skip_repeated_header:
        yield "repeated headers skipped"
    if dialect.ragged != "reject":
        yield "empty cells behind the last column left out"
    if dialect.ragged == "pad":
        yield "short rows filled"


def _item(text: str, style: str) -> RenderableType:
    return Padding(Text(text, style=style), (0, 0, 0, 2))


def _columns(inspection: Inspection, width: int) -> Table:
    rows = [list(_cells(column, inspection.rows)) for column in inspection.columns]
    longest = [max(len(heading), *(len(row[place]) for row in rows)) for place, heading in enumerate(_HEADINGS)]
    # Figures are never cut, for they would lose their unit; names and values share what is left of the line.
    spare = max(width - sum(longest[place] + 1 for place in _UNCUT) - len(_CUT), 3 * _SHORTEST)
    value_widths = min(longest[_MINIMUM], longest[_MAXIMUM], 40, spare // 3)
    longest[0] = min(longest[0], spare - 2 * value_widths)
    longest[_MINIMUM] = longest[_MAXIMUM] = min(max(longest[_MINIMUM : _MAXIMUM + 1]), 40, (spare - longest[0]) // 2)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for place, heading in enumerate(_HEADINGS):
        table.add_column(
            heading,
            justify="right" if place in _FIGURES else "left",
            no_wrap=True,
            min_width=longest[place],
            max_width=longest[place],
        )
    for column, row in zip(inspection.columns, rows, strict=True):
        table.add_row(*row, style=_style(column))
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
    """One line per warning; a warning that several columns share is one line."""
    columns_by_warning: dict[str, list[tuple[str, str]]] = {}
    for column in inspection.columns:
        for warning in column.warnings:
            columns_by_warning.setdefault(_ROWS.sub("", warning), []).append((_printable(column.name), warning))
    for gist, cases in columns_by_warning.items():
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

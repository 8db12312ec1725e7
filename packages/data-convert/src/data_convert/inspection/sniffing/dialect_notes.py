"""What a person should know about an inferred dialect, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from data_convert.inspection.sniffing.encodings import FALLBACKS, SURE, GuessedEncoding
from data_convert.inspection.sniffing.sample_rows import Sample, is_comment
from data_convert.inspection.sniffing.table_layout import TableLayout

if TYPE_CHECKING:
    from data_convert.inspection.dialects import SniffedDialect


def guessed_encoding_note(guess: GuessedEncoding) -> Iterator[str]:
    """What to know about an encoding that the letters speak for."""
    if guess.name.startswith("utf-") or guess.sureness == 1:
        return
    if guess.name in FALLBACKS:
        yield encoding_note(guess.name)
    elif guess.sureness >= SURE:
        yield (
            f"the text is not UTF-8 and is read as {guess.name} by its letters, such as {guess.word[0]!r}"
            f" (sure to {guess.sureness:.0%}). If they are wrong, fix `dialect.encoding`."
        )
    else:
        shown = f" or {guess.rival} ({guess.word[1]!r})" if guess.rival else ""
        yield (
            f"the text is not UTF-8: is it {guess.name} ({guess.word[0]!r}){shown}? It is read as {guess.name}, which"
            " is a guess: look at these letters, and fix `dialect.encoding` if they are wrong."
        )


def encoding_note(encoding: str) -> str:
    """The note on an encoding that was chosen only because the text is not UTF-8."""
    return (
        f"the text is not UTF-8 and is read as {encoding}, which is a guess:"
        " look at some accented letters, and fix `dialect.encoding` if they are wrong."
    )


def dialect_notes(sample: Sample, found: SniffedDialect, layout: TableLayout) -> Iterator[str]:
    """What to know about the dialect."""
    dialect = found.dialect
    names_line = found.names and layout.header is not None
    titles = found.skipped[: -1 if names_line else None]
    if any(line.strip() for line in titles):
        shown = " / ".join(line.strip()[:60] for line in titles if line.strip())
        lines = "line" if len(titles) == 1 else f"{len(titles)} lines"
        yield (f"the first {lines} of each file will be skipped, since the table begins behind: {shown[:200]}")
    yield from _header_notes(found, layout)
    if dialect.comment is not None:
        count = sum(is_comment(line, dialect) for line in sample.lines)
        yield f"lines that start with {dialect.comment!r} are comments and no rows, such as {count} in the sample."
    if dialect.escape is not None:
        yield f"{dialect.escape!r} makes the next character literal, as in {_escaped(sample)!r}."
    if dialect.skip_blanks:
        yield "blanks behind the delimiters are not part of the cells."
    if found.width == 1 and _is_aligned(sample):
        yield "several spaces stand inside of most lines: a fixed-width file needs another tool."
    if dialect.delimiter == " " and re.search(r"\S {2,}\S", sample.text):
        yield "several spaces separate values, and each space ends a cell; a fixed-width file needs another tool."
    elif dialect.delimiter == " " and not layout.is_sure:
        yield (
            f"each line has {found.width} words, which become {found.width} columns. If they are one value, declare"
            ' another delimiter, such as dialect = { delimiter = "," }.'
        )


def _header_notes(found: SniffedDialect, layout: TableLayout) -> Iterator[str]:
    if found.names and layout.header is not None:
        yield _width_note(found, layout)
    elif found.names:
        yield "the names of the columns are taken from the last comment before the table."
    elif not found.dialect.header:
        yield "no header: the first row looks like data. Name the columns in data/datasets.toml."
    if found.units and found.dialect.rows_after_header:
        shown = ", ".join(repr(cell) for cell in found.units[:6])
        count = found.dialect.rows_after_header
        yield (
            f"{'the row' if count == 1 else f'the {count} rows'} behind the header describe{'s' if count == 1 else ''}"
            f" the columns ({shown}{', …' if len(found.units) > 6 else ''}) and will be skipped;"
            " the texts are kept as units. If it is data, remove `rows_after_header`."
        )


def _width_note(found: SniffedDialect, layout: TableLayout) -> str:
    cells = list(layout.header.cells) if layout.header else []
    given, width = len(cells), found.width
    if given > width:
        extra = [cell for cell in cells[width:] if cell.strip()]
        unused = f"; no row has {', '.join(map(repr, extra))}" if extra else ""
        difference = f"more than the {width} of the rows{unused}"
    else:
        unnamed = [f"column_{place}" for place, name in enumerate(found.names, 1) if not name]
        difference = f"fewer than the {width} of the rows; {', '.join(unnamed)} has no name"
    return (
        f"the header has {given} cells, {difference}. The header line is skipped and its names are declared in the"
        " order of the columns; check that each one stands above its values."
    )


def _is_aligned(sample: Sample) -> bool:
    lines = [line for line in sample.lines if line.strip()]
    return sum(bool(re.search(r"\S {2,}\S", line)) for line in lines) * 2 > len(lines) > 1


def _escaped(sample: Sample) -> str:
    line = next((line for line in sample.lines if re.search(r'\\["\',;|\t]', line)), "").strip()
    place = line.find("\\")
    return line[max(0, place - 15) : place + 15]

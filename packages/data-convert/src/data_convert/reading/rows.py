"""Reads a block record by record: the definition of what a row is, for each dialect.

The fast parser reads only blocks on which both agree. Dialects of RFC 4180 are read by the standard library, the
others by the patterns of `grammar`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from data_convert.reading.grammar import (
    LINE_END,
    blank_line_pattern,
    cell_pattern,
    comment_pattern,
    escapes_pattern,
    is_classic,
)
from data_convert.reading.records import Block
from data_convert.spec.dataset_spec import Dialect

# The default of 128 kB is smaller than cells that the fast parser accepts.
csv.field_size_limit(2**31 - 1)

# The reasons are written to rejects files: another wording needs another provenance.FORMAT.
NEVER_CLOSED: Final = "a quote is opened that is never closed"
BEHIND_A_QUOTE: Final = "text stands behind a closing quote"
NOTHING_ESCAPED: Final = "nothing follows the escape character"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One record.

    Attributes:
        line: Physical line on which it starts, from 1.
        cells: Its cells; bytes that were not valid in the file's encoding are surrogates.
        raw: Its text without the line end.
        fault: Why its cells are not reliable, or None.
    """

    line: int
    cells: Sequence[str]
    raw: str
    fault: str | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row, a comment or a blank line.

    Attributes:
        line: Physical line on which it starts, from 1.
        text: Its text with the line end.
        cells: Its cells; None for a comment and a blank line.
        fault: Why its cells are not reliable, or None.
        is_comment: Whether it is a comment.
    """

    line: int
    text: str
    cells: Sequence[str] | None
    fault: str | None = None
    is_comment: bool = False

    @property
    def row(self) -> Row | None:
        """The row, if it is one."""
        return None if self.cells is None else self._row(self.cells)

    def row_of(self, columns: int) -> Row | None:
        """The row, if it is one in a table of that many columns: a blank line is a row only of a single column."""
        return self._row([""]) if self.cells is None and columns == 1 and not self.is_comment else self.row

    def _row(self, cells: Sequence[str]) -> Row:
        return Row(line=self.line, cells=cells, raw=_bare(self.text), fault=self.fault)


def read_rows(block: Block, dialect: Dialect, *, columns: int) -> Iterator[Row]:
    """The rows of the block, without comments. A blank line is a row only if there is a single column."""
    for record in read_records(block, dialect):
        if (row := record.row_of(columns)) is not None:
            yield row


def split_header(block: Block, dialect: Dialect) -> tuple[Row | None, Block]:
    """Separate the first row that is not blank from its block."""
    size = lines = 0
    for record in read_records(block, dialect):
        size += len(record.text.encode("utf-8", errors="surrogateescape"))
        lines += line_count(record.text)
        if record.row is not None:
            rest = Block(text=block.text[size:], first_line=block.first_line + lines, quoting=block.quoting)
            return record.row, rest
    return None, block


def read_records(block: Block, dialect: Dialect) -> Iterator[Record]:
    """All records of the block; joined, their texts are its text."""
    return _classic_records(block, dialect) if is_classic(dialect) else _other_records(block, dialect)


def line_count(text: str) -> int:
    """How many lines the text has, the last of which may have no line end."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (not text.endswith(("\n", "\r")) and text != "")


def _bare(raw: str) -> str:
    """The text of a row without its line end; a quote that is never closed may leave other line ends inside."""
    if raw.endswith("\r\n"):
        return raw[:-2]
    return raw[:-1] if raw.endswith(("\n", "\r")) else raw


def csv_format(dialect: Dialect) -> dict[str, Any]:
    """The dialect as keyword arguments of the csv module."""
    if dialect.quote is None:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, "doublequote": True}


def _classic_records(block: Block, dialect: Dialect) -> Iterator[Record]:
    lines = _Tape(block.text)
    whole = _row_pattern(dialect)
    line = block.first_line
    for cells in csv.reader(lines, **csv_format(dialect)):
        text, count = lines.taken()
        yield Record(line=line, text=text, cells=cells or None, fault=_fault(text, whole, dialect))
        line += count


class _Tape:
    """Physical lines, remembered until the row that they form is complete."""

    def __init__(self, text: bytes) -> None:
        self._lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", errors="surrogateescape", newline="")
        self._since: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._since.append(line)
            yield line

    def taken(self) -> tuple[str, int]:
        """The text that was read since the previous call, and its number of lines."""
        raw, count = "".join(self._since), len(self._since)
        self._since.clear()
        return raw, count


def _row_pattern(dialect: Dialect) -> re.Pattern[str] | None:
    if dialect.quote is None:
        return None
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    cell = f"(?:{quote}(?:[^{quote}]|{quote}{quote})*{quote}|(?!{quote})[^{delimiter}\r\n]*)"
    return re.compile(f"{cell}(?:{delimiter}{cell})*(?:\r\n|\r|\n)?")


def _fault(raw: str, whole: re.Pattern[str] | None, dialect: Dialect) -> str | None:
    if whole is None or dialect.quote is None or dialect.quote not in raw or whole.fullmatch(raw):
        return None
    return NEVER_CLOSED if raw.count(dialect.quote) % 2 else BEHIND_A_QUOTE


def _other_records(block: Block, dialect: Dialect) -> Iterator[Record]:
    text = block.text.decode("utf-8", errors="surrogateescape")
    place, line = 0, block.first_line
    while place < len(text):
        record = _record_at(text, place, line, dialect)
        yield record
        place += len(record.text)
        line += line_count(record.text)


def _record_at(text: str, place: int, line: int, dialect: Dialect) -> Record:
    comment = comment_pattern(dialect)
    if comment is not None and (match := comment.match(text, place)):
        return Record(line=line, text=match[0], cells=None, is_comment=True)
    if match := blank_line_pattern(dialect).match(text, place):
        return Record(line=line, text=match[0], cells=None)
    match = LINE_END.search(text, place)
    end, after = (match.start(), match.end()) if match else (len(text), len(text))
    plain = text[place:end]
    if any(mark in plain for mark in (dialect.quote, dialect.escape) if mark is not None):
        return _marked_record(text, place, line, dialect)
    cells = plain.split(dialect.delimiter)
    if dialect.skip_blanks:
        cells = [cell.lstrip(" ") for cell in cells]
    return Record(line=line, text=text[place:after], cells=cells)


def _marked_record(text: str, start: int, line: int, dialect: Dialect) -> Record:
    """The record at `start`, which has quotes or escape characters."""
    cells: list[str] = []
    faults: list[str] = []
    for match in cell_pattern(dialect).finditer(text, start):
        cells.append(_cell(match, dialect, faults))
        if match["end"] != dialect.delimiter:
            break
    return Record(line=line, text=text[start : match.end()], cells=cells, fault=faults[0] if faults else None)


def _cell(match: re.Match[str], dialect: Dialect, faults: list[str]) -> str:
    """The text of a cell; what is wrong with it is added to the list."""
    quoted, rest, escape = match["quoted"], match["rest"], dialect.escape
    if quoted is not None and not match["close"]:
        faults.append(NEVER_CLOSED)
    elif quoted is not None and rest:
        faults.append(BEHIND_A_QUOTE)
    elif escape is not None and (len(rest) - len(rest.rstrip(escape))) % 2:
        faults.append(NOTHING_ESCAPED)
    return _literal(quoted or "", dialect, with_doubled=True) + _literal(rest, dialect, with_doubled=False)


def _literal(text: str, dialect: Dialect, *, with_doubled: bool) -> str:
    """The text without the characters that make others literal."""
    if dialect.escape is None:
        return text.replace(dialect.quote * 2, dialect.quote) if with_doubled and dialect.quote else text
    if dialect.escape not in text and not with_doubled:
        return text
    pattern = escapes_pattern(dialect if with_doubled else replace(dialect, quote=None))
    return pattern.sub(lambda match: match[match.lastindex or 0], text)

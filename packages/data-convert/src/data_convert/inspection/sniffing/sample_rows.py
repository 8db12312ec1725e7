"""Divides the beginning of a text into rows, in any dialect that may be inferred."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from data_convert.spec.dataset_spec import Dialect

_SAMPLE_CHARACTERS: Final = 96 << 10
_SAMPLE_LINES: Final = 24
"""A sample has so many lines at least, however long they are."""

_SAMPLE_ROWS: Final = 1000

# Stands for a delimiter of several characters while the csv module, which accepts only one, divides a text.
_STAND_IN: Final = "\ue000"


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """One record of the sample.

    Attributes:
        first_line: Physical line on which it starts, from 1.
        last_line: Physical line on which it ends.
        cells: Its cells; a blank line has none.
        is_faulty: Whether a quote is not closed, or text follows a closing quote.
    """

    first_line: int
    last_line: int
    cells: Sequence[str]
    is_faulty: bool

    @cached_property
    def filled(self) -> int:
        """Number of cells that are not blank."""
        return sum(1 for cell in self.cells if cell and not cell.isspace())


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The first lines of a text, with their line ends.

    Attributes:
        is_whole: Whether the text ends with them.
        first_line: Physical number of the first of them.
    """

    lines: Sequence[str]
    is_whole: bool
    text: str = field(repr=False)
    first_line: int = 1

    @classmethod
    def of(cls, text: str, *, is_whole: bool) -> Sample:
        """The complete lines at the beginning of a text: about 96 KiB, and 24 lines at least."""
        lines = io.StringIO(text, newline="").readlines()
        if len(lines) > 1 and not is_whole:
            lines.pop()
        size = itertools.accumulate(map(len, lines))
        kept = max(_SAMPLE_LINES, sum(1 for _ in itertools.takewhile(lambda total: total <= _SAMPLE_CHARACTERS, size)))
        return cls(lines=lines[:kept], is_whole=is_whole and len(lines) <= kept, text="".join(lines[:kept]))

    def without_first_line(self) -> Sample:
        """The sample from its second line on."""
        lines = self.lines[1:]
        return Sample(lines=lines, is_whole=self.is_whole, text="".join(lines), first_line=self.first_line + 1)

    def rows(self, dialect: Dialect) -> list[SampleRow]:
        """The records in a dialect, comments left out. What is skipped before a table is not."""
        places = [place for place, line in enumerate(self.lines) if not is_comment(line, dialect)]
        lines = [self.lines[place].replace(dialect.delimiter, _delimiter(dialect)) for place in places]
        rows = list(
            itertools.islice(_records(lines, [self.first_line + place for place in places], dialect), _SAMPLE_ROWS)
        )
        # The last record of a part of a text may go on behind it.
        return rows[:-1] if rows and rows[-1].is_faulty and not self.is_whole else rows


def is_comment(line: str, dialect: Dialect) -> bool:
    """Whether a line is a comment in this dialect."""
    text = line.lstrip(" ") if dialect.skip_blanks else line
    return dialect.comment is not None and text.startswith(dialect.comment)


def _delimiter(dialect: Dialect) -> str:
    return dialect.delimiter if len(dialect.delimiter) == 1 else _STAND_IN


def _records(lines: Sequence[str], numbers: Sequence[int], dialect: Dialect) -> Iterator[SampleRow]:
    whole = _record_pattern(dialect) if dialect.quote else None
    reader = csv.reader(lines, **_csv_format(dialect))
    start = 0
    for cells in reader:
        end = reader.line_num
        raw = "".join(lines[start:end])
        yield SampleRow(
            first_line=numbers[start],
            last_line=numbers[end - 1],
            cells=[cell.replace(_STAND_IN, dialect.delimiter) for cell in cells] if _STAND_IN in raw else cells,
            is_faulty=whole is not None and (dialect.quote or "") in raw and not whole.fullmatch(raw),
        )
        start = end


def _csv_format(dialect: Dialect) -> dict[str, Any]:
    common: dict[str, Any] = {
        "delimiter": _delimiter(dialect),
        "escapechar": dialect.escape,
        "skipinitialspace": dialect.skip_blanks,
    }
    if dialect.quote is None:
        return {**common, "quoting": csv.QUOTE_NONE}
    return {**common, "quotechar": dialect.quote, "doublequote": True}


def _record_pattern(dialect: Dialect) -> re.Pattern[str]:
    quote, delimiter = re.escape(dialect.quote or '"'), re.escape(_delimiter(dialect))
    escape = re.escape(dialect.escape or "")
    escaped = f"|{escape}." if escape else ""
    blanks = " *" if dialect.skip_blanks else ""
    cell = (
        f"{blanks}(?:{quote}(?:[^{quote}{escape}]|{quote}{quote}{escaped})*+{quote}"
        f"|(?!{quote})(?:[^{delimiter}{escape}\r\n]{escaped})*+)"
    )
    return re.compile(f"{cell}(?:{delimiter}{cell})*(?:\r\n|\r|\n)?", re.DOTALL)

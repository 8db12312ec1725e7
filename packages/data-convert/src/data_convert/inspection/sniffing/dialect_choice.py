"""Chooses the dialect in which a sample looks most like a table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from data_convert.inspection.sniffing.cell_kinds import Kind, kind, likelihood
from data_convert.inspection.sniffing.dialect_candidates import COMMON_DELIMITERS, delimiters, dialects
from data_convert.inspection.sniffing.headers import are_names
from data_convert.inspection.sniffing.sample_rows import Sample, SampleRow
from data_convert.inspection.sniffing.table_layout import TableLayout, table_layout
from data_convert.spec.dataset_spec import Dialect

_ONE_COLUMN: Final = 0.3
"""How much a table of one column is worth; n columns are worth (n - 1) / n."""

_TRUST: Final = {":": 0.5, " ": 0.95}
"""How much a delimiter is trusted if not completely: these characters also occur inside of values."""

_UNUSED_DELIMITERS: Final = (",", "\t", ";", "|", "\x1f", "\x1e", "\x01")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The sample as read in one dialect."""

    dialect: Dialect
    rows: Sequence[SampleRow]
    layout: TableLayout

    @classmethod
    def of(cls, sample: Sample, dialect: Dialect) -> Reading | None:
        """None if there is no row."""
        rows = sample.rows(dialect)
        layout = table_layout(rows)
        return None if layout is None else cls(dialect=dialect, rows=rows, layout=layout)

    @cached_property
    def fault_share(self) -> float:
        """Share of the rows that have a fault in their quotes."""
        return sum(row.is_faulty for row in self.rows) / max(1, len(self.rows))

    @cached_property
    def fit(self) -> float:
        """Share of the rows that have the width of the table."""
        layout = self.layout
        table = len(layout.fitting) + layout.repeated_headers + (layout.header is not None and not layout.names)
        return table / max(1, table + layout.others)

    @cached_property
    def likely(self) -> float:
        """How typical the cells are, 0 to 1."""
        rows = [row.cells for row in self.layout.fitting] or [row.cells for row in self.rows if row.cells]
        cells = Counter(cell for row in rows for cell in row)
        return sum(likelihood(cell) * count for cell, count in cells.items()) / max(1, cells.total())

    @cached_property
    def score(self) -> float:
        """How much this looks like a table."""
        width = self.layout.width
        worth = (width - 1) / width if width > 1 else _ONE_COLUMN
        # Lines before a table need a reason: values of one kind below, or several of them.
        doubt = 0.5 if self._is_doubtful else 1.0
        trust = _TRUST.get(self.dialect.delimiter, 1.0)
        return self.fit * worth * self.likely * (1 - self.fault_share) * doubt * trust

    @property
    def _is_doubtful(self) -> bool:
        layout = self.layout
        if layout.names and layout.header is not None and len(layout.header.cells) == 1:
            return self.divides_values
        titles = [row for row in self.rows if row.cells and row.last_line <= layout.skip_lines]
        if all(len(row.cells) == layout.width for row in titles):
            return False
        return not layout.is_sure or (layout.header is None and self.divides_values)

    @property
    def divides_values(self) -> bool:
        """Whether each row as a whole is one value, such as a number with a decimal comma."""
        lines = (self.dialect.delimiter.join(row.cells) for row in self.layout.fitting)
        return all(kind(line) is not Kind.WORD for line in lines)


def best_reading(sample: Sample, common: Dialect, *, delimiter: str | None = None) -> Reading | None:
    """The reading that looks most like a table; None if there is no row.

    Args:
        common: The keys that are known already.
        delimiter: The delimiter, if it is known.
    """
    if delimiter is not None:
        return _best_of(sample, delimiter, common)
    single = _one_column(sample, common)
    if single is None or _holds_json(single):
        return single
    found = [_best_of(sample, candidate, common) for candidate in delimiters(sample)]
    readings = [reading for reading in found if reading is not None and _is_plausible(reading)]
    spaced = _best_of(sample, " ", common) if " " in sample.text else None
    if spaced is not None and (_is_number_table(spaced) or _has_quoted_blanks(spaced, sample)):
        readings.append(spaced)
    named = [reading for reading in readings if _has_its_names(single, reading)]
    best = max(named or [*readings, single], key=lambda reading: reading.score)
    if best is single and spaced is not None and _is_word_table(spaced, sample):
        return spaced
    return best


def _best_of(sample: Sample, delimiter: str, common: Dialect) -> Reading | None:
    """The best way of quoting with this delimiter. Quotes mean nothing only if reading them gives faults."""
    found = [Reading.of(sample, dialect) for dialect in dialects(sample, delimiter, common)]
    readings = [reading for reading in found if reading is not None]
    if not readings:
        return None
    if _follows_blanks(readings[0]) and any(reading.dialect.skip_blanks for reading in readings):
        readings = [reading for reading in readings if reading.dialect != readings[0].dialect]
    allowed = [
        reading
        for reading in readings
        if (reading.dialect.quote is not None or not _is_clean(reading, readings))
        and _needs_its_keys(reading, readings)
    ]
    return max(allowed or readings, key=lambda reading: round(reading.score, 6))


def _is_clean(unquoted: Reading, readings: Sequence[Reading]) -> bool:
    """Whether the same dialect with quotes reads the sample without any fault."""
    quoted = [replace(unquoted.dialect, quote='"', escape=escape) for escape in (None, unquoted.dialect.escape)]
    return any(reading.fault_share == 0 for reading in readings if reading.dialect in quoted)


def _needs_its_keys(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether a dialect with more than the usual keys reads something that the usual one does not."""
    dialect, usual = reading.dialect, readings[0]
    if usual.dialect.skip_blanks:
        return dialect.escape is None or usual.fault_share > reading.fault_share or usual.fit < reading.fit
    if dialect.skip_blanks or (len(dialect.delimiter) > 1 and dialect.delimiter.endswith(" ")):
        return usual.fault_share > reading.fault_share or usual.fit < reading.fit or _follows_blanks(usual)
    if dialect.escape is not None:
        return usual.fault_share > reading.fault_share or usual.fit < reading.fit
    return True


def _follows_blanks(reading: Reading) -> bool:
    """Whether nearly every cell behind a delimiter starts with a blank."""
    rows = [row.cells for row in reading.layout.fitting]
    rows += [reading.layout.header.cells] if reading.layout.header else []
    behind = [cell for row in rows for cell in row[1:] if cell]
    return len(rows) > 1 and sum(cell[0] == " " for cell in behind) > 0.9 * len(behind)


def _one_column(sample: Sample, common: Dialect) -> Reading | None:
    """The sample as a single column: each line is a cell."""
    quoted = Reading.of(sample, replace(common, delimiter=_unused(sample)))
    if quoted is None:
        return None
    if quoted.layout.width == 1 and quoted.fault_share == 0:
        comma = Reading.of(sample, replace(common, delimiter=","))
        return comma if comma and {len(row.cells) for row in comma.rows} <= {0, 1} else quoted
    return Reading.of(sample, replace(quoted.dialect, quote=None)) or quoted


def _unused(sample: Sample) -> str:
    return next((mark for mark in _UNUSED_DELIMITERS if mark not in sample.text), _UNUSED_DELIMITERS[-1])


def _holds_json(reading: Reading) -> bool:
    """Whether most lines are complete JSON objects or lists."""
    cells = [row.cells[0] for row in reading.layout.fitting if row.cells and row.cells[0].strip()][:100]
    return bool(cells) and reading.layout.width == 1 and sum(map(_is_json, cells)) > len(cells) * 0.8


def _is_json(cell: str) -> bool:
    text = cell.strip()
    if text[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_plausible(reading: Reading) -> bool:
    delimiter = reading.dialect.delimiter
    if reading.layout.width < 2:
        return False
    if delimiter in COMMON_DELIMITERS or len(delimiter) > 1:
        return True
    return reading.fit > 0.9 and (delimiter != ":" or reading.layout.width > 3)


def _is_number_table(reading: Reading) -> bool:
    """Whether spaces part columns most of which are numbers, and do not just divide a date from a time."""
    layout = reading.layout
    if layout.width < 2 or reading.fit < 0.9 or not layout.fitting:
        return False
    kinds = [[kind(cell) for cell in row.cells] for row in layout.fitting]
    numbers = [sum(row[place] is Kind.NUMBER for row in kinds) for place in range(layout.width)]
    of_numbers = sum(count > 0.8 * len(kinds) for count in numbers)
    return of_numbers * 2 >= layout.width and not reading.divides_values


def _has_its_names(single: Reading, reading: Reading) -> bool:
    """Whether the first line is a list of names with this delimiter, and most other lines have it, too."""
    mark = reading.dialect.delimiter
    lines = [row.cells[0] for row in single.rows if len(row.cells) == 1]
    names = lines[0].split(mark) if lines else []
    is_list = len(names) > 1 and all(re.fullmatch(r'"?\w{1,32}"?', name) for name in names) and are_names(names)
    return is_list and mark.strip() != "" and sum(mark in line for line in lines[1:]) * 2 >= len(lines) - 1


def _has_quoted_blanks(reading: Reading, sample: Sample) -> bool:
    """Whether spaces make equal rows of three cells or more, and cells with spaces are quoted."""
    quote = reading.dialect.quote
    is_regular = reading.fit > 0.9 and reading.layout.width > 2 and reading.fault_share < 0.1
    return is_regular and bool(quote) and bool(re.search(rf"(^| ){quote}[^{quote}]* [^{quote}]*{quote}", sample.text))


def _is_word_table(reading: Reading, sample: Sample) -> bool:
    """Whether every line, the first one included, has equally many words and no other delimiter occurs."""
    widths = {len(row.cells) for row in reading.rows if row.cells}
    return (
        len(widths) == 1
        and widths != {1}
        and reading.layout.header is not None
        and not reading.divides_values
        and not any(mark in sample.text for mark in COMMON_DELIMITERS)
        and not re.search(r"\S {2,}\S", sample.text)
    )

"""Searches the line on which a table starts, where files have different numbers of lines before it.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.verification.raw.raw_text import RawText
from data_convert.verification.raw.row_reader import RawRecord, read_records
from data_convert.verification.values.value_rules import ValueRule, value_rule

_LINE_LIMIT: Final = 10_000
_SEARCHED_BYTES: Final = 8 << 20


@dataclass(frozen=True, kw_only=True)
class RowCheck:
    """Whether records are rows of a table.

    Attributes:
        places: The place of each kept column in a row, or None.
    """

    columns: Sequence[ColumnSpec]
    rules: Sequence[ValueRule]
    width: int
    places: Sequence[int | None]

    @classmethod
    def of(cls, spec: DatasetSpec, width: int, places: Sequence[int | None]) -> RowCheck:
        """The check for the columns of a dataset."""
        rules = [value_rule(column) for column in spec.columns]
        return cls(columns=spec.columns, rules=rules, width=width, places=places)

    def filled(self, record: RawRecord) -> list[str]:
        """The types of the stored columns that the record fills; none if any of its cells does not fit."""
        if not record.is_well_formed or len(record.cells) != self.width:
            return []
        types = []
        for column, rule, place in zip(self.columns, self.rules, self.places, strict=True):
            values = (None,) if place is None else rule(record.cells[place])
            if values is None:
                return []
            kinds = (column.type, "string")
            types += [kind for kind, value in zip(kinds, values, strict=False) if value is not None]
        return types

    def is_half_filled(self, types: Sequence[str]) -> bool:
        """Whether at least half of the stored columns are among them."""
        stored = sum(1 + (column.type == "flagged_number") for column in self.columns)
        return 2 * len(types) >= stored

    def is_lost(self, record: RawRecord) -> bool:
        """Whether a skipped record is a row for certain: it is half filled, and not with texts alone."""
        types = self.filled(record)
        return self.is_half_filled(types) and any(kind != "string" for kind in types)

    def is_row(self, record: RawRecord) -> bool:
        """The same, but in a table of texts alone, texts are enough."""
        has_texts_alone = all(column.type == "string" for column in self.columns)
        return self.is_lost(record) or (has_texts_alone and self.is_half_filled(self.filled(record)))


def lines_before_header(text: RawText, spec: DatasetSpec) -> int:
    """How many lines stand before the first record that has the declared columns, or else the most of them."""
    needed = [{c.header, *c.names} for c in spec.columns if not c.optional]
    declared = {*spec.raw_headers, *(name for c in spec.columns for name in c.names)}
    most, nearest = 0, 0
    for line, record in _records(text, spec.dialect):
        names = set(numbered_names(record.cells))
        if names <= declared and names and all(accepted & names for accepted in needed):
            return line
        if len(names & declared) > most:
            most, nearest = len(names & declared), line
    return nearest


def lines_before_row(text: RawText, spec: DatasetSpec, check: RowCheck) -> int:
    """How many lines stand before the first row, or before the first record that may be one if none is for certain."""
    unclear = None
    for line, record in _records(text, spec.dialect):
        if check.is_row(record):
            return line
        if unclear is None and check.filled(record):
            unclear = line
    return unclear or 0


def numbered_names(cells: Sequence[str]) -> list[str]:
    """The names of the header; of several equal ones, each but the first gets a number that makes it different."""
    names: dict[str, None] = {}
    numbers = dict.fromkeys(cells, 1)
    for cell in cells:
        name = cell
        while name in names or (name != cell and name in numbers):
            numbers[cell] += 1
            name = f"{cell}#{numbers[cell]}"
        names[name] = None
    return list(names)


def _records(text: RawText, dialect: Dialect) -> Iterator[tuple[int, RawRecord]]:
    """The record that starts on each of the first lines, which are not taken."""
    ahead = text.peek(_SEARCHED_BYTES).splitlines(keepends=True)
    lines = [line.decode("utf-8", text.errors) for line in ahead]
    for number in range(min(len(lines), _LINE_LIMIT)):
        rest = (lines[i] for i in range(number, len(lines)))
        record = next(read_records(rest, dialect), None)
        if record is not None and record.cells and record.is_well_formed:
            yield number, record

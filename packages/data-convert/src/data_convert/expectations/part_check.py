"""Checks all rows of a part against the expectations of its dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from data_convert.errors import ExpectationError
from data_convert.expectations.column_checks import misses
from data_convert.expectations.unique_values import Prints, UniqueValues, value_prints
from data_convert.expectations.violations import SHOWN_EXAMPLES, Example, Violation, total_violations
from data_convert.reading.block_parser import ParsedTable
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block
from data_convert.reading.rows import read_rows
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Expectations
from terminal import count_text


def expectation_count(spec: DatasetSpec) -> int:
    """How many expectations a dataset has."""
    usual = Expectations()
    kept = [column.expectations for column in spec.columns]
    keys = ("minimum", "maximum", "unique", "not_null", "one_of")
    declared = [key for expected in kept for key in keys if getattr(expected, key) != getattr(usual, key)]
    return len(declared) + (spec.rows_per_part is not None)


@dataclass(frozen=True, kw_only=True)
class BlockFindings:
    """The result of checking a block.

    Attributes:
        rows: Number of its rows.
        prints: Column -> fingerprints of its values, for columns whose values should be unique.
    """

    rows: int
    violations: Sequence[Violation] = ()
    prints: Mapping[str, Prints] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CheckedSource:
    """A source of the part: its name, and its number in the part."""

    name: str
    number: int


def check_block(
    spec: DatasetSpec, parsed: ParsedTable, block: Block, layout: RawLayout, source: CheckedSource
) -> BlockFindings:
    """Check the rows of a block; may be called from any thread."""
    table, lines = parsed.table, _RowLines(spec=spec, parsed=parsed, block=block, layout=layout)
    violations, prints = [], {}
    for column in spec.columns:
        if column.expectations == Expectations():
            continue
        values = _values(table, column)
        for found in misses(column, values):
            places = np.flatnonzero(found.rows.to_numpy(zero_copy_only=False))
            examples = [
                Example(source=source.name, line=lines.of(row), value=_text(values[row]))
                for row in places[:SHOWN_EXAMPLES].tolist()
            ]
            violations.append(
                Violation(
                    column=column.name,
                    expectation=found.expectation,
                    problem=found.problem,
                    count=len(places),
                    examples=tuple(examples),
                )
            )
        if column.expectations.unique:
            prints[column.name] = value_prints(values, source.number, lines.all())
    return BlockFindings(rows=table.num_rows, violations=violations, prints=prints)


@dataclass(kw_only=True)
class PartCheck:
    """The check of one part in progress, which takes the findings of `check_block` in the order of the blocks."""

    spec: DatasetSpec
    rows: int = 0
    _sources: list[str] = field(default_factory=list)
    _violations: list[Violation] = field(default_factory=list)
    _unique: dict[str, UniqueValues] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._unique = {column.name: UniqueValues() for column in self.spec.columns if column.expectations.unique}

    def start_source(self, name: str) -> CheckedSource:
        """Register the next source of the part."""
        self._sources.append(name)
        return CheckedSource(name=name, number=len(self._sources) - 1)

    def add(self, findings: BlockFindings) -> None:
        """Take the result of the next block."""
        self.rows += findings.rows
        self._violations = total_violations([*self._violations, *findings.violations])
        for column, prints in findings.prints.items():
            self._unique[column].add(prints)

    def finish(self, part: str) -> None:
        """Check what only the complete part shows.

        Raises:
            ExpectationError: An expectation is not met.
        """
        try:
            violations = [*self._violations, *self._repeated(), *self._wrong_rows()]
        finally:
            self.close()
        if violations:
            raise ExpectationError(self.spec.name, part, violations)

    def close(self) -> None:
        """Remove temporary files."""
        for values in self._unique.values():
            values.close()

    def _repeated(self) -> list[Violation]:
        violations = []
        for column, values in self._unique.items():
            count, pairs = values.repeated()
            if count:
                examples = [
                    Example(
                        source=f"{self._sources[pair.first.source]}:{pair.first.line} and"
                        f" {self._sources[pair.second.source]}",
                        line=pair.second.line,
                        value=None,
                    )
                    for pair in pairs
                ]
                violations.append(
                    Violation(
                        column=column,
                        expectation="unique",
                        problem="repeated",
                        count=count,
                        examples=tuple(examples),
                    )
                )
        return violations

    def _wrong_rows(self) -> list[Violation]:
        if self.spec.rows_per_part is None:
            return []
        low, high = self.spec.rows_per_part
        if low <= self.rows <= high:
            return []
        return [
            Violation(
                column=None,
                expectation=f"rows_per_part = [{low}, {high}]",
                problem=f"the part has {count_text(self.rows, 'row')}",
                count=1,
            )
        ]


def _values(table: pa.Table, column: ColumnSpec) -> pa.Array:
    chunks = table.column(column.name).combine_chunks()
    # An empty column has no chunk.
    return chunks if isinstance(chunks, pa.Array) else pa.concat_arrays(chunks.chunks or [pa.array([], chunks.type)])


def _text(value: pa.Scalar) -> str | None:
    return repr(value.as_py()) if isinstance(value.as_py(), str) else str(value.as_py()) if value.is_valid else None


@dataclass(kw_only=True)
class _RowLines:
    """The line of each row of a parsed block, found on request."""

    spec: DatasetSpec
    parsed: ParsedTable
    block: Block
    layout: RawLayout
    _lines: np.ndarray[tuple[int], np.dtype[np.uint64]] | None = None

    def of(self, row: int) -> int | None:
        return int(self.all()[row]) or None

    def all(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        """All lines; zeros if they are not known."""
        if self._lines is None:
            self._lines = self._found()
        return self._lines

    def _found(self) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        rows, text = self.parsed.table.num_rows, self.block.text
        if text.count(b"\n") == rows and b"\r" not in text.replace(b"\r\n", b""):
            return np.arange(self.block.first_line, self.block.first_line + rows, dtype=np.uint64)
        rejected = {reject.line for reject in self.parsed.rejects}
        found = read_rows(self.block, self.spec.dialect, columns=self.layout.width)
        lines = [row.line for row in found if row.line not in rejected]
        return np.array(lines if len(lines) == rows else [0] * rows, np.uint64)

"""Any table, written in any dialect that a description can declare, is read back equal."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.reading import table_blocks
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.spec.dialect_keys import parsed_dialect
from data_convert.spec.key_checks import MistakeList
from data_convert.verification.dataset_check import verify_dataset, verify_text

LETTERS: Final = {
    "utf-8": "aé世\u2028\x1f\0",
    "utf-8-sig": "aé世",
    "utf-16": "aж世",
    "utf-16-le": "aж\U0001f600",
    "cp1252": "aé€",
    "iso-8859-2": "až",
    "shift_jis": "a世表",
    "gb18030": "a世é",
    "big5": "a世功",
}
DIALECT_TABLES = st.fixed_dictionaries(
    {
        "header": st.booleans(),
        "delimiter": st.sampled_from([",", ";", "\t", " ", "||", ", ", "aa", " | "]),
        "quote": st.sampled_from(['"', "'", ""]),
        "escape": st.sampled_from(["", "\\", "^"]),
        "encoding": st.sampled_from(sorted(LETTERS)),
        "skip_blanks": st.booleans(),
        "comment": st.sampled_from(["", "#", "//"]),
        "skip_lines": st.sampled_from([0, 0, 2, "to-header", "to-row"]),
        "rows_after_header": st.sampled_from([0, 0, 1, 2]),
        "skip_repeated_header": st.booleans(),
        "ragged": st.sampled_from(["reject", "trim", "pad"]),
    }
)
LINES_BEFORE = st.sampled_from(["x", "", 'x, "y', '"never closed', "x,y,z\\", "'x';'y'", "x||y", "# x", "  "])


@dataclass(kw_only=True)
class WrittenTable:
    """A file, and what reading it should find.

    Attributes:
        rows: The values of the rows that fit.
        rejects: How many rows do not fit.
        skipped: What is neither -> how often.
        padded: Which rows have another length -> how often.
    """

    spec: DatasetSpec
    content: bytes
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    padded: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class Writer:
    """Writes the records of a file, with everything around them that the dialect allows."""

    draw: st.DrawFn
    dialect: Dialect
    ends: Sequence[str]
    width: int
    text: str = ""
    last: str = ""
    comments: int = 0

    def line(self, text: str) -> None:
        """Write text and a line end."""
        # An empty line with an LF behind a CR would be a part of the line end before.
        merges = not text and self.text.endswith("\r")
        self.last = self.draw(st.sampled_from([end for end in self.ends if not (merges and end == "\n")]))
        self.text += text + self.last

    def record(self, cells: Sequence[str]) -> None:
        """Write one record."""
        texts = [self._cell(cell, is_first=not place) for place, cell in enumerate(cells)]
        self.line(self.dialect.delimiter.join(texts))

    def noise(self) -> None:
        """Write blank lines and comments, or none."""
        for _ in range(self.draw(st.integers(0, 2))):
            if self.dialect.comment is not None and self.draw(st.booleans()):
                self.line(f"{self.dialect.comment}{self.draw(LINES_BEFORE)}")
                self.comments += 1
            elif self.width > 1:
                self.line("  " if self.dialect.skip_blanks else "")

    def _cell(self, cell: str, *, is_first: bool) -> str:
        blanks = "  " if self.dialect.skip_blanks and self.draw(st.booleans()) else ""
        return blanks + self.draw(st.sampled_from(self._spellings(cell, is_first=is_first)))

    def _spellings(self, cell: str, *, is_first: bool) -> list[str]:
        """All ways to write the cell; the test case is given up if there is none."""
        quote, escape, comment = self.dialect.quote, self.dialect.escape, self.dialect.comment
        spellings = []
        if quote is not None:
            literal = cell if escape is None else cell.replace(escape, escape * 2)
            spellings.append(quote + literal.replace(quote, quote * 2) + quote)
            if escape is not None:
                spellings.append(quote + literal.replace(quote, escape + quote) + quote)
        # An escaped CR and the line end LF would be one escaped line end.
        if escape is not None and not (cell.endswith("\r") and "\n" in self.ends):
            spellings.append("".join(escape + c if not c.isalnum() or c in self.dialect.delimiter else c for c in cell))
        is_plain = (
            not set(cell) & {*self.dialect.delimiter, "\r", "\n", escape}
            and not (quote and cell.startswith(quote))
            and not (self.dialect.skip_blanks and cell.startswith(" "))
            and not (is_first and comment and cell.startswith(comment))
        )
        if is_plain:
            spellings.append(cell)
        assume(spellings)
        return spellings


def _dialect(table: dict[str, Any]) -> Dialect:
    mistakes = MistakeList()
    dialect = parsed_dialect("dialect", table, mistakes)
    assume(not mistakes.mistakes)
    return dialect


@st.composite
def _written_tables(draw: st.DrawFn) -> WrittenTable:
    dialect = _dialect(draw(DIALECT_TABLES))
    texts = st.text(LETTERS[dialect.encoding] + " ,;|\"'\\^#/\t\r\n", max_size=5)
    kinds = ["int32", *draw(st.lists(st.sampled_from(["string", "int32"]), max_size=3))]
    headers = [f"h{place}{draw(texts)}" for place in range(len(kinds))]
    spec = _spec(dialect, headers, kinds)
    ends = draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]]))
    writer = Writer(draw=draw, dialect=dialect, ends=ends, width=len(kinds))
    written = WrittenTable(spec=spec, content=b"")
    _write_start(draw, writer, headers, written)
    for _ in range(draw(st.integers(0 if dialect.header else 1, 6))):
        _write_row(draw, writer, texts, written)
        writer.noise()
        if dialect.skip_repeated_header and draw(st.booleans()):
            writer.record(headers)
            written.skipped["repeated_headers"] = written.skipped.get("repeated_headers", 0) + 1
    if writer.comments:
        written.skipped["comments"] = writer.comments
    # Without the last line end, an empty cell at the end of the file would be nothing.
    if not writer.text.removesuffix(writer.last).endswith(("\r", "\n")) and draw(st.booleans()):
        writer.text = writer.text.removesuffix(writer.last)
    mark = "\ufeff" if dialect.encoding == "utf-8" and draw(st.booleans()) else ""
    written.content = (mark + writer.text).encode(dialect.encoding)
    return written


def _spec(dialect: Dialect, headers: Sequence[str], kinds: Sequence[str]) -> DatasetSpec:
    # Only the integers behind the first column have nulls, so every text of the others is a value.
    layout = tuple(
        ColumnSpec(name=f"c{place}", header=header, type=kind, nulls=("",) if place and kind == "int32" else ())
        for place, (header, kind) in enumerate(zip(headers, kinds, strict=True))
    )
    keep: Any = {"on_reject": "keep", "max_rejects": 1.0}
    return DatasetSpec(name="any", source="raw", output="parts", dialect=dialect, layout=layout, **keep)


def _write_start(draw: st.DrawFn, writer: Writer, headers: Sequence[str], written: WrittenTable) -> None:
    """Everything before the first row. What is skipped starts with a letter, so it does not fit the first column."""
    dialect = writer.dialect
    lines = (
        draw(st.lists(LINES_BEFORE, max_size=3))
        if dialect.skip_to
        else draw(st.lists(LINES_BEFORE, min_size=dialect.skip_lines, max_size=dialect.skip_lines))
    )
    for line in lines:
        writer.line(line)
    if lines:
        written.skipped["lines"] = len(lines)
    if dialect.skip_to is None:
        writer.noise()
    if dialect.header:
        writer.record(headers)
        for _ in range(dialect.rows_after_header):
            writer.noise()
            writer.record(["u", *headers[1:]])
        if dialect.rows_after_header:
            written.skipped["rows_after_header"] = dialect.rows_after_header
        writer.noise()


def _write_row(draw: st.DrawFn, writer: Writer, texts: st.SearchStrategy[str], written: WrittenTable) -> None:
    number = st.integers(-(2**31), 2**31 - 1)
    # The first row is the place to which `to-row` skips, so it has to fit and to be filled.
    is_first = not written.rows and not written.rejects
    values: list[Any] = []
    for column in written.spec.columns:
        may_be_null = not is_first and column.nulls
        values.append(draw(texts if column.type == "string" else number | st.none() if may_be_null else number))
    cells = ["" if value is None else str(value) for value in values]
    kind = "whole" if is_first else draw(st.sampled_from(["whole"] * 7 + ["reject", "short", "long"]))
    # A row of one cell is no short row, unless the table has two columns.
    smallest = 1 if len(cells) == 2 else 2
    if kind == "reject" or (kind == "short" and len(cells) <= smallest):
        writer.record(["x", *cells[1:]] if draw(st.booleans()) else [*cells, "", "x"])
        written.rejects += 1
    elif kind != "whole":
        kept = draw(st.integers(smallest, len(cells) - 1)) if kind == "short" else len(cells)
        surplus = draw(st.integers(1, 3)) if kind == "long" else 0
        writer.record([*cells[:kept], *[""] * surplus])
        if written.spec.dialect.ragged == "reject" or (kind, written.spec.dialect.ragged) == ("short", "trim"):
            written.rejects += 1
            return
        absent = [None if column.nulls else "" for column in written.spec.columns]
        names = [column.name for column in written.spec.columns]
        written.rows.append(dict(zip(names, [*values[:kept], *absent[kept:]], strict=True)))
        written.padded[f"{kind}_rows"] = written.padded.get(f"{kind}_rows", 0) + 1
    else:
        writer.record(cells)
        written.rows.append({column.name: value for column, value in zip(written.spec.columns, values, strict=True)})


@settings(max_examples=300, deadline=None)
@given(_written_tables(), st.sampled_from([1, 7, 60, 1 << 20]))
def test_any_table_in_any_dialect(written: WrittenTable, block_bytes: int) -> None:
    """The Parquet has exactly the rows that were written, and every other record is counted."""
    event(f"rows: {len(written.rows) > 0}, rejects: {written.rejects > 0}, skipped: {sorted(written.skipped)}")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_blocks, "CHUNK_BYTES", block_bytes)
        raw = Path(folder) / "raw/a.csv"
        raw.parent.mkdir()
        raw.write_bytes(written.content)
        report = convert_dataset(written.spec, data_folder=Path(folder), jobs=1)
        second = verify_dataset(written.spec, data_folder=Path(folder), jobs=1)
        rows = pq.read_table(Path(folder) / "parts/a.parquet").to_pylist()
    assert rows == written.rows
    assert (report.rejects, report.skipped, report.padded) == (written.rejects, written.skipped, written.padded)
    assert second.is_clean, verify_text(second)

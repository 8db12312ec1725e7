"""Wherever text is cut into blocks, and however a block is parsed, the rows are the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_convert.errors import SourceError
from data_convert.reading import records
from data_convert.reading.block_parser import BlockParser
from data_convert.reading.header import declared_layout
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block, Quoting, cut_blocks
from data_convert.reading.rows import Row, read_rows, split_header
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.storage.output_folder import OutputFolder
from data_convert.verification.raw import second_reading
from data_convert.verification.raw.second_reading import SecondReading
from data_convert.verification.raw.table_cuts import CodedTexts, bytes_of
from data_convert.writing import part_writer
from data_convert.writing.part_writer import PartWriter, row_group_weight

ALPHABET = 'ab0 ,"\n\r\té\0'
GARBAGE = st.text(ALPHABET, max_size=60)
CELLS = st.lists(st.lists(st.text(ALPHABET, max_size=6), min_size=1, max_size=4), max_size=12)
DIALECTS = st.sampled_from(
    [Dialect(), Dialect(quote=None), Dialect(delimiter="\t", quote="'"), Dialect(delimiter="a", quote="b")]
)
SIZES = st.integers(1, 40)


@st.composite
def _written(draw: st.DrawFn, rows: st.SearchStrategy[list[list[str]]] = CELLS) -> str:
    """What csv.writer writes."""
    buffer = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    for row in draw(rows):
        line = io.StringIO(newline="")
        # Before Python 3.13 only what is in the line terminator is quoted of CR and LF.
        csv.writer(line, lineterminator="\r\n", quoting=quoting).writerow(row)
        buffer.write(line.getvalue().removesuffix("\r\n") + end)
    text = buffer.getvalue()
    return text.removesuffix(end) if draw(st.booleans()) else text


def _blocks(text: str, dialect: Dialect, size: int) -> list[Block]:
    return list(cut_blocks(io.BytesIO(text.encode()).read, dialect, source="a.csv", block_bytes=size))


def _rows(blocks: Sequence[Block], dialect: Dialect, columns: int) -> list[Row]:
    return [row for block in blocks for row in read_rows(block, dialect, columns=columns)]


def _whole(text: str) -> Block:
    return Block(text=text.encode(), first_line=1, quoting=Quoting.IRREGULAR)


@settings(max_examples=1000, deadline=None)
@given(GARBAGE | _written(), DIALECTS, SIZES, st.sampled_from([1, 3]))
@example('a,"b\r\nc"\r\nd\r\n', Dialect(), 4, 3)
@example('a"b\n"c\nd"\ne\n', Dialect(), 5, 3)
@example("a\rb\r\nc", Dialect(), 2, 1)
def test_cutting_changes_no_row(text: str, dialect: Dialect, size: int, columns: int) -> None:
    """Joined blocks are the text; parsed one by one, they have the rows, lines and faults of the complete text."""
    blocks = _blocks(text, dialect, size)
    assert b"".join(block.text for block in blocks) == text.encode()
    assert all(block.text for block in blocks)
    assert _rows(blocks, dialect, columns) == list(read_rows(_whole(text), dialect, columns=columns))


@settings(max_examples=500, deadline=None)
@given(GARBAGE | _written(), DIALECTS, SIZES)
def test_quoting_is_what_parsers_agree_on(text: str, dialect: Dialect, size: int) -> None:
    """In a block that is not called irregular no row has a fault, and in one of one-line cells no cell a line end."""
    for block in _blocks(text, dialect, size):
        rows = list(read_rows(block, dialect, columns=1))
        if block.quoting is not Quoting.IRREGULAR:
            assert [row.fault for row in rows] == [None] * len(rows)
        if block.quoting is Quoting.ONE_LINE:
            assert not any("\n" in cell or "\r" in cell for row in rows for cell in row.cells)


def _texts(coded: CodedTexts) -> list[bytes]:
    return [bytes_of(coded.keys[code]) for code in coded.codes]


@settings(max_examples=500, deadline=None)
@given(GARBAGE | _written(), DIALECTS, SIZES)
def test_both_readings_find_the_same_rows(text: str, dialect: Dialect, size: int) -> None:
    """Row by row, the second reading has the cells, lines and faults of the blocks."""
    spec = _spec(["string"] * 3, Dialect(**{**vars(dialect), "header": False}))
    good, bad = [], []
    for row in _rows(_blocks(text, dialect, size), dialect, 3):
        is_good = row.fault is None and len(row.cells) == 3
        (good if is_good else bad).append((row.line, list(row.cells) if is_good else [], row.raw))
    found, misshapen = [], []
    with patch.multiple(second_reading, _BLOCK_BYTES=size, _SMALLEST_BLOCK_BYTES=min(size, 8)):
        for rows in SecondReading(spec, io.BytesIO(text.encode())):
            numbered = [rows.row(index) for index in range(rows.rows)]
            found += [(row.line, list(row.cells), row.raw) for row in numbered]
            misshapen += [(row.line, [], row.raw) for row in rows.misshapen]
            if rows.rows:
                assert [_texts(rows.coded(place)) for place in range(3)] == [
                    [row.cells[place].encode() for row in numbered] for place in range(3)
                ]
    assert (found, misshapen) == (good, bad)


def _spec(types: Sequence[str], dialect: Dialect, nulls: Sequence[tuple[str, ...]] = (("",),) * 4) -> DatasetSpec:
    formats = {"date": ("%Y-%m-%d",), "timestamp": ("%Y-%m-%d %H:%M",)}
    layout = tuple(
        ColumnSpec(name=f"c{i}", header=f"c{i}", type=type_, formats=formats.get(type_, ()), nulls=null)
        for i, (type_, null) in enumerate(zip(types, nulls, strict=False))
    )
    return DatasetSpec(name="trees", source="raw", output="parts", dialect=dialect, layout=layout)


TYPES = st.sampled_from(["string", "int8", "int64", "float64", "flagged_number", "bool", "date", "timestamp"])
VALUES = st.sampled_from(
    ["", "", "1", "0", "-7", "300", "1.5", ".25", "T", "0.00s", "NA", "x", "true", "2022-01-03", "2022-01-03 04:05",
     "007", " 1", "0x1F", "1e3", "nan", '"', "a,b", "two\nlines", "cr\rlf\n", "é", "9" * 20, "0.1234567890123456789",
     "\0"]
)  # fmt: skip


FOUR_VALUES = st.lists(VALUES, min_size=4, max_size=4)


@st.composite
def _typed(draw: st.DrawFn) -> tuple[DatasetSpec, str]:
    """A spec, and text whose rows mostly fit it."""
    types = draw(st.lists(TYPES, min_size=1, max_size=4))
    nulls = draw(st.lists(st.sampled_from([("",), ("", "NA"), ()]), min_size=4, max_size=4) | st.just([("",)] * 4))
    cells = st.lists(VALUES, min_size=len(types), max_size=len(types))
    text = draw(_written(st.lists(cells | st.lists(VALUES, max_size=5), max_size=10)))
    return _spec(types, Dialect(header=False), nulls), text


def _parsed(spec: DatasetSpec, block: Block, layout: RawLayout, *, exactly: bool = False, wide: bool = False) -> Any:
    parser = BlockParser(spec=spec, wide=set(range(layout.width)) if wide else set())
    parsed = (parser._parse_exactly if exactly else parser.parse)(block, layout, source="a.csv")
    parsed.table.validate(full=True)
    return repr(parsed.table.to_pydict()), parsed.table.schema, list(parsed.rejects), parsed.skipped


@settings(max_examples=300, deadline=None)
@given(_typed(), SIZES)
def test_fast_and_exact_parsing_agree(case: tuple[DatasetSpec, str], size: int) -> None:
    """The kernels, with coded texts or without, and the csv module find the same values and rejects."""
    spec, text = case
    layout = declared_layout(spec)
    for block in _blocks(text, spec.dialect, size):
        exact = _parsed(spec, block, layout, exactly=True)
        assert _parsed(spec, block, layout) == exact
        assert _parsed(spec, block, layout, wide=True) == exact


@settings(max_examples=300, deadline=None)
@given(st.lists(FOUR_VALUES, min_size=1, max_size=20), st.lists(TYPES, min_size=4, max_size=4))
def test_tables_weigh_the_same(rows: list[list[str]], types: list[str]) -> None:
    """However a block is parsed it counts the same bytes towards a row group, or bytes would depend on threads."""
    spec = _spec(types, Dialect(header=False))
    text = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    (block,) = _blocks(text, spec.dialect, 1 << 20)
    layout = declared_layout(spec)
    weights = set()
    for wide in (set(), {0, 1, 2, 3}, {0, 2}):
        weights.add(row_group_weight(BlockParser(spec=spec, wide=wide).parse(block, layout, source="a.csv").table))
    parsed = BlockParser(spec=spec)._parse_exactly(block, layout, "a.csv")
    assert weights == {row_group_weight(parsed.table)}


def test_row_groups_are_closed_by_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row group ends does not depend on whether Arrow made a validity bitmap."""
    values = pa.array([0] * 100, pa.int8())
    with_bitmap = pa.Array.from_buffers(pa.int8(), 100, [pa.py_buffer(b"\xff" * 13), values.buffers()[1]])
    spec = _spec(["int8"], Dialect())
    pending = OutputFolder(folder=tmp_path, suffix=".parquet", temporary_prefix=".part-").pending("a.parquet")
    for array in (values, with_bitmap):
        table = pa.table({"c0": array})
        for limit, is_full in ((100, True), (101, False)):
            monkeypatch.setattr(part_writer, "ROW_GROUP_BYTES", limit)
            assert (PartWriter(pending, spec).add(table) is not None) == is_full


def _pieces(*pieces: bytes) -> Any:
    """A reader that returns these pieces in turn, regardless of the requested size."""
    left = iter(pieces)
    return lambda _: next(left, b"")


def test_crlf_between_two_reads() -> None:
    """A CRLF whose halves are read apart is one line end."""
    blocks = list(cut_blocks(_pieces(b"a\r", b"\nb\r", b"\n"), Dialect(), source="a.csv"))
    assert [(row.line, row.cells) for row in _rows(blocks, Dialect(), 1)] == [(1, ["a"]), (2, ["b"])]


def test_character_between_two_reads() -> None:
    """A character whose bytes are read apart is one character, in any encoding."""
    for encoding in ("utf-8", "utf-16", "utf-16-le", "shift_jis"):
        data = "ж\n世\n".encode(encoding)
        pieces = [data[i : i + 1] for i in range(len(data))]
        dialect = Dialect(encoding=encoding)
        (first, second) = _rows(list(cut_blocks(_pieces(*pieces), dialect, source="a.csv")), dialect, 1)
        assert (first.cells, second.cells) == (["ж"], ["世"])


def test_skipped_lines_are_counted() -> None:
    """Lines that are skipped belong to no row but count as lines, whatever ends them."""
    dialect = Dialect(skip_lines=3)
    (block,) = _blocks('one"\rtwo\r\nthree\na,b\n', dialect, 1000)
    assert (block.text, block.first_line) == (b"a,b\n", 4)


def test_more_lines_skipped_than_read_at_once() -> None:
    """Lines that are skipped may be longer than a block."""
    dialect = Dialect(skip_lines=2)
    assert [(b.text, b.first_line) for b in _blocks("a long comment\nanother one\n1\n", dialect, 4)] == [(b"1\n", 3)]


def test_record_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record longer than the limit is reported with its line, before memory runs out."""
    monkeypatch.setattr(records, "RECORD_LIMIT_BYTES", 100)
    endless: Iterator[bytes] = iter([b'a\n"', *[b"b" * 50] * 1000])
    with pytest.raises(SourceError, match=r"a\.csv: line 2: a record starts here that does not end within") as caught:
        list(cut_blocks(lambda _: next(endless, b""), Dialect(), source="a.csv"))
    assert "a quote was probably opened and never closed." in str(caught.value)
    assert len(list(endless)) > 900


def test_header_with_line_ends_in_quotes() -> None:
    """A header may span lines and follow blank ones; the rows after it keep their lines."""
    (block,) = _blocks('\n"a\nb",c\n1,2\n', Dialect(), 1000)
    header, rest = split_header(block, Dialect())
    assert header is not None
    assert header.cells == ["a\nb", "c"]
    assert (rest.text, rest.first_line) == (b"1,2\n", 4)

"""The compiled kernels: what they read themselves equals the exact reader's result, and their cached copy is safe."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_convert.kernels import compilation, compiled
from data_convert.kernels.columns import CODE_LIMIT
from data_convert.kernels.structure import TextScan
from data_convert.reading.block_parser import BlockParser
from data_convert.reading.fast_parser import CellTexts, parse_fast, read_texts
from data_convert.reading.header import declared_layout
from data_convert.reading.records import Block, cut_blocks
from data_convert.reading.rows import read_rows
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect

DIGITS = st.text("0123456789", min_size=1, max_size=20)
NUMBERS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "-", "+"]),
    st.just("") | DIGITS,
    st.sampled_from(["", ".", ".."]),
    DIGITS,
)
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


def _spec(types: Sequence[str], nulls: tuple[str, ...] = ("",)) -> DatasetSpec:
    layout = tuple(ColumnSpec(name=f"c{i}", header=f"c{i}", type=type_, nulls=nulls) for i, type_ in enumerate(types))
    return DatasetSpec(name="trees", source="raw", output="parts", dialect=Dialect(header=False), layout=layout)


def _blocks(text: bytes, *, size: int = 1 << 22) -> list[Block]:
    return list(cut_blocks(io.BytesIO(text).read, Dialect(header=False), source="a.csv", block_bytes=size))


def _fast(spec: DatasetSpec, block: Block) -> pa.Table | None:
    return parse_fast(block, declared_layout(spec), spec, set())


def _exact(spec: DatasetSpec, block: Block) -> pa.Table:
    parsed = BlockParser(spec=spec)._parse_exactly(block, declared_layout(spec), "a.csv")
    assert not parsed.rejects
    return parsed.table


def _equal(found: pa.Table | None, expected: pa.Table) -> bool:
    """Whether both have the same values, also the same sign of zeros."""
    assert found is not None
    found.validate(full=True)
    return found.schema == expected.schema and repr(found.to_pydict()) == repr(expected.to_pydict())


@settings(max_examples=500, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40), LINE_ENDS, st.sampled_from(["float64", "int64", "int8", "uint64"]))
@example(["-0", "0.", ".5", "-.0", "00000007", "1234567.", "12345678", "123456789"], "\n", "float64")
@example(["18446744073709551615", "9223372036854775808", "0"], "\r\n", "uint64")
@example([".", "1.2.3", "1.2.3.4.5.6.7", "+", "-", "+-1"], "\n", "float64")
def test_numbers_are_those_of_the_exact_reader(numbers: list[str], line_end: str, kind: str) -> None:
    """Each number has the same value or is a reject, wherever it stands in the text and however long it is."""
    spec = _spec([kind, "string"])
    for number in numbers:
        (block,) = _blocks(f"{number},x{line_end}".encode())
        parsed = BlockParser(spec=spec)._parse_exactly(block, declared_layout(spec), "a.csv")
        fast = _fast(spec, block)
        assert (fast is None) == bool(parsed.rejects)
        assert fast is None or _equal(fast, parsed.table)
    good = [number for number in numbers if _fast(spec, _blocks(f"{number},x{line_end}".encode())[0]) is not None]
    (block,) = _blocks("".join(f"{number},x{line_end}" for number in good).encode()) if good else (None,)
    assert block is None or _equal(_fast(spec, block), _exact(spec, block))


CELLS = st.text(st.sampled_from('ab,"\n\r é'), max_size=12) | st.text("x", min_size=50, max_size=80)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=30), LINE_ENDS, st.booleans())
def test_quoted_cells_are_those_of_the_exact_reader(rows: list[list[str]], line_end: str, is_cut: bool) -> None:
    """Cells with quotes, delimiters and line ends in them are read by the kernels, without the exact reader."""
    spec = _spec(["string", "string"], nulls=())
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    text = line_end.join(lines) + ("" if is_cut else line_end)
    (block,) = _blocks(text.encode())
    assert _equal(_fast(spec, block), _exact(spec, block))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text('aé,"\n\r', max_size=6), max_size=30).map("".join))
@example("x" * 63 + '\r\n"' + "y" * 60 + '""\r\n"\r\n')
@example("x" * 63 + "\r")
def test_a_scan_is_that_of_single_bytes(text: str) -> None:
    """The places, lines and rows that are found 64 bytes at a time are those found byte by byte."""
    scan = TextScan.of(text.encode("latin-1"), Dialect())
    ends, is_inside, rows, line_end = [], False, 0, "\n" if "\n" in text else "\r"
    for place, character in enumerate(text):
        is_inside ^= character == '"'
        if not is_inside and character in (",", line_end):
            ends.append(place)
            rows += character == line_end
    assert scan.room[1 : scan.cells + 1].tolist() == ends
    assert (scan.is_inside, scan.rows) == (is_inside, rows)
    assert scan.is_ascii == text.isascii()
    assert scan.lines == text.count("\n") + text.count("\r") - text.count("\r\n")


def test_tables_of_many_rows_and_texts_are_read_completely() -> None:
    """More rows than are read at a time, more texts than are coded, nulls and cells that are no plain numbers."""
    spec = _spec(["int32", "float64", "flagged_number", "string", "string"], nulls=("", "NA"))
    rows = [
        f"{i},{i / 8},{i % 7}{'s' if i % 100 == 0 else ''},{'' if i % 9 else i % 50},{i}\n"
        if i % 11
        else "NA,,NA,,NA\n"
        for i in range(CODE_LIMIT * 5)
    ]
    (block,) = _blocks("".join(rows).encode())
    assert _equal(_fast(spec, block), _exact(spec, block))


@pytest.mark.parametrize(
    "text", ["1,2\n\n3,4\n", "\n\n1,2\n3,4\n\n\n", "1,2\r\n\r\n3,4\r\n", "1,2\r\r3,4\r", "1,2\n3,4"]
)
def test_blank_lines_are_no_rows(text: str) -> None:
    """Blank lines, CR alone as line end, and a last line without end do not need the exact reader."""
    spec = _spec(["int8", "int8"])
    (block,) = _blocks(text.encode())
    found = _fast(spec, block)
    assert found is not None
    assert found.to_pydict() == {"c0": [1, 3], "c1": [2, 4]}
    assert _equal(found, _exact(spec, block))


@pytest.mark.parametrize("text", ["1,2\n3\n4,5,6\n", "1\n2\n3,4\n5,6\n", "1,2\rx\n", "1,2\n\x003,4\n", "1,\xff\n"])
def test_other_rows_are_left_to_the_exact_reader(text: str) -> None:
    """Rows of another width, also if the number of cells is right in total, and cells that do not fit."""
    (block,) = _blocks(text.encode("latin-1"))
    assert _fast(_spec(["int8", "int8"]), block) is None


def test_a_decimal_is_the_nearest_float() -> None:
    """All of the digits that a float holds exactly are kept."""
    spec = _spec(["float64"])
    texts = ["0.1", "123456.7", "1.23456789012345", "999999999999999", "0.000000000000001", "4.35", "0.3"]
    (block,) = _blocks("".join(f"{text}\n" for text in texts).encode())
    found = _fast(spec, block)
    assert found is not None
    assert found.column(0).to_pylist() == [float(text) for text in texts]
    assert math.copysign(1, found.column(0)[0].as_py()) == 1


def test_lines_are_counted_without_the_incomplete_record() -> None:
    """A block starts on the line on which its first record starts, also behind cells of many lines."""
    text = '"a\r\nb",1\r\n\r\nc,2\r\n"d\n\ne",3\r\nf,4\r\n'
    rows = [row for block in _blocks(text.encode(), size=3) for row in read_rows(block, Dialect(), columns=2)]
    assert [row.line for row in rows] == [1, 4, 5, 8]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A cache in an empty folder; the list has an entry per compilation."""
    compilations: list[int] = []
    monkeypatch.setattr(compiled, "_cache_folders", lambda: iter([tmp_path / "unwritable" / "a", tmp_path / "cache"]))
    (tmp_path / "unwritable").write_text("a file, so that no folder can be made in it")

    def compile_() -> bytes:
        compilations.append(1)
        return b"object code"

    monkeypatch.setattr(compiled, "_compile", compile_)
    return compilations


def test_kernels_are_compiled_once(cache: list[int], tmp_path: Path) -> None:
    """The second process takes the copy, in the first folder that can be written; no partial file stays."""
    assert [compiled._object_code(), compiled._object_code()] == [b"object code"] * 2
    assert len(cache) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_damaged_copy_is_replaced(cache: list[int], tmp_path: Path) -> None:
    """Code whose digest is wrong is never run."""
    compiled._object_code()
    (path,) = (tmp_path / "cache").iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert compiled._object_code() == b"object code"
    assert len(cache) == 2
    assert compiled._read(path) == b"object code"


def test_without_any_writable_folder_kernels_are_compiled_each_time(
    cache: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conversion does not need a cache."""
    monkeypatch.setattr(compiled, "_cache_folders", lambda: iter([tmp_path / "unwritable" / "a"]))
    assert [compiled._object_code(), compiled._object_code()] == [b"object code"] * 2
    assert len(cache) == 2


def test_other_kernels_or_processors_have_other_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy made for another processor would crash here."""
    key = compiled._key()
    monkeypatch.setattr(compiled.llvm, "get_host_cpu_name", lambda: "another processor")
    assert compiled._key() != key


def test_kernels_are_compiled_outside_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process compiles; if it cannot be started, this one does."""
    monkeypatch.setattr(compilation, "object_code", lambda: b"compiled here")
    assert b"shrinkwrap_read_columns" in compiled._compile()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert compiled._compile() == b"compiled here"


def test_a_process_with_a_copy_does_not_load_numba() -> None:
    """Numba is needed to compile only; loading it takes longer than parsing a small dataset."""
    code = (
        "import sys; from data_convert.kernels.compiled import kernel\n"
        "kernel('scan_text'); print('numba' in sys.modules)"
    )
    compiled.kernel("scan_text")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


@pytest.mark.parametrize("distinct", [1, 100, 127, 128, 129, 600, 2_100, CODE_LIMIT, CODE_LIMIT + 1])
def test_texts_of_a_block_have_their_first_rows_and_numbers_of_rows(distinct: int) -> None:
    """The table of texts grows with them; with too many, the column is not coded."""
    texts = [f"{'long ' * (place % 3)}{place % distinct}" for place in range(2 * distinct)]
    texts = [text if place % 5 else "" for place, text in enumerate(texts)] + texts
    (block,) = _blocks("".join(f"{text},x\n" for text in texts).encode())

    columns = read_texts(block, Dialect(header=False), width=2, wide=set())

    assert columns is not None
    found, expected = columns[0], CellTexts.coded(pa.array(texts, pa.string()))
    assert found.each().to_pylist() == texts
    assert (found.codes is None) == (len(expected.texts) > CODE_LIMIT)
    if found.codes is not None and found.firsts is not None and found.counts is not None:
        assert found.texts.equals(expected.texts)
        assert found.firsts.tolist() == [texts.index(text) for text in expected.texts.to_pylist()]
        assert found.counts.tolist() == [texts.count(text) for text in expected.texts.to_pylist()]

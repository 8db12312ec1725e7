"""Small files that unpack to gigabytes are refused or read within bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from data_convert.errors import DataConvertError, HeaderError, SourceError
from data_convert.reading import header, preamble, records
from data_convert.spec.dataset_spec import Dialect

MIB = 1 << 20

SCRIPT = """
import resource, sys
from pathlib import Path
from data_convert import ColumnSpec, DataConvertError, DatasetSpec, convert_dataset
layout = (ColumnSpec(name="id", header="id", type="int32"), ColumnSpec(name="kind", header="kind", type="string"))
spec = DatasetSpec(name="bombs", source="raw", output="parts", layout=layout)
try:
    convert_dataset(spec, data_folder=Path(sys.argv[1]), jobs=2)
except DataConvertError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
"""

LONG_CELLS = """
from data_convert.columns.conversion import misfit
from data_convert.inspection.column_types.reasons import _hint
from data_convert.spec.dataset_spec import ColumnSpec, NumberMarks
pieces = ("0", "1.", ".", " ", "-", "1,234,", "(", ")", "( ", "1 ", "e1", "x ")
starts, ends = ("", "(", "1", "(1"), ("", "x", ")")
texts = [start + piece * 100_000 + end for start in starts for piece in pieces for end in ends]
marks = [NumberMarks(), NumberMarks(minus="()"), NumberMarks(prefix="$", suffix="%", minus="()", group=",")]
columns = [ColumnSpec(name="a", header="a", type="int64", marks=mark) for mark in marks]
for text in texts:
    _hint(text)
    for column in columns:
        assert misfit(column, text)
"""


def _bomb(start: bytes, piece: bytes, count: int) -> bytes:
    """A few kilobytes that unpack to `start` and `count` pieces."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    packed = [compressor.compress(start), *(compressor.compress(piece) for _ in range(count))]
    return b"".join([*packed, compressor.flush()])


def test_a_long_cell_that_is_no_number_takes_no_time() -> None:
    """Its reason is found in one pass; a pattern that can match in many ways would take hours."""
    subprocess.run([sys.executable, "-c", LONG_CELLS], check=True, timeout=240)


def test_bombs_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Lines, quoted cells and rows of a gigabyte are errors with their place; a gigabyte of blank lines is nothing."""
    raw = tmp_path / "raw"
    raw.mkdir()
    for name, start, piece in (
        ("blank", b"id,kind\n1,a\n", b"\n" * MIB),
        ("cells", b"id,kind\n", b"," * MIB),
        ("line", b"id,kind\n1,a\n2,", b"a" * MIB),
        ("nul", b"", b"\0" * MIB),
        ("quoted", b'id,kind\n1,"', b"a,\n" * (MIB // 3)),
    ):
        (raw / f"{name}.csv.zst").write_bytes(_bomb(start, piece, 1024))
        assert (raw / f"{name}.csv.zst").stat().st_size < 200_000
    result = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], capture_output=True, text=True, check=True)
    *problems, peak_mib = result.stdout.splitlines()
    text = "\n".join(problems)
    assert "cells.csv.zst: line 2: a record starts here that has more than 1,000,000 cells." in text
    assert "line.csv.zst: line 3: a record starts here that does not end within 64 MiB; it has no line end." in text
    assert "nul.csv.zst: line 1: a record starts here that does not end within 64 MiB" in text
    assert "quoted.csv.zst: line 2: a record starts here that does not end within 64 MiB; a quote was probably" in text
    assert "blank.csv.zst" not in text
    # Two records of 64 MiB are in memory at once, several times each; their files hold 5 GiB.
    assert int(peak_mib) < 2048


def _problem(lab: Any, text: str, kind: type[DataConvertError] = SourceError, **settings: Any) -> str:
    lab.raw("a.csv", text)
    with pytest.raises(kind) as caught:
        lab.convert(lab.spec(**settings))
    return str(caught.value).partition("a.csv: ")[2]


def test_cells_are_limited(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record with too many cells is an error, and delimiters inside of a quoted cell are no cells."""
    monkeypatch.setattr(records, "CELL_LIMIT", 10)
    monkeypatch.setattr(records, "BLOCK_BYTES", 30)
    monkeypatch.setattr(header, "CELL_LIMIT", 10)
    lab.raw("a.csv", 'id,kind\n1,"' + "," * 100 + '"\n')
    lab.convert(lab.spec())
    assert lab.table().to_pydict() == {"id": [1], "kind": ["," * 100]}
    problem = _problem(lab, ",".join("abcdefghijkl") + "\n", HeaderError)
    assert problem == "the header has 12 cells, more than any table has columns."


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(delimiter="||"), Dialect(escape="\\")])
def test_long_record_of_cells(dialect: Dialect) -> None:
    """Cells are counted in each dialect, where a record is longer than a block."""
    pieces = iter([dialect.delimiter.encode() * 400_000] * 4)
    with pytest.raises(SourceError, match=r"a\.csv: line 1: a record starts here that has more than 1,000,000 cells\."):
        list(records.cut_blocks(lambda _: next(pieces, b""), dialect, source="a.csv"))


def test_lines_before_the_table_are_limited(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless lines before a table are not collected."""
    monkeypatch.setattr(preamble, "PREAMBLE_LIMIT_BYTES", 5 * MIB)
    problem = _problem(lab, "a" * 20 * MIB, dialect=Dialect(skip_lines=1))
    assert problem.startswith("the lines before the table (`dialect.skip_lines = 1`) have more than 5 MiB.")


def test_fuzzer_finds_nothing() -> None:
    """A few hundred changed files are converted or refused, with every record counted; `nox -s fuzz` tries more."""
    program = Path(__file__).parents[1] / "fuzz/read.py"
    command = [sys.executable, program, "--cases", "200", "--seconds", "600", "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("seed 1\nseed 1: 200 cases, ")

"""What an inspection says of files and columns."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from data_convert.errors import DataConvertError
from data_convert.inspection.dataset_inspection import Inspection, inspect_dataset, inspect_path
from data_convert.spec import ColumnSpec, DatasetSpec, Dialect, DroppedColumns


def inspected(tmp_path: Path, **files: str | bytes) -> Inspection:
    """The inspection of a folder of files; a_csv is called a.csv."""
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_bytes(text.encode() if isinstance(text, str) else text)
    return inspect_path(tmp_path)


def message(path: Path) -> str:
    """The error that inspecting the path gives."""
    with pytest.raises(DataConvertError) as raised:
        inspect_path(path)
    return str(raised.value).replace(f"{path}", "PATH").replace(f"{path.parent}", "PARENT")


def test_all_files_of_a_folder_are_one_dataset(tmp_path: Path) -> None:
    """Rows, bytes and values are those of all files, plain or compressed."""
    found = inspected(tmp_path, a_csv="x,y\n1,a\n2,b\n", b_csv_gz=gzip.compress(b"y,x\nc,30\n"))
    assert (found.files, found.rows, found.text_bytes) == (("a.csv", "b.csv.gz"), 3, 21)
    assert [(c.name, c.minimum, c.maximum, c.distinct) for c in found.columns] == [
        ("x", "1", "30", 3),
        ("y", "a", "c", 3),
    ]


def test_a_zip_is_read(tmp_path: Path) -> None:
    """A zip holds one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.csv", "x,y\n1,2\n")
    assert inspected(tmp_path, a_csv_zip=buffer.getvalue()).rows == 1


def test_a_value_behind_the_first_block_decides_the_type(tmp_path: Path) -> None:
    """The whole data are read: the last of half a million rows can make a number text."""
    text = "x,y\n" + "1,12345678901234\n" * 550_000 + "oh no,1\n"
    found = inspected(tmp_path, a_csv=text)
    assert found.columns[0].type == "string"
    assert found.columns[0].warnings[0].endswith("first mixed at 'oh no' (a.csv:550002), which is text")
    assert found.columns[0].csv_bytes == 2 * 550_000 + 6


def test_many_distinct_values_are_counted_up_to_a_limit(tmp_path: Path) -> None:
    """Memory stays bounded: beyond the limit there are more than were counted."""
    found = inspected(tmp_path, a_csv="x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(30_000)))
    assert [(c.is_distinct_exact, c.distinct) for c in found.columns] == [(False, 30_000), (True, 7)]


def test_empty_constant_and_duplicate_columns_are_flagged(tmp_path: Path) -> None:
    """They are worth a look, each for its own reason."""
    found = inspected(tmp_path, a_csv="a,b,c,d,e\n1,1,,k,1\n2,2,,k,1\n", b_csv="a,b,c,d,e\n3,3,,k,2\n")
    flags = [(c.name, c.is_empty, c.is_constant, c.duplicate_of) for c in found.columns]
    assert flags == [
        ("a", False, False, None),
        ("b", False, False, "a"),
        ("c", True, False, None),
        ("d", False, True, None),
        ("e", False, False, None),
    ]


def test_names_are_the_headers_unless_they_cannot_be(tmp_path: Path) -> None:
    """Empty, repeated and broken headers get names; the header is kept to find the column again."""
    found = inspected(tmp_path, a_csv='Flow #,,x,x,"two\nlines", y\n1,2,3,4,5,6\n')
    assert [(c.name, c.header) for c in found.columns] == [
        ("Flow #", "Flow #"),
        ("column_2", ""),
        ("x", "x"),
        ("x_2", "x#2"),
        ("two lines", "two\nlines"),
        ("y", " y"),
    ]


def test_the_flag_column_has_a_name_of_its_own(tmp_path: Path) -> None:
    """A flagged number becomes two columns, which must not meet another's name."""
    found = inspected(tmp_path, a_csv="x_flag,x\na,1\nb,T\nc,2\n")
    assert [c.name for c in found.columns] == ["x_flag", "x_2"]


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    """A file without a header says nothing of names."""
    found = inspected(tmp_path, a_csv="1,a\n2,b\n")
    assert [(c.name, c.header) for c in found.columns] == [("column_1", None), ("column_2", None)]
    assert found.notes == ("no header: the first row looks like data. Name the columns in data/datasets.toml.",)


def test_ragged_rows_are_counted_and_named(tmp_path: Path) -> None:
    """Rows with too few or too many cells belong to no column."""
    found = inspected(tmp_path, a_csv="a,b\n1,2\n3\n4,5,6\n7,8\n9,1\n")
    assert (found.rows, found.ragged_rows) == (3, 2)
    assert found.notes == (
        "2 rows do not fit the table's shape and are not counted below: a.csv:3: 1 cells where 2 are expected;"
        " a.csv:4: 3 cells where 2 are expected",
    )


def test_an_encoding_disproved_late_is_told_with_its_line(tmp_path: Path) -> None:
    """A single byte behind the beginning makes the whole text cp1252."""
    found = inspected(tmp_path, a_csv=b"x,y\n" + b"1,abcdefghijklm\n" * 80_000 + b"2,caf\xe9\n")
    assert found.dialect == Dialect(encoding="cp1252")
    assert found.notes[0] == "a.csv, line 80002: the first text that is not utf-8"
    assert found.columns[1].maximum == "café"


def test_utf_16_is_read(tmp_path: Path) -> None:
    """Excel's Unicode text is UTF-16 with tabs."""
    found = inspected(tmp_path, a_txt="x\ty\n1\té\n".encode("utf-16"))
    assert (found.dialect.encoding, found.dialect.delimiter, found.columns[1].minimum) == ("utf-16", "\t", "é")


def test_unlike_files_are_named(tmp_path: Path) -> None:
    """One dataset has one set of columns."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,z\n1,2\n")
    assert message(tmp_path) == (
        "PATH/b.csv: its header is not that of a.csv: it lacks 'y' and has besides 'z'."
        " Put each kind of file into a folder of its own and inspect the folders one by one."
    )


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    """What there is, and the likeliest of it."""
    (tmp_path / "weather").mkdir()
    assert message(tmp_path / "weahter" / "2020") == (
        "there is no PATH. The nearest folder that exists is " + f"{tmp_path} (it holds weather)."
    )
    assert message(tmp_path / "weahter") == (
        "there is no PATH; did you mean 'weather'? The nearest folder that exists is PARENT (it holds weather)."
    )


def test_a_folder_without_raw_files_says_what_it_holds(tmp_path: Path) -> None:
    """A workbook is no raw file."""
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    assert message(tmp_path) == (
        "PATH: no raw file there. Raw files end with .csv, .txt, .tsv, plain or compressed."
        " It holds 1 other file, such as book.xlsx."
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "PATH: the file is empty. Get it again, or remove it."),
        (b"a,b\n", "PATH: there is a header and no row behind it, so nothing can be inferred."),
        (b"\x00\x01\x02" * 99, "PATH: this is not text: it holds control characters. Is it a binary file?"),
        (b"a,b\n1\n", "PATH: no row has the shape of the table (2 cells): x.csv:2: 1 cells where 2 are expected."),
    ],
)
def test_what_cannot_be_inspected_says_why(tmp_path: Path, text: bytes, says: str) -> None:
    """Empty, header only, binary, all ragged."""
    path = tmp_path / "x.csv"
    path.write_bytes(text)
    assert message(path) == says


def test_a_described_dataset_is_read_under_its_own_dialect(tmp_path: Path) -> None:
    """What is declared is shown beside what is inferred."""
    (tmp_path / "a.csv").write_text("1;x;7\n2;y;8\n")
    spec = DatasetSpec(
        name="mine",
        source=".",
        output="out",
        dialect=Dialect(header=False, delimiter=";"),
        layout=(
            ColumnSpec(name="id", header="id", type="int8"),
            DroppedColumns(headers=("letter",), why="no use"),
            ColumnSpec(name="n", header="n", type="string"),
        ),
    )
    found = inspect_dataset(spec, tmp_path)
    assert [(c.name, c.type, c.declared) for c in found.columns] == [
        ("id", "int32", "int8"),
        ("letter", "string", "dropped"),
        ("n", "int32", "string"),
    ]


def test_progress_tells_the_bytes_on_disk(tmp_path: Path) -> None:
    """The told bytes add up to the files' size."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n" * 1))
    told: list[int] = []
    found = inspect_path(tmp_path, progress=told.append)
    assert sum(told) == found.raw_bytes


def test_sizes_come_from_parquet_that_was_really_written(tmp_path: Path) -> None:
    """A column of one value weighs next to nothing, one of noise what it holds."""
    rows = "".join(f"same,{(n * 2654435761) % 2**32 / 7:.6f}\n" for n in range(5000))
    found = inspected(tmp_path, a_csv="a,b\n" + rows)
    same, noise = found.columns
    assert found.parquet_share == 1
    assert same.parquet_bytes < 200 < 20_000 < noise.parquet_bytes


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    """A hundred columns with long names are shown in lines of a hundred characters."""
    header = ",".join(f"ARatherLongColumnName{n:03}" for n in range(124))
    found = inspected(tmp_path, a_csv=f"{header}\n" + ",".join(["12345678.25"] * 124) + "\n")
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(found.table())
    lines = console.export_text().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 100
    assert sum(line.startswith("ARatherLongColumnN") for line in lines) == 124


def test_the_table_says_what_is_said_of_many_columns_once(tmp_path: Path) -> None:
    """Columns with the same trap share a line."""
    found = inspected(tmp_path, a_csv="a,b\n001,002\n003,1\n")
    found = replace(found, columns=tuple(replace(c, warnings=("-9999 in 2 rows: so",)) for c in found.columns))
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(found.table())
    assert "  a, b: -9999: so" in [line.rstrip() for line in console.export_text().splitlines()]


def test_facts_hold_everything(tmp_path: Path) -> None:
    """They can be written as JSON."""
    facts = inspected(tmp_path, a_csv="a,b\n1,2\n").facts()
    assert (facts["rows"], facts["dialect"]["delimiter"], facts["columns"][0]["type"]) == (1, ",", "int32")

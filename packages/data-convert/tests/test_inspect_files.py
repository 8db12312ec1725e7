"""The result of an inspection for files and columns."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.errors import DataConvertError
from data_convert.inspection.dataset_inspection import inspect_described, inspect_path
from data_convert.inspection.inspection_facts import Inspection
from data_convert.inspection.inspection_table import inspection_table
from data_convert.inspection.spec_text import write_table
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect, DroppedColumns
from data_convert.spec.spec_file import load_specs


def inspected(tmp_path: Path, **files: str | bytes) -> Inspection:
    """The inspection of a folder of files; a_csv is called a.csv."""
    for name, text in files.items():
        (tmp_path / name.replace("_", ".")).write_bytes(text.encode() if isinstance(text, str) else text)
    return inspect_path(tmp_path)


def message(path: Path) -> str:
    """The text of the error when the path is inspected."""
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
    """All rows are read: the last of half a million can turn a number into text."""
    text = "x,y\n" + "1,12345678901234\n" * 550_000 + "oh no,1\n"
    found = inspected(tmp_path, a_csv=text)
    assert found.columns[0].type == "string"
    assert found.columns[0].warnings[0].endswith("the first other one is 'oh no' (a.csv:550002)")
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
    """A flagged number becomes two columns, whose names must differ from the others."""
    found = inspected(tmp_path, a_csv="x_flag,x\na,1\nb,T\nc,2\n")
    assert [c.name for c in found.columns] == ["x_flag", "x_2"]


def test_columns_without_a_header_are_numbered(tmp_path: Path) -> None:
    """Columns of a file without a header get numbers as names."""
    found = inspected(tmp_path, a_csv="1,a\n2,b\n")
    assert [(c.name, c.header) for c in found.columns] == [("column_1", None), ("column_2", None)]
    assert found.notes == ("no header: the first row looks like data. Name the columns in data/datasets.toml.",)


def test_ragged_rows_are_counted_and_named(tmp_path: Path) -> None:
    """Rows with too few or too many cells belong to no column."""
    found = inspected(tmp_path, a_csv="a,b\n1,2\n3\n4,5,6\n" + "7,8\n" * 37)
    assert (found.rows, found.ragged_rows) == (38, 2)
    assert found.notes == (
        "2 rows do not fit the table's shape and are not counted below: a.csv:3: 1 cell where 2 are expected;"
        " a.csv:4: 3 cells where 2 are expected",
        'A table written with --write has `on_reject = "keep"`: the conversion writes these rows to data/rejects'
        " instead of failing.",
        '1 of them lacks cells. If these are empty cells at the end, `ragged = "pad"` in `dialect` fills them in. It is'
        " wrong if a cell is missing in the middle.",
    )


def test_too_many_ragged_rows_are_announced(tmp_path: Path) -> None:
    """More of them than `max_rejects` allows by default fail the conversion, which the inspection says before."""
    found = inspected(tmp_path, a_csv="a,b\n1,2\n3\n4,5\n")
    assert found.notes[1] == (
        'A table written with --write has `on_reject = "keep"`: the conversion writes these rows to data/rejects'
        " instead of failing. But they are 33.3% of the rows, and the conversion fails if a part has more than 5% of"
        " them (`max_rejects`)."
    )


def test_an_encoding_disproved_late_is_reported_with_its_line(tmp_path: Path) -> None:
    """A single byte after the beginning makes all of the text cp1252."""
    found = inspected(tmp_path, a_csv=b"x,y\n" + b"1,abcdefghijklm\n" * 80_000 + b"2,caf\xe9\n")
    assert found.dialect == Dialect(encoding="cp1252")
    assert found.notes[0] == "a.csv, line 80002: the first text that is not utf-8"
    assert found.columns[1].maximum == "café"


def test_utf_16_is_read(tmp_path: Path) -> None:
    """Excel's Unicode text is UTF-16 with tabs."""
    found = inspected(tmp_path, a_txt="x\ty\n1\té\n".encode("utf-16"))
    assert (found.dialect.encoding, found.dialect.delimiter, found.columns[1].minimum) == ("utf-16", "\t", "é")


def test_unlike_files_are_named(tmp_path: Path) -> None:
    """One dataset is one table."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "c.csv").write_text("shop,street\nBig,High Street\n")
    assert message(tmp_path) == (
        "PATH: 1 of 3 files does not fit the others:\n"
        "  c.csv: this is another table: it has 'shop', 'street'; a.csv and others have none of them, but 'x', 'y'."
        " Move it to a folder of its own and inspect that folder.\n"
        "Fix these files or move them away, and inspect the folder again."
    )


def test_a_file_with_fewer_lines_before_its_rows_is_named(tmp_path: Path) -> None:
    """Skipping as many lines as in the first file would lose a row of the second one."""
    found = inspected(
        tmp_path,
        a_csv="logger 7\nroom 2\n1,2.5\n2,3.5\n3,4.5\n",
        b_csv="logger 7\n4,5.5\n5,6.5\n6,7.5\n",
    )
    assert (found.dialect, found.rows) == (Dialect(header=False, skip_to="row"), 6)
    assert (
        "the files have 1 to 2 lines before the first row, which are skipped, such as: logger 7 / room 2" in found.notes
    )


def test_comments_before_the_rows_may_differ_in_number(tmp_path: Path) -> None:
    """A prefix that all of them have makes their number irrelevant."""
    found = inspected(tmp_path, a_csv="# logger 7\n# room 2\n1,2.5\n2,3.5\n", b_csv="# logger 7\n4,5.5\n5,6.5\n")
    assert (found.dialect, found.rows) == (Dialect(header=False, comment="#"), 4)


def test_lines_before_the_header_may_differ_in_number(tmp_path: Path) -> None:
    """Each file is skipped to its header."""
    found = inspected(
        tmp_path, a_csv="id,v\n1,2\n3,4\n", b_csv="logger 7\n\nid,v\n4,5\n5,6\n", c_csv="id,v\n7,8\n9,1\n"
    )
    assert (found.dialect, found.rows) == (Dialect(skip_to="header"), 6)
    assert found.notes == ("the files have 0 to 2 lines before the header, which are skipped, such as: logger 7",)


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    """The error has the nearest existing folder, its content and the nearest name."""
    (tmp_path / "weather").mkdir()
    assert message(tmp_path / "weahter" / "2020") == (
        "PATH does not exist. The nearest folder that exists is " + f"{tmp_path} (it has weather)."
    )
    assert message(tmp_path / "weahter") == (
        "PATH does not exist; did you mean 'weather'? The nearest folder that exists is PARENT (it has weather)."
    )


def test_a_folder_without_raw_files_is_reported_with_its_content(tmp_path: Path) -> None:
    """A workbook is no raw file."""
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    assert message(tmp_path) == (
        "PATH: no raw file found. Raw files end with .csv, .txt, .tsv, plain or compressed."
        " It has 1 other file, such as book.xlsx."
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "PATH: the file is empty. Get it again, or remove it."),
        (b"\x00\x01\x02" * 99, "PATH: this is not text: it holds control characters. Is it a binary file?"),
        (
            b"a,b\n1\n",
            "PATH: no row has the shape of the table (2 cells): x.csv:2: 1 cell where 2 are expected. If the header is"
            " the odd one, describe the table in data/datasets.toml with dialect = { header = false, skip_lines = 1 }"
            " and one column for each cell of a row.",
        ),
    ],
)
def test_what_cannot_be_inspected_has_a_reason(tmp_path: Path, text: bytes, problem: str) -> None:
    """Empty, binary, all ragged."""
    path = tmp_path / "x.csv"
    path.write_bytes(text)
    assert message(path) == problem


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    """All columns are text, a note says why, and the written table is converted to a part without rows."""
    folder = tmp_path / "raw" / "csv"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("a,b\n")
    found = inspect_path(folder / "x.csv", jobs=1)
    assert (found.rows, [(column.name, column.type) for column in found.columns]) == (
        0,
        [("a", "string"), ("b", "string")],
    )
    assert found.notes == (
        "there is a header but no row, so each column is taken for text: correct the types, or inspect again when there"
        " are rows.",
    )
    # Wider than the path of any temporary folder.
    console = Console(width=1000, file=io.StringIO(), record=True)
    console.print(inspection_table(found))
    assert "1 file, 0 rows, 2 columns" in console.export_text()
    file = tmp_path / "datasets.toml"
    write_table(file, "mine", found)
    report = convert_dataset(load_specs(file)["mine"], data_folder=tmp_path, jobs=1)
    assert (report.rows, len(report.parts)) == (0, 1)


def test_a_described_dataset_is_read_under_its_own_dialect(tmp_path: Path) -> None:
    """The declared type is shown next to the inferred one."""
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
    found = inspect_described(spec, tmp_path)
    assert [(c.name, c.type, c.declared) for c in found.columns] == [
        ("id", "int32", "int8"),
        ("letter", "string", "dropped"),
        ("n", "int32", "string"),
    ]


def test_progress_is_in_bytes_on_disk(tmp_path: Path) -> None:
    """The reported bytes add up to the size of the files."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n" * 1))
    reported: list[int] = []
    found = inspect_path(tmp_path, on_bytes=reported.append)
    assert sum(reported) == found.raw_bytes


def test_sizes_come_from_parquet_that_was_really_written(tmp_path: Path) -> None:
    """A column of one value weighs next to nothing, one of noise what it holds."""
    rows = "".join(f"same,{(n * 2654435761) % 2**32 / 7:.6f}\n" for n in range(5000))
    found = inspected(tmp_path, a_csv="a,b\n" + rows)
    same, noise = found.columns
    assert found.parquet_share == 1
    assert same.parquet_bytes < 200 < 18_000 < noise.parquet_bytes


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    """A hundred columns with long names are shown in lines of a hundred characters."""
    header = ",".join(f"ARatherLongColumnName{n:03}" for n in range(124))
    found = inspected(tmp_path, a_csv=f"{header}\n" + ",".join(["12345678.25"] * 124) + "\n")
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(inspection_table(found))
    lines = console.export_text().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 100
    assert sum(line.startswith("ARatherLongColumnN") for line in lines) == 124


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_figures_keep_their_units(tmp_path: Path, width: int) -> None:
    """Names and values are cut where a line is too short; figures, headings and types are not."""
    header = "Station name,Measured at,x"
    rows = "".join(f"{name},2024-01-{day:02} 10:00:00,{day}.25\n" for day in range(1, 29) for name in ("a" * 30, "b"))
    found = inspected(tmp_path, a_csv=f"{header}\n{rows}")
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(inspection_table(found))
    shown = console.export_text().splitlines()
    first = next(number for number, line in enumerate(shown) if line.startswith("column "))
    heading, *lines = shown[first : first + 4]
    assert heading.split() == ["column", "type", "nulls", "distinct", "min", "max", "CSV", "Parquet"]
    for line in lines:
        assert re.search(r" (string|timestamp|float64)\s.* [0-9.]+ k?B +[0-9.]+ k?B *$", line), line
        assert len(line.rstrip()) <= width


def test_a_warning_of_several_columns_is_one_line(tmp_path: Path) -> None:
    """Columns with the same trap share a line."""
    found = inspected(tmp_path, a_csv="a,b\n001,002\n003,1\n")
    found = replace(found, columns=tuple(replace(c, warnings=("-9999 in 2 rows: so",)) for c in found.columns))
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(inspection_table(found))
    assert "  a, b: -9999: so" in [line.rstrip() for line in console.export_text().splitlines()]


def test_facts_hold_everything(tmp_path: Path) -> None:
    """They can be written as JSON."""
    facts = inspected(tmp_path, a_csv="a,b\n1,2\n").facts()
    assert (facts["rows"], facts["dialect"]["delimiter"], facts["columns"][0]["type"]) == (1, ",", "int32")

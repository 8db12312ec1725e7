"""A raw file of each kind is inspected, written to datasets.toml, converted and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.inspection.inspection_facts import Inspection
from data_convert.inspection.preambles import sniffed_file
from data_convert.inspection.spec_text import write_table
from data_convert.reading.sources import Source
from data_convert.spec.spec_file import load_specs
from data_convert.storage.local_file import LocalFile


def converted(root: Path, **files: str | bytes) -> tuple[Inspection, dict[str, list[Any]]]:
    """The inspection, and the table that its description makes of the files."""
    raw = root / "raw" / "csv" / "x"
    raw.mkdir(parents=True)
    for name, text in files.items():
        (raw / name.replace("_", ".")).write_bytes(text if isinstance(text, bytes) else text.encode())
    inspection = inspect_path(raw)
    write_table(root / "datasets.toml", "x", inspection)
    spec = load_specs(root / "datasets.toml")["x"]
    convert_dataset(spec, data_folder=root)
    return inspection, pq.read_table(root / spec.output).to_pydict()


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a,b\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4], "column_3": [None, None]}),
        ("a,b,\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ('"x","y"\n"1",5,6\n"2",7,8\n', {"column_1": [1, 2], "x": [5, 7], "y": [6, 8]}),
        ("Spend,\n,\nwho,euro\nAnn,5\nBob,6\n", {"who": ["Ann", "Bob"], "euro": [5, 6]}),
        ("t,temp,n\nh,C,#\n1,2.5,3\n2,3.5,4\n", {"t": [1, 2], "temp": [2.5, 3.5], "n": [3, 4]}),
        ("a,b\n1,2\na,b\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
        ("# x\nid\tv\n5s\t3n\nA\t1\n# y\nB\t2\n", {"id": ["A", "B"], "v": [1, 2]}),
        ("# time, temp\n1,2.5\n2,3.5\n", {"time": [1, 2], "temp": [2.5, 3.5]}),
        (
            "Country,2000,2001\nFR,1.5,2.5\nDE,3.5,4.5\n",
            {"Country": ["FR", "DE"], "2000": [1.5, 3.5], "2001": [2.5, 4.5]},
        ),
        ("sep=;\na;b\n1;2\n3;4\n", {"a": [1, 3], "b": [2, 4]}),
        ('id, t\n1, "x, y"\n2, "z"\n', {"id": [1, 2], "t": ["x, y", "z"]}),
        ('id,t\n1,"a \\"b\\", c"\n2,"d ""e"""\n', {"id": [1, 2], "t": ['a "b", c', 'd "e"']}),
        ("a||b\n1||x|y\n2||z\n", {"a": [1, 2], "b": ["x|y", "z"]}),
        ("name\nAlice Smith\nBob Jones\n", {"name": ["Alice Smith", "Bob Jones"]}),
        ("a,a#2,a\n1,2,3\n", {"a": [1], "a_2": [2], "a_3": [3]}),
        ("b#12,c\n1,2\n", {"b#12": [1], "c": [2]}),
        ("a,a,a\n1,2,3\n", {"a": [1], "a_2": [2], "a_3": [3]}),
    ],
)
def test_the_description_of_a_file_makes_its_table(tmp_path: Path, text: str, table: dict[str, Any]) -> None:
    """What is inferred is what the conversion reads."""
    assert converted(tmp_path, a_csv=text)[1] == table


def test_files_with_different_preambles_are_converted(tmp_path: Path) -> None:
    """No row of the file with fewer lines is lost."""
    one, two = "logger 7\nroom 2\n1,2.5\n2,3.5\n9,1.5\n", "logger 7\n3,5.5\n4,6.5\n"
    assert converted(tmp_path, a_csv=one, b_csv=two)[1] == {
        "column_1": [1, 2, 9, 3, 4],
        "column_2": [2.5, 3.5, 1.5, 5.5, 6.5],
    }


def test_a_repeated_header_far_behind_the_beginning_is_counted(tmp_path: Path) -> None:
    """All rows are read, so the one header among 50,000 rows is found; the column stays a number."""
    rows = "".join(f"{n},{n % 7}\n" for n in range(50_000))
    found, table = converted(tmp_path, a_csv=f"id,flow\n{rows}id,flow\n{rows}")
    assert (found.rows, found.dialect.skip_repeated_header, len(table["id"])) == (100_000, True, 100_000)
    assert "1 row equals the header and will be skipped (`dialect.skip_repeated_header`)." in found.notes
    assert {column.type for column in found.columns} == {"int32"}


def test_quotes_without_meaning_that_come_late_are_read_as_text(tmp_path: Path) -> None:
    """The beginning has no quote; most of the rows behind it would be rejected for their quotes."""
    plain = "".join(f"{n},some longer title of a film\n" for n in range(6000))
    quoted = "".join(f'{n},"Best" film of all\n' for n in range(5000))
    found, table = converted(tmp_path, a_csv=f"id,title\n{plain}{quoted}")
    assert (found.rows, found.ragged_rows, found.dialect.quote) == (11_000, 0, None)
    assert table["title"][-1] == '"Best" film of all'
    assert found.notes == (
        "read with no quotes: the beginning of the data looks as if cells were quoted, but in this way 5,000 more rows"
        " fit. Look at some cells with quotes.",
    )


def test_an_opened_quote_does_not_swallow_rows(tmp_path: Path) -> None:
    """A quote that is never closed would hide all rows behind it."""
    rows = "".join(f"{n},abcdefghijklmnop\n" for n in range(6000))
    found, table = converted(tmp_path, a_csv=f'id,t\n{rows}6000,"open\n{rows}')
    assert (found.rows, found.ragged_rows, table["t"][6000]) == (12_001, 0, '"open')


def test_one_wrong_quote_does_not_change_the_meaning_of_the_others(tmp_path: Path) -> None:
    """It is an accident: its row is rejected, and quoted cells stay quoted."""
    rows = "".join(f'{n},"a, b"\n' for n in range(3000))
    found, table = converted(tmp_path, a_csv=f'id,t\n{rows}1,"x" y\n')
    assert (found.rows, found.ragged_rows, table["t"][0]) == (3000, 1, "a, b")


def test_names_that_differ_only_in_case_are_pointed_out(tmp_path: Path) -> None:
    """Parquet can hold them, but many tools ignore case and mix them up."""
    found, table = converted(tmp_path, a_csv="id,ID\n1,2\n")
    assert table == {"id": [1], "ID": [2]}
    assert found.notes == (
        "the columns 'id' and 'ID' differ only in case, and DuckDB and Spark take them for one: give each another"
        " `name`.",
    )


def test_a_header_of_200_kilobytes_is_complete(tmp_path: Path) -> None:
    """The sample has whole lines, however long they are."""
    names = [f"a_rather_long_name_of_a_column_{n}" for n in range(6000)]
    path = tmp_path / "wide.csv"
    path.write_text(",".join(names) + "\n" + ",".join("1" for _ in names) + "\n")

    found = sniffed_file(Source(file=LocalFile.of(path), name="wide.csv"))
    assert (found.width, found.dialect.header, found.dialect.delimiter) == (6000, True, ",")

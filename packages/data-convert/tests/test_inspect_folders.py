"""A folder of files that differ: every fault at once, and proposals for columns that come, go or are renamed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.errors import DataConvertError
from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.dataset_inspection import inspect_described, inspect_path
from data_convert.inspection.spec_text import write_table
from data_convert.spec.spec_file import load_specs
from data_convert.verification.dataset_check import verify_dataset

# First day -> the header from that day on, as a health agency changed it.
REPORT_HEADERS = {
    0: ["Province/State", "Country/Region", "Last Update", "Confirmed", "Deaths"],
    10: ["Province/State", "Country/Region", "Last Update", "Confirmed", "Deaths", "Latitude", "Longitude"],
    20: ["FIPS", "Province_State", "Country_Region", "Last_Update", "Lat", "Long_", "Confirmed", "Deaths", "Active"],
    30: [
        *("FIPS", "Province_State", "Country_Region", "Last_Update", "Lat", "Long_", "Confirmed", "Deaths", "Active"),
        *("Incidence_Rate", "Case-Fatality_Ratio"),
    ],
    36: [
        *("FIPS", "Province_State", "Country_Region", "Last_Update", "Lat", "Long_", "Confirmed", "Deaths", "Active"),
        *("Incident_Rate", "Case_Fatality_Ratio"),
    ],
}
PLACES = [("Hubei", "China", 30.98, 112.27), ("", "France", 46.2, 2.2), ("", "Réunion, France", -21.1, 55.2)]


def report(day: int) -> str:
    """The report of a day, one row per place."""
    when = date(2020, 1, 22) + timedelta(days=day)
    header = next(names for first, names in reversed(REPORT_HEADERS.items()) if first <= day)
    lines = [",".join(header)]
    for number, (state, country, latitude, longitude) in enumerate(PLACES):
        cases = 100 * (day + 1) + number
        values = {
            "province": state,
            "country": f'"{country}"',
            "last": f"{when:%Y-%m-%d} 17:00",
            "confirm": cases,
            "death": cases // 50,
            "lat": latitude,
            "lon": longitude,
            "fip": 1000 + number,
            "act": cases - 7,
            "inc": cases / 8,
            "cas": cases / 64,
        }
        cells = [next(text for key, text in values.items() if name.lower().startswith(key)) for name in header]
        lines.append(",".join(map(str, cells)))
    line_ends = ["\r\n" if day % 3 == 0 or day % 7 == number else "\n" for number in range(len(lines))]
    return "".join(line + end for line, end in zip(lines, line_ends, strict=True))


def write_reports(folder: Path) -> None:
    """Forty days of reports with five headers, byte order marks, and mixed line ends."""
    folder.mkdir(parents=True)
    for day in range(40):
        when = date(2020, 1, 22) + timedelta(days=day)
        (folder / f"{when:%m-%d-%Y}.csv").write_bytes(report(day).encode("utf-8-sig" if day % 4 else "utf-8"))


def columns(tmp_path: Path, *texts: str) -> Sequence[ColumnInspection]:
    """The columns of a folder of daily files with these texts."""
    for number, text in enumerate(texts, 1):
        (tmp_path / f"2024-01-{number:02}.csv").write_text(text)
    return inspect_path(tmp_path).columns


def test_forty_reports_with_five_headers_need_no_edit(tmp_path: Path) -> None:
    """Inspect, write the table, and convert: each file becomes a part with all columns."""
    write_reports(tmp_path / "raw/csv/reports")
    write_table(tmp_path / "datasets.toml", "reports", inspect_path(tmp_path / "raw/csv/reports"))
    spec = load_specs(tmp_path / "datasets.toml")["reports"]
    assert [(column.name, column.names, column.optional) for column in spec.columns] == [
        ("FIPS", (), True),
        ("Province_State", ("Province/State",), False),
        ("Country_Region", ("Country/Region",), False),
        ("Last_Update", ("Last Update",), False),
        ("Confirmed", (), False),
        ("Deaths", (), False),
        ("Active", (), True),
        ("Incident_Rate", ("Incidence_Rate",), True),
        ("Case_Fatality_Ratio", ("Case-Fatality_Ratio",), True),
        ("Lat", ("Latitude",), True),
        ("Long_", ("Longitude",), True),
    ]
    made = convert_dataset(spec, data_folder=tmp_path, jobs=2)
    rows = pq.read_table(made.folder).to_pylist()
    assert (made.rows, len(rows)) == (120, 120)
    assert verify_dataset(spec, data_folder=tmp_path, jobs=1).is_clean
    assert {row["Country_Region"] for row in rows} == {"China", "France", "Réunion, France"}
    assert sum(row["Lat"] is not None for row in rows) == 90


def test_it_is_shown_from_which_file_to_which_each_header_was_used(tmp_path: Path) -> None:
    """The user can check a proposal without opening a file, and can copy it."""
    found = {
        column.name: column
        for column in columns(
            tmp_path, "k,City\n1,Bonn\n", "k,City\n2,Lyon\n", "k,City name,n\n3,Bonn\n", "n,City name,k\n"
        )
    }
    assert found["City name"].warnings == (
        "taken for one column, renamed over time: 'City' in 2024-01-01.csv to 2024-01-02.csv; 'City name' in"
        " 2024-01-03.csv to 2024-01-04.csv; if these are two columns, declare both",
    )
    assert found["n"].warnings[0] == "missing from 2 of 4 files (2024-01-01.csv to 2024-01-02.csv): null there"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Country/Region", "country_region"),
        ("Latitude", "Lat"),
        ("PM10", "PM10 (µg/m³)"),
        ("Time", "Measured at"),
    ],
)
def test_a_renamed_column_is_one_column(tmp_path: Path, before: str, after: str) -> None:
    """Other case and signs, an abbreviation, an added unit, or the same place and content."""
    found = columns(tmp_path, f"id,{before},n\n1,12.5,3\n2,13.5,4\n", f"id,{after},n\n3,13,5\n4,12.25,6\n")
    assert [(column.name, column.names) for column in found] == [("id", ()), (after, (before,)), ("n", ())]


@pytest.mark.parametrize(
    ("before", "after", "values"),
    [
        ("temp_min", "temp_max", ("1.5", "1.25")),
        ("Temp (C)", "Temp (F)", ("21.5", "21.25")),
        ("PM10", "PM25", ("1.5", "1.25")),
        ("note", "price", ("good", "1.25")),
        ("wind", "rain", ("1000", "0.2")),
    ],
)
def test_another_column_is_another_column(tmp_path: Path, before: str, after: str, values: tuple[str, str]) -> None:
    """Other units, numbers in names, types or values are a reason to keep two columns."""
    found = columns(tmp_path, f"id,{before},n\n1,{values[0]},3\n", f"id,{after},n\n2,{values[1]},4\n")
    assert {column.name for column in found} == {"id", before, after, "n"}
    assert all(not column.names for column in found)
    assert {column.name for column in found if column.optional} == {before, after}


def test_columns_that_occur_in_one_file_together_are_never_one_column(tmp_path: Path) -> None:
    """A single file with both is proof."""
    found = columns(tmp_path, "id,City\n1,Bonn\n", "id,City name\n2,Bonn\n", "id,City,City name\n3,Bonn,Bonn\n")
    assert {column.name for column in found} == {"id", "City", "City name"}


def test_every_fault_is_reported_with_its_file(tmp_path: Path) -> None:
    """One round shows all of them, whichever file is the first."""
    files = {
        "1.csv": "a;b;c\n1;2;3\n",
        "2.csv": "a,b,c\n1,2,3\n",
        "3.csv": "",
        "4.csv": "a,b,c\n1,2,3\n",
        "5.csv": "1,2,3\n4,5,6\n",
        "6.csv": "name,street,town\nx,y,z\n",
        "7.csv.gz": "no gzip",
        "8.csv": "a,b,c\n1,2,3\n",
        "9.csv": "# from the logger\n# of room 2\na,b,c\n1,2,3\n",
        "a.csv": "a,b,c\n1,2,3\n",
        "b.csv": "a,b,c\n1,2,3\n",
        "c.csv": "a,b,c\n1,2,3\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "d.csv").write_bytes("a,b,c\n1,2,3\n".encode("utf-16"))
    with pytest.raises(DataConvertError) as raised:
        inspect_path(tmp_path)
    lines = str(raised.value).replace(str(tmp_path), "FOLDER").splitlines()
    assert lines[0] == "FOLDER: 6 of 13 files do not fit the others:"
    assert [line.strip().split(":")[0] for line in lines[1:-1]] == [
        *("1.csv", "3.csv", "5.csv", "6.csv", "7.csv.gz", "d.csv")
    ]
    assert lines[1] == (
        "  1.csv: this one uses ';' between its cells, 2.csv and others use ','. Write it again like the others,"
        " or describe it as a dataset of its own, in a folder of its own."
    )
    assert lines[2] == "  3.csv: the file is empty. Get it again, or remove it."
    assert lines[3] == (
        "  5.csv: its first line is a row, not the header that 2.csv and others have: '1', '2', '3'."
        " Add the header to this file."
    )
    assert lines[6] == (
        "  d.csv: this one is utf-16, 2.csv and others are utf-8. Convert it: iconv -f utf-16 -t utf-8 d.csv > NEW."
    )
    assert lines[-1] == "Fix these files or move them away, and inspect the folder again."


def test_a_file_in_another_encoding_is_a_fault(tmp_path: Path) -> None:
    """Reading UTF-8 as cp1252 would change the letters of the other files without an error."""
    (tmp_path / "a.csv").write_bytes("n,city\n1,Köln\n".encode("cp1252"))
    (tmp_path / "b.csv").write_bytes("n,city\n1,Köln\n".encode())
    with pytest.raises(DataConvertError) as raised:
        inspect_path(tmp_path)
    assert str(raised.value).splitlines()[1] == (
        "  a.csv: line 2 is not UTF-8, but b.csv has letters that are. Convert this file:"
        " iconv -f cp1252 -t utf-8 a.csv > NEW, if its letters are cp1252."
    )


def test_a_folder_in_one_old_encoding_is_no_fault(tmp_path: Path) -> None:
    """Files of ASCII alone are in every encoding."""
    (tmp_path / "a.csv").write_bytes(b"n,city\n1,Bonn\n")
    (tmp_path / "b.csv").write_bytes("n,city\n1,Köln\n".encode("cp1252"))
    assert inspect_path(tmp_path).dialect.encoding == "cp1252"


def test_files_without_a_header_have_one_width(tmp_path: Path) -> None:
    """Cells of another width belong to no column."""
    for name, text in {"a.csv": "1,2\n3,4\n", "b.csv": "1,2\n3,4\n", "c.csv": "1,2,3\n4,5,6\n"}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataConvertError) as raised:
        inspect_path(tmp_path)
    assert "  c.csv: its rows have 3 cells, those of a.csv and others 2." in str(raised.value)


def test_a_header_in_one_of_many_files_without_is_a_fault(tmp_path: Path) -> None:
    """As a row, it would make texts of all numbers."""
    for name in "abcd":
        (tmp_path / f"{name}.csv").write_text("1,x\n2,y\n3,z\n")
    (tmp_path / "e.csv").write_text("id,kind\n4,x\n5,y\n6,z\n")
    with pytest.raises(DataConvertError) as raised:
        inspect_path(tmp_path)
    assert str(raised.value).splitlines()[1] == (
        "  e.csv: its first line is a header, a.csv and others have none: 'id', 'kind'."
        " Remove this line, or add it to all files."
    )


def test_files_with_other_orders_are_named(tmp_path: Path) -> None:
    """Nothing has to be done about them."""
    (tmp_path / "a.csv").write_text("x,y\n1,a\n")
    (tmp_path / "b.csv").write_text("y,x\nb,2\n")
    found = inspect_path(tmp_path)
    assert found.notes == ("the columns stand in another order in b.csv; each file is read by its own header",)
    assert [(column.name, column.minimum, column.maximum) for column in found.columns] == [
        ("x", "1", "2"),
        ("y", "a", "b"),
    ]


def test_a_described_dataset_shows_what_is_declared(tmp_path: Path) -> None:
    """Declared names and optional columns need no word; new columns do."""
    write_reports(tmp_path / "raw/csv/reports")
    write_table(tmp_path / "datasets.toml", "reports", inspect_path(tmp_path / "raw/csv/reports"))
    found = inspect_described(load_specs(tmp_path / "datasets.toml")["reports"], tmp_path)
    assert all(not column.warnings for column in found.columns if column.name != "Last_Update")
    assert [column.declared for column in found.columns].count(None) == 0


def test_a_described_dataset_shows_what_to_declare(tmp_path: Path) -> None:
    """A later file has a new header for a column, lacks one, and has another one."""
    folder = tmp_path / "raw/csv/air"
    folder.mkdir(parents=True)
    for day in range(1, 4):
        (folder / f"2024-01-0{day}.csv").write_text(f"Station,PM,flag\nA,{day}.5,x\n")
    write_table(tmp_path / "datasets.toml", "air", inspect_path(folder))
    (folder / "2024-01-04.csv").write_text("STATION,PM,height\nA,4.5,120\n")
    found = inspect_described(load_specs(tmp_path / "datasets.toml")["air"], tmp_path)
    warnings = {column.name: column.warnings for column in found.columns}
    assert warnings == {
        "Station": (
            "taken for one column, renamed over time: 'Station' in 2024-01-01.csv to 2024-01-03.csv; 'STATION' in"
            " 2024-01-04.csv; if these are two columns, declare both; else write names = [\"STATION\"] at 'Station'",
        ),
        "PM": (),
        "flag": ("missing from 1 of 4 files (2024-01-04.csv): an error until you write optional = true",),
        "height": (
            'not declared; to keep it, add { name = "height", type = "int32", optional = true } to `columns`',
            "missing from 3 of 4 files (2024-01-01.csv to 2024-01-03.csv): null there",
        ),
    }

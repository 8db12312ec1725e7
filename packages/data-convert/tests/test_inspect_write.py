"""The table that --write adds can be used without an edit."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_convert.conversion.conversion_report import ConversionReport
from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.errors import DataConvertError, TooManyRejectsError
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.inspection.spec_text import write_table
from data_convert.spec.spec_file import load_specs

OTHERS = """\
# The lead's own words.

[datasets.old]   # kept
source = "raw/csv/old"
output = "raw/parquet/old"
columns = [
    { name = "a", type = "string" }, # why
]
"""


def write(data: Path, name: str = "mine", *, text: str | bytes, file: str = "x.csv", replace: bool = False) -> str:
    """Put the text in data/raw/csv/NAME, inspect it, write its table; the new datasets.toml."""
    folder = data / "raw" / "csv" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(text.encode() if isinstance(text, str) else text)
    write_table(data / "datasets.toml", name, inspect_path(folder), replace=replace)
    return (data / "datasets.toml").read_text(encoding="utf-8")


def convert(data: Path, name: str = "mine") -> tuple[ConversionReport, dict[str, list[object]]]:
    """What the conversion reports, and the columns of the one part."""
    report = convert_dataset(load_specs(data / "datasets.toml")[name], data_folder=data, jobs=1)
    return report, pq.read_table(report.folder / report.parts[0].name).to_pydict()


def refused(path: Path, name: str, folder: Path) -> str:
    """The text of the error when the table is written."""
    with pytest.raises(DataConvertError) as raised:
        write_table(path, name, inspect_path(folder))
    return str(raised.value).replace(str(path.parent), "DATA")


def test_the_table_is_ready(tmp_path: Path) -> None:
    """Dialect, types, formats, nulls, and what to look at."""
    text = "id;code;day;flow;empty\n1;007;31/01/2020;NA;\n2;008;01/02/2020;1.5;\n"
    assert write(tmp_path, text=text) == (
        "#:schema ./datasets.schema.json\n"
        "# Every dataset is described here and only here.\n"
        "\n"
        "[datasets.mine]\n"
        "# Inferred from all of 1 file (2 rows). A value in a later file that does not fit is an error that names\n"
        "# it.\n"
        'source = "raw/csv/mine"\n'
        'output = "raw/parquet/mine"\n'
        'dialect = { delimiter = ";" }\n'
        "columns = [\n"
        '    { name = "id", type = "int32" },\n'
        "    # leading zeros, such as '007' (x.csv:2): text, since a number would lose them\n"
        '    { name = "code", type = "string" },\n'
        '    { name = "day", type = "date", formats = ["%d/%m/%Y"] },\n'
        "    # read as no value: 'NA' (1 row)\n"
        '    { name = "flow", type = "float64", exact = "decimal(9, 1)", nulls = ["", "NA"] },\n'
        '    { name = "empty", type = "string" }, # empty in every row\n'
        "]\n"
    )


def test_the_rest_of_the_file_stays_as_it_is(tmp_path: Path) -> None:
    """Comments, order and blanks of what a person wrote are theirs."""
    (tmp_path / "datasets.toml").write_text(OTHERS)
    new = write(tmp_path, text="a,b\n1,2\n")
    assert new.startswith(OTHERS + "\n[datasets.mine]\n")
    assert list(load_specs(tmp_path / "datasets.toml")) == ["old", "mine"]


def test_a_table_is_replaced_only_with_the_flag(tmp_path: Path) -> None:
    """A description is work; it is not lost by a second inspection."""
    (tmp_path / "datasets.toml").write_text(OTHERS)
    before = write(tmp_path, text="a,b\n1,2\n")
    with pytest.raises(DataConvertError) as raised:
        write(tmp_path, text="a,b\n1,x\n")
    assert str(raised.value) == (
        f"{tmp_path}/datasets.toml describes 'mine' already. Choose another name, or use --replace to replace"
        " its table."
    )
    assert (tmp_path / "datasets.toml").read_text() == before
    after = write(tmp_path, text="a,b\n1,x\n", replace=True)
    assert after == before.replace('name = "b", type = "int32"', 'name = "b", type = "string"')


def test_replacing_a_table_leaves_its_neighbours(tmp_path: Path) -> None:
    """The new table is in the place of the old one."""
    write(tmp_path, text="a,b\n1,2\n")
    with (tmp_path / "datasets.toml").open("a") as file:
        file.write("\n" + OTHERS)
    new = write(tmp_path, text="a,b\n1,x\n", replace=True)
    assert new.endswith(OTHERS)
    assert list(load_specs(tmp_path / "datasets.toml")) == ["mine", "old"]


def test_files_elsewhere_are_not_described(tmp_path: Path) -> None:
    """DVC and the conversion know only what is below data/."""
    (tmp_path / "data").mkdir()
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert refused(tmp_path / "data" / "datasets.toml", "mine", tmp_path / "x.csv") == (
        f"{tmp_path} is not below DATA/raw/csv, where a dataset's raw files are. Put them into DATA/raw/csv/mine"
        " (a link will do) and inspect that folder."
    )


def test_a_link_to_files_elsewhere_will_do(tmp_path: Path) -> None:
    """The source is the folder of the link."""
    data = tmp_path / "data"
    (data / "raw" / "csv").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.csv").write_text("a,b\n1,2\n")
    (data / "raw" / "csv" / "mine").symlink_to(tmp_path / "far")
    write_table(data / "datasets.toml", "mine", inspect_path(data / "raw" / "csv" / "mine"))
    assert convert(data)[0].rows == 1


def test_a_name_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """With one that could."""
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert refused(tmp_path / "datasets.toml", "My Data!", tmp_path / "x.csv") == (
        "'My Data!' cannot name a dataset: use lower-case letters, digits, '-' and '_' only, such as 'my-data'."
    )


def test_a_file_that_the_conversion_would_not_find_is_refused(tmp_path: Path) -> None:
    """A raw file is found by its ending."""
    folder = tmp_path / "raw" / "csv"
    folder.mkdir(parents=True)
    (folder / "x.dat").write_text("a,b\n1,2\n")
    assert refused(tmp_path / "datasets.toml", "mine", folder / "x.dat").startswith(
        "a dataset 'mine' would read 0 files (none) instead of the inspected ones."
    )
    assert not (tmp_path / "datasets.toml").exists()


def test_mostly_ragged_files_are_refused(tmp_path: Path) -> None:
    """A table that keeps the lesser part of the rows was read wrongly."""
    with pytest.raises(DataConvertError, match=r"^2 of 3 rows do not fit the table's shape, so no table was written"):
        write(tmp_path, text="a,b,c\n1,2,3\n1,2\n1\n")


def test_one_file_of_a_folder_is_found_by_its_name(tmp_path: Path) -> None:
    """Signs of a glob in the name mean themselves."""
    folder = tmp_path / "raw" / "csv"
    folder.mkdir(parents=True)
    for name in ("x[1].csv", "x1.csv"):
        (folder / name).write_text("a,b\n1,2\n")
    write_table(tmp_path / "datasets.toml", "mine", inspect_path(folder / "x[1].csv"))
    report, _ = convert(tmp_path)
    assert [part.name for part in report.parts] == ["x[1].parquet"]
    assert report.folder == tmp_path / "raw" / "parquet" / "mine"


def test_the_output_mirrors_the_source(tmp_path: Path) -> None:
    """The output of raw/csv/pems/detector is raw/parquet/pems/detector, unless another dataset has it."""
    folder = tmp_path / "raw" / "csv" / "pems" / "detector"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text("a,b\n1,2\n")
    for name in ("first", "second"):
        write_table(tmp_path / "datasets.toml", name, inspect_path(folder))
    specs = load_specs(tmp_path / "datasets.toml")
    assert [spec.output for spec in specs.values()] == ["raw/parquet/pems/detector", "raw/parquet/second"]


def test_the_output_is_not_inside_the_source(tmp_path: Path) -> None:
    """Raw files directly in data/raw have their Parquet in data/parquet."""
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/a.csv").write_text("x,y\n1,2\n")
    file = tmp_path / "data/datasets.toml"
    write_table(file, "mine", inspect_path(tmp_path / "data/raw"))
    assert load_specs(file)["mine"].output == "parquet/mine"


def test_ragged_rows_go_to_the_rejects(tmp_path: Path) -> None:
    """The rows that fit are converted, the others are kept unchanged."""
    write(tmp_path, text="a,b\n1,2\n3\n" + "4,5\n" * 18)
    report, columns = convert(tmp_path)
    assert (report.rows, report.rejects, columns) == (19, 1, {"a": [1, *[4] * 18], "b": [2, *[5] * 18]})


def test_too_many_ragged_rows_fail_the_conversion(tmp_path: Path) -> None:
    """More rejects than the default of `max_rejects` are not accepted without a decision of the user."""
    write(tmp_path, text="a,b\n1,2\n3\n4,5\n6,7\n")
    with pytest.raises(TooManyRejectsError, match="1 of 4 rows"):
        convert(tmp_path)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("1;1,5\n2;2,5\n", {"column_1": [1, 2], "column_2": [1.5, 2.5]}),
        ("a,b\n1,'x, y'\n2,'z'\n", {"a": [1, 2], "b": ["x, y", "z"]}),
        ("a\tb\r\n1\tx\r\n", {"a": [1], "b": ["x"]}),
        ("title\n\na,b,c\n1,2,3\n", {"a": [1], "b": [2], "c": [3]}),
        ('a,b\n"1","x\ny"\n', {"a": [1], "b": ["x\ny"]}),
        ("a,a,\n1,2,3\n", {"a": [1], "a_2": [2], "column_3": [3]}),
        ("x\n1\n\n2\n", {"x": [1, None, 2]}),
        ("x,y\n1,T\n2,3\n3,0.5s\n4,1\n5,1\n", {"x": [1, 2, 3, 4, 5], "y": [None, 3.0, 0.5, 1.0, 1.0],
                                               "y_flag": ["T", None, "s", None, None]}),
        ("ok,n\nyes,NULL\nno,1\n", {"ok": [True, False], "n": [None, 1]}),
        ("a,b\n1,é\n".encode("utf-16"), {"a": [1], "b": ["é"]}),
        ("a,b\n1,é\n".encode("cp1252"), {"a": [1], "b": ["é"]}),
        (b'a,b\n1,"\x00"\n', {"a": [1], "b": ["\x00"]}),
        ("a,b\n1,2\n3,4\n".replace("\n", "\r"), {"a": [1, 3], "b": [2, 4]}),
    ],
)  # fmt: skip
def test_two_commands_are_enough(tmp_path: Path, text: str | bytes, columns: dict[str, list[object]]) -> None:
    """After --write, the conversion keeps every value and rejects no row."""
    write(tmp_path, text=text)
    report, found = convert(tmp_path)
    assert (report.rejects, found) == (0, columns)


_CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["", "NA", "nan", "T", "0.5s", "007", "true", "no", "1,5", "-9999", " 1", "01/02/2020", "x\ny"]),
    st.sampled_from(
        ["1.234,5", "1,234", "12.345", "1 234", "5 %", "$5", "-$1,234.5", "12E3", "+4915112345", "3.10", "3.1"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6),  # many of these look binary
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_CELLS, _CELLS, _CELLS), min_size=1, max_size=6))
def test_whatever_is_inferred_the_conversion_takes(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    """Quoted cells of any kind: as many rows come out as went in."""
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [("a", "b", "c"), *rows]]
    folder = tmp_path / "raw" / "csv" / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.csv").write_bytes("\n".join(quoted).encode())
    inspection = inspect_path(folder)
    write_table(tmp_path / "datasets.toml", "mine", inspection, replace=True)
    report, _ = convert(tmp_path)
    assert report.rows + report.rejects == inspection.rows + inspection.ragged_rows
    assert report.rejects == inspection.ragged_rows

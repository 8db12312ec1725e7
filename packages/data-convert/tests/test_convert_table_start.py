"""Each file of a folder may have another number of lines before its table."""

from __future__ import annotations

from typing import Any

import pytest

from data_convert.errors import HeaderError, SourceError
from data_convert.reading import table_start
from data_convert.spec.dataset_spec import ColumnSpec, Dialect, DroppedColumns

TO_HEADER = Dialect(skip_to="header")
TO_ROW = Dialect(header=False, skip_to="row")
NUMBERS = {"t": "int32", "v": "float64", "note": "string"}


def _rows(lab: Any, text: str | bytes, dialect: Dialect, columns: Any = NUMBERS) -> Any:
    """The rows, and how many lines were skipped."""
    lab.raw("a.csv", text)
    report = lab.convert(lab.spec(columns, dialect=dialect), force=True)
    return [tuple(row.values()) for row in lab.table().to_pylist()], report.skipped.get("lines", 0)


def _problem(lab: Any, text: str, dialect: Dialect, columns: Any = NUMBERS) -> str:
    lab.raw("a.csv", text)
    with pytest.raises(SourceError) as caught:
        lab.convert(lab.spec(columns, dialect=dialect))
    return str(caught.value).partition("a.csv: ")[2]


@pytest.mark.parametrize(
    "preamble",
    [
        "",
        "# logger\n",
        "# logger\n\n# 2\n",
        'Station "5\n',
        '"never closed\n',
        'a "title",,\r\n\r,,\r\n',
        "t,v\nt;v;note\n",
        "t,v,note,\n",
        "\ufeffa\n",
        "title\n" * 3000,
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_before_a_header(lab: Any, preamble: str, end: str) -> None:
    """The table starts at the record with the declared columns, whatever stands before it."""
    text = preamble + f'note,"t",v{end}"x{end}y",1,2.5{end}t,3,4{end}'
    lines = preamble.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert _rows(lab, text, TO_HEADER) == ([(1, 2.5, f"x{end}y"), (3, 4.0, "t")], lines)


@pytest.mark.parametrize("preamble", ["", "# logger\n", '# "\n\n1,2\n', "t,v,note\n", "h,C,\n", ",,\n", '"a\n'])
def test_lines_before_the_first_row(lab: Any, preamble: str) -> None:
    """Without a header, the table starts at the first record that fits all columns."""
    lines = preamble.count("\n")
    assert _rows(lab, preamble + '1,2.5,"x\ny"\n', TO_ROW) == ([(1, 2.5, "x\ny")], lines)


def test_files_with_different_preambles(lab: Any) -> None:
    """No file of a folder loses a row, and no line before a table becomes one."""
    for number in range(4):
        lab.raw(f"{number}.csv", "# logger\n" * number + "1,2,\n3,4,\n")
    report = lab.convert(lab.spec(NUMBERS, dialect=TO_ROW))
    assert [part.rows for part in report.parts] == [2, 2, 2, 2]
    assert [part.skipped for part in report.parts] == [{}, {"lines": 1}, {"lines": 2}, {"lines": 3}]
    assert report.skipped == {"lines": 6}


def test_header_in_any_encoding_and_dialect(lab: Any) -> None:
    """The search reads decoded text in the declared dialect."""
    dialect = Dialect(skip_to="header", encoding="utf-16", delimiter="||", comment="#", rows_after_header=1)
    text = "größe\nt|v\n#\nt||v||note\nh||C||\n# x\n1||2||é\n"
    assert _rows(lab, text.encode("utf-16"), dialect) == ([(1, 2.0, "é")], 3)


def test_long_header_behind_lines(lab: Any) -> None:
    """A header may be longer than the text that is read at once."""
    dropped = DroppedColumns(headers=tuple(f"{'x' * 100}{i}" for i in range(50_000)), why="test")
    layout = (ColumnSpec(name="t", header="t", type="int32"), dropped)
    lab.raw("a.csv", "title\n" + ",".join(["t", *dropped.headers]) + "\n1" + "," * 50_000 + "\n")
    lab.convert(lab.spec(dialect=TO_HEADER, layout=layout))
    assert lab.table().to_pydict() == {"t": [1]}


def test_header_that_does_not_fit(lab: Any) -> None:
    """The header that is most like the declared columns is compared with them."""
    problem = _problem(lab, "title\nt,w,note\n1,2,3\n", TO_HEADER)
    assert problem.startswith("the header does not fit the declared columns:\n  'v' is missing\n  'w' is not declared")


def test_no_header(lab: Any) -> None:
    """The error names the line that has the most of the declared columns."""
    assert _problem(lab, "title\n\nv\n1,2,3", TO_HEADER) == (
        'no header (`dialect.skip_lines = "to-header"`): none of the first 4 lines has the declared columns. Line 3 has'
        " the most, 1 of 3 columns: 'v'"
    )
    assert _problem(lab, "title", TO_HEADER).endswith(": the only line does not have the declared columns.")


def test_no_row(lab: Any) -> None:
    """The error has the number of lines and cells."""
    assert _problem(lab, "title\nx,2,3\n", TO_ROW) == (
        'no row (`dialect.skip_lines = "to-row"`): none of the first 2 lines has 3 cells that fit the declared columns.'
    )


@pytest.mark.parametrize("dialect", [TO_HEADER, TO_ROW])
@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_empty_file_without_a_table_start(lab: Any, dialect: Dialect, text: str) -> None:
    """An empty file is called empty."""
    assert _problem(lab, text, dialect) == "the file is empty. Get it again, or remove it."


def test_row_that_may_be_a_title(lab: Any) -> None:
    """A line with few values that fits is not skipped silently: it may be a row."""
    columns = {"name": "string", "a": "int32", "b": "int32"}
    assert _problem(lab, "x\nReport,,\ny,1,2\n", TO_ROW, columns) == (
        'line 2 may be the first row or not (`dialect.skip_lines = "to-row"`): it fits the columns, but has few values:'
        " 'Report,,'. Write `dialect.skip_lines = 1` if it is a row, or 2 if the table starts in line 3."
    )
    assert _rows(lab, "x\nReport,,\n", TO_ROW, columns) == ([("Report", None, None)], 1)


def test_table_of_texts(lab: Any) -> None:
    """In a table of texts, the first filled record of the same width is the first row."""
    columns = {"a": "string", "b": "string"}
    assert _rows(lab, "title\n,\nx,\n", TO_ROW, columns) == ([("x", None)], 2)


def test_row_before_the_header(lab: Any) -> None:
    """A row of the table that stands before the header would be lost, so it is an error."""
    assert _problem(lab, "1,2,x\nt,v,note\n3,4,y\n", TO_HEADER) == (
        "line 1 is skipped (`dialect.skip_lines = \"to-header\"`), but it is a row of the table: '1,2,x'. The header"
        " stands below it. If the line is a comment, declare `dialect.comment`."
    )


def test_search_is_bounded(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table far below is not found, and lines with stray quotes do not make the search quadratic."""
    assert "none of the first 10,000 lines" in _problem(lab, "x\n" * 10_000 + "t,v,note\n", TO_HEADER)
    monkeypatch.setattr(table_start, "_SCAN_LIMIT_BYTES", 90)
    assert "none of the first 3 lines" in _problem(lab, '"xxxxxxxxxxxxx\n' * 4 + "t,v,note\n", TO_HEADER)
    monkeypatch.setattr(table_start, "_RECORD_LIMIT_BYTES", 50)
    assert _rows(lab, '"xxxx\nx,t,v\nt,v,note\n1,2,3\n' + "4,5,6\n" * 9, TO_HEADER)[0][0] == (1, 2.0, "3")


def test_header_errors_are_header_errors(lab: Any) -> None:
    """Callers that catch a wrong header also catch a missing one."""
    lab.raw("a.csv", "title\n")
    with pytest.raises(HeaderError):
        lab.convert(lab.spec(NUMBERS, dialect=TO_HEADER))

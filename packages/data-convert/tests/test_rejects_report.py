"""What data.rejects shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data_convert.errors import DataConvertError
from data_convert.rejects_by_reason import rejects_text, report_on_rejects
from terminal import json_text

INT32 = "is not an int32 (-2147483648 to 2147483647)"


@pytest.fixture
def kept(lab: Any) -> Any:
    """A converted dataset of three parts, two of them with rejects."""
    lab.raw("a.csv", 'id,kind\n1,oak\nx,elm\n2\nx,"f\nir"\n-,ash\ny,yew\n')
    lab.raw("b.csv", b"id,kind\n1,\xe9\nz,elm\n")
    lab.raw("c.csv", "id,kind\n1,oak\n")
    lab.trees = lab.spec(on_reject="keep")
    lab.convert(lab.trees)
    return lab


def test_rejects_are_grouped_by_reason(kept: Any) -> None:
    """The most frequent reason of all parts comes first, with its first rows."""
    assert rejects_text(report_on_rejects(kept.trees, kept.root)).splitlines() == [
        "trees: 7 rejects in 2 of 3 parts",
        f"  5 rows: column 'id' {INT32}",
        "    a.csv:3: x,elm",
        r'    a.csv:5: x,"f\nir"',
        "    a.csv:7: -,ash",
        "  1 row: the row is too short: 1 cell where 2 are expected",
        "    a.csv:4: 2",
        "  1 row: column 'kind' is not valid in the declared encoding; is it another one, such as cp1252?"
        " (`dialect.encoding`)",
        r"    b.csv:2: 1,\udce9",
        "All of them, one file for each part: data/rejects/trees",
    ]


def test_rejects_as_plain_data(kept: Any) -> None:
    """The JSON has the same, also for bytes that are not UTF-8."""
    kept.rejects_file("a.csv").unlink()
    assert json.loads(json_text(report_on_rejects(kept.trees, kept.root).facts()).encode()) == {
        "dataset": "trees",
        "parts": 3,
        "rejects": 7,
        "rejects_by_part": {"a.parquet": 5, "b.parquet": 2},
        "absent": ["a.parquet"],
        "reasons": [
            {
                "column": "kind",
                "reason": "is not valid in the declared encoding; is it another one, such as cp1252?"
                " (`dialect.encoding`)",
                "rows": 1,
                "examples": [{"source": "b.csv", "line": 2, "row": r"1,\udce9"}],
            },
            {
                "column": "id",
                "reason": INT32,
                "rows": 1,
                "examples": [{"source": "b.csv", "line": 3, "row": "z,elm"}],
            },
        ],
    }


def test_absent_files_are_no_error(kept: Any) -> None:
    """Who pulled the Parquet alone sees how many rejects there are, and where their rows come from."""
    for name in kept.left_rejects():
        kept.rejects_file(name).unlink()
    assert rejects_text(report_on_rejects(kept.trees, kept.root)).splitlines() == [
        "trees: 7 rejects in 2 of 3 parts",
        "The files of 7 rejects in 2 parts are not here, because rejects are not transferred with the Parquet. With the"
        " raw files, `invoke data.compress --dataset trees --force` writes them.",
    ]


def test_no_rejects(lab: Any) -> None:
    """A dataset without rejects says so."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.convert(lab.spec())
    assert rejects_text(report_on_rejects(lab.spec(), lab.root)) == "trees: no rejects in 1 part"


def test_not_converted(lab: Any) -> None:
    """Before the conversion there is nothing to show."""
    with pytest.raises(DataConvertError, match=r"no part in .*parts, so there are no rejects to show\. Run"):
        report_on_rejects(lab.spec(), lab.root)


def test_long_rows_are_cut_in_the_text(lab: Any) -> None:
    """A row of any length takes one line of about a hundred characters."""
    lab.raw("a.csv", "id,kind\nx," + "k" * 5000 + "\n")
    spec = lab.spec(on_reject="keep")
    lab.convert(spec)
    assert f"    a.csv:2: x,{'k' * 98}…" in rejects_text(report_on_rejects(spec, lab.root)).splitlines()


def test_a_file_of_the_user_is_not_read(kept: Any) -> None:
    """A file of the right name with another content is reported."""
    kept.rejects_file("a.csv").write_text("my,notes\n")
    with pytest.raises(DataConvertError, match=r"a\.csv does not start with source,line,column,reason,row"):
        report_on_rejects(kept.trees, kept.root)

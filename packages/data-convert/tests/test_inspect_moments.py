"""Dates and timestamps whose form the values alone do not show, or that have several forms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.dataset_inspection import inspect_path


def _column(tmp_path: Path, texts: Sequence[str], **options: Any) -> ColumnInspection:
    path = tmp_path / "x.csv"
    path.write_text("number,x\n" + "".join(f'{number},"{text}"\n' for number, text in enumerate(texts)))
    return inspect_path(path, **options).columns[1]


def _folder(tmp_path: Path, **files: Sequence[str]) -> ColumnInspection:
    for name, texts in files.items():
        rows = "".join(f"{number},{text}\n" for number, text in enumerate(texts))
        (tmp_path / f"{name.replace('_', '-')}.csv").write_text("number,x\n" + rows)
    return inspect_path(tmp_path).columns[1]


@pytest.mark.parametrize(
    ("texts", "precision", "minimum"),
    [
        (["2020-01-31T10:00:00.1234567Z", "2020-01-31T10:00:00.5Z"], "ns", "2020-01-31 10:00:00.123456Z"),
        (["2020-01-31 10:00:00.5", "2020-01-31 10:00:00.123456789"], "ns", "2020-01-31 10:00:00.123456"),
        (["2020-01-31 10:00:00", "2020-01-31 10:00:00.123456"], "us", "2020-01-31 10:00:00"),
    ],
)
def test_the_precision_is_that_of_the_finest_fraction(
    tmp_path: Path, texts: list[str], precision: str, minimum: str
) -> None:
    """More than six digits need nanoseconds."""
    found = _column(tmp_path, texts)
    assert (found.type, found.precision, found.minimum) == ("timestamp", precision, minimum)


def test_nanoseconds_do_not_reach_the_year_9999(tmp_path: Path) -> None:
    """64 bits hold one of the two, so the column stays text."""
    found = _column(tmp_path, ["2020-01-31 10:00:00.1234567", "9999-12-31 00:00:00.0"])
    assert (found.type, found.warnings) == (
        "string",
        ("nanoseconds, and years before 1678 or after 2261, in %Y-%m-%d %H:%M:%S.%f: text, since 64 bits hold either",),
    )


@pytest.mark.parametrize(("order", "format_"), [("month-first", "%m/%d/%Y %H:%M"), ("day-first", "%d/%m/%Y %H:%M")])
def test_the_user_decides_the_order(tmp_path: Path, order: Any, format_: str) -> None:
    """With the option there is no question left."""
    found = _column(tmp_path, ["01/02/2020 10:00", "03/04/2020 11:00"], day_order=order)
    assert (found.type, found.formats, found.warnings) == ("timestamp", (format_,), ())


def test_the_data_decide_first(tmp_path: Path) -> None:
    """An order that a value excludes is not chosen by the option."""
    assert _column(tmp_path, ["01/02/2020", "13/04/2020"], day_order="month-first").formats == ("%d/%m/%Y",)


def test_files_that_rise_show_the_order(tmp_path: Path) -> None:
    """January 11, January 12, February 1: in the other order, November would come before February of the same year."""
    found = _folder(
        tmp_path, a=["11/01/2020", "11/01/2020"], b=["12/01/2020"], c=["01/02/2020", "12/01/2020"], d=["02/02/2020"]
    )
    assert (found.type, found.formats) == ("date", ("%d/%m/%Y",))
    assert found.warnings == (
        "read day first: both orders fit every value, but the dates then rise from file to file (4 files);"
        " --dates month-first reads it the other way",
    )


def test_names_of_files_show_the_order(tmp_path: Path) -> None:
    """Two files suffice if their names have the dates."""
    found = _folder(tmp_path, log_2020_03_05=["03/05/2020 10:00"], log_2020_03_06=["03/06/2020 10:00"])
    assert found.formats == ("%m/%d/%Y %H:%M",)
    assert found.warnings[0].startswith(
        "read month first: both orders fit every value, but the dates then agree with the names of the files;"
    )


@pytest.mark.parametrize(
    "files",
    [
        {"a": ["01/02/2020"], "b": ["02/02/2020"], "c": ["03/02/2020"]},  # both orders rise
        {"a": ["11/01/2020"], "b": ["01/02/2020"]},  # two files
        {"a": ["11/01/2020"], "b": ["01/02/2020", "10/01/2020"], "c": ["02/02/2020"]},  # neither order rises
        {"log_2020_03_05": ["05/05/2020"], "log_2020_03_06": ["06/06/2020"]},  # names of neither
    ],
)
def test_files_that_do_not_decide_leave_the_question(tmp_path: Path, files: dict[str, list[str]]) -> None:
    """What is not certain is asked."""
    found = _folder(tmp_path, **files)
    assert found.type == "string"
    assert found.warnings[0].startswith("day or month first? Both fit every value")


def test_another_column_shows_the_order(tmp_path: Path) -> None:
    """One file writes its dates in one order."""
    (tmp_path / "x.csv").write_text("a,b\n01/02/2020,31/01/2020\n03/04/2020,02/01/2020\n")
    found = inspect_path(tmp_path / "x.csv").columns[0]
    assert found.formats == ("%d/%m/%Y",)
    assert found.warnings[0].startswith("read day first: both orders fit every value, but this one agrees with 'b';")


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (
            [*["2020-01-01"] * 3, "31.12.2020", "2020-01-02", "soon", "30.12.2020"],
            "dates in several formats, so it stays text: %Y-%m-%d in 4 rows from '2020-01-01' (x.csv:2), %d.%m.%Y in 2"
            " rows from '31.12.2020' (x.csv:5), no date in 1 row from 'soon' (x.csv:7); declare type = \"date\","
            ' formats = ["%Y-%m-%d", "%d.%m.%Y"] to read all of them',
        ),
        (
            ["2020-01-31", "2020-01-31 10:00"],
            "dates in several formats, so it stays text: %Y-%m-%d in 1 row from '2020-01-31' (x.csv:2), %Y-%m-%d %H:%M"
            " in 1 row from '2020-01-31 10:00' (x.csv:3); declare type = \"timestamp\","
            ' formats = ["%Y-%m-%d", "%Y-%m-%d %H:%M"] to read all of them',
        ),
        (
            ["2020-01-01T10:00:00Z", "2020-01-01 10:00"],
            "dates in several formats, so it stays text: %Y-%m-%dT%H:%M:%S%z in 1 row from '2020-01-01T10:00:00Z'"
            " (x.csv:2), %Y-%m-%d %H:%M in 1 row from '2020-01-01 10:00' (x.csv:3)",
        ),
        (
            ["01/02/2020", "2020-01-01"],
            "dates in several formats, so it stays text: %m/%d/%Y or %d/%m/%Y in 1 row from '01/02/2020' (x.csv:2),"
            " %Y-%m-%d in 1 row from '2020-01-01' (x.csv:3)",
        ),
        (["soon", "2020-01-01", "2020-01-02"],
            "mixed: 2 of 3 values are like %Y-%m-%d; the first other one is 'soon' (x.csv:2)"),
        (["2024-W05", "2024-W06"], "weeks without a day, such as '2024-W05' (x.csv:2): text, since a date is a day"),
        (
            ["2024-01-31 10:00:00 CET", "2024-07-31 10:00:00 CEST"],
            "times with an abbreviation of a zone, such as '2024-01-31 10:00:00 CET' (x.csv:2): text, since the"
            " abbreviation alone has no fixed meaning; declare `zone_abbreviations` of the dataset, zone = \"UTC\", and"
            " formats with %Z",
        ),
    ],
)  # fmt: skip
def test_dates_that_stay_text_have_a_reason(tmp_path: Path, texts: list[str], reason: str) -> None:
    """How many rows have each format, where it starts, and what to declare if nothing is ambiguous."""
    found = _column(tmp_path, texts)
    assert (found.type, found.warnings) == ("string", (reason,))


def test_formats_are_counted_from_the_first_block_on(tmp_path: Path) -> None:
    """The rows before the second format appears are counted too."""
    path = tmp_path / "x.csv"
    rows = 400_000
    path.write_text("x,y\n" + "2020-01-01,1\n" * rows + "31.12.2020,1\n,1\n" * 2)
    assert inspect_path(path).columns[0].warnings == (
        f"dates in several formats, so it stays text: %Y-%m-%d in {rows:,} rows from '2020-01-01' (x.csv:2), %d.%m.%Y"
        f" in 2 rows from '31.12.2020' (x.csv:{rows + 2}); declare type = \"date\","
        ' formats = ["%Y-%m-%d", "%d.%m.%Y"] to read all of them',
    )

"""Signs that data are missing: in the names, the sizes and the ends of files, and in the days of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.series.completeness import FileFacts, completeness_findings
from data_convert.series.file_dates import chronological, file_dates, missing_numbers, ranges_text
from data_convert.sizes.report_page import report_page
from data_convert.sizes.size_report import measure_sizes
from data_convert.sizes.size_table import finding_lines

MONDAY = date(2024, 1, 1)
TEXT = "id,kind\n" + "1,oak\n" * 100


def text_of(name: str) -> str:
    """A hundred rows that differ from file to file."""
    return TEXT.replace("oak", name[-6:-4] + "k")


def day_names(days: Sequence[int], form: str = "air_%Y_%m_%d.csv") -> list[str]:
    """Names of files for these days after a Monday."""
    return [f"{MONDAY + timedelta(days=day):{form}}" for day in days]


def findings(names: Sequence[str], rows: Sequence[int]) -> list[str]:
    """The findings on files with these names and numbers of rows."""
    files = [FileFacts(name=name, rows=count, text_bytes=30 * count) for name, count in zip(names, rows, strict=True)]
    return [str(finding) for finding in completeness_findings(files)]


def test_a_short_day_and_missing_days_are_found() -> None:
    """A day of 49 rows among days of 9,600, and two days without a file."""
    days = [day for day in range(30) if day not in (11, 12)]
    rows = [49 if day == 20 else 9600 - day % 3 for day in days]
    assert findings(day_names(days), rows) == [
        "no file for 2024-01-12 to 2024-01-13, though air_*.csv has a file for every other day from 2024-01-01 to"
        " 2024-01-30. Get them, or check that nothing was measured.",
        "air_2024_01_21.csv has 49 rows, the files next to it about 9,599. Is the file complete?",
    ]


def test_a_day_with_twice_the_rows_is_found() -> None:
    """A file that was appended to itself."""
    rows = [500] * 20
    rows[7] = 1500
    assert findings(day_names(range(20)), rows) == [
        "air_2024_01_08.csv has 1,500 rows, the files next to it about 500. Does it hold rows twice?"
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [1000, 1010, 990, 1005, 1000, 200, 150] * 6,
        [300] * 20 + [3400] * 20,
        [20 + 13**n % 300 for n in range(40)],
        [10 + 5 * n for n in range(40)],
        [3, 5, 2, 4, 1, 3, 6, 2, 1, 4],
    ],
    ids=["quiet weekends", "a level that changes for good", "large changes every day", "growth", "few rows"],
)
def test_usual_changes_are_no_finding(rows: list[int]) -> None:
    """A file is compared with both sides, with the same weekday, and with the usual difference."""
    assert findings(day_names(range(len(rows))), rows) == []


def test_each_series_of_a_folder_is_judged_alone() -> None:
    """Two districts with files of the same days: the small one is not incomplete, and one of its days is missing."""
    names = day_names(range(10), "d04_%Y-%m-%d.txt") + day_names([0, 1, 2, 3, 4, 6, 7, 8, 9], "d12_%Y-%m-%d.txt")
    assert findings(names, [9000] * 10 + [100] * 9) == [
        "no file for 2024-01-06, though d12_*.txt has a file for every other day from 2024-01-01 to 2024-01-10."
        " Get it, or check that nothing was measured."
    ]


def test_closed_weekends_are_not_missing() -> None:
    """A day of the week that never occurs is not part of the series."""
    days = [day for day in range(60) if day % 7 < 5]
    numbers = [MONDAY.toordinal() + day for day in days]
    assert missing_numbers(numbers, "day") == []
    assert missing_numbers(numbers[:10] + numbers[11:], "day") == [numbers[10]]


def test_months_and_years_have_gaps_too() -> None:
    """The unit is that of the names."""
    months = [f"m{2020 + n // 12}{n % 12 + 1:02}.csv" for n in range(30) if n != 14]
    assert findings(months, [10] * 29)[0].startswith(
        "no file for 2021-03, though m*.csv has a file for every other month"
    )
    years = [f"{year}.csv" for year in range(1990, 2010) if year not in (1995, 1996)]
    assert findings(years, [10] * 18)[0].startswith("no file for 1995 to 1996, though *.csv")


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["x_20240131.csv", "x_20240201.csv"], "2024-01-31"),
        (["01-31-2024.csv", "02-01-2024.csv"], "2024-01-31"),
        (["31.01.2024.csv", "01.02.2024.csv"], "2024-01-31"),
        (["05-01-2024.csv", "06-01-2024.csv", "07-01-2024.csv"], "2024-01-05"),
        (["2024/01/31/x.csv", "2024/02/01/x.csv"], "2024-01-31"),
        (["log_2024-01-31T13.csv", "log_2024-01-31T14.csv"], "2024-01-31"),
    ],
)
def test_dates_in_names(names: list[str], first: str) -> None:
    """Without a century before it, the order of day and month is the one that is valid and has no gaps."""
    dates = file_dates(names)
    assert dates is not None
    assert str(dates[0]) == first


@pytest.mark.parametrize("names", [["a.csv", "b.csv"], ["x_20240131.csv", "readme.csv"], ["id_20241399.csv"]])
def test_names_without_dates(names: list[str]) -> None:
    """One name without a date is enough: the names are no series."""
    assert file_dates(names) is None


def test_the_order_of_time_is_not_the_order_of_names() -> None:
    """Names that begin with the month are sorted by their dates."""
    assert chronological(["01-02-2021.csv", "02-01-2020.csv", "03-01-2020.csv"]) == [1, 2, 0]


def test_long_lists_of_gaps_are_shortened() -> None:
    """Consecutive days are a range, and only the first ranges are shown."""
    assert ranges_text([1, 2, 3, 5], "year") == "1 to 3, 5"
    assert ranges_text(list(range(1, 40, 2)), "year", limit=2) == "1, 3, and 18 more gaps"


def test_inspection_finds_files_that_were_cut_off(tmp_path: Any) -> None:
    """A missing line end, a row with too few cells, a quoted cell that is never closed; not a footer line."""
    whole = 'n,name\n1,"x, y"\n2,z\n'
    for name, text in {
        "a.csv": whole,
        "b.csv": whole,
        "c.csv": whole[:-1],
        "d.csv": whole + "3",
        "e.csv": whole + '3,"x',
        "f.csv": whole + "end\n",
        "g.csv": whole,
    }.items():
        (tmp_path / name).write_text(text)
    found = inspect_path(tmp_path)
    assert [(finding.kind, finding.file) for finding in found.findings] == [
        ("same content", "b.csv"),
        ("same content", "g.csv"),
        ("cut off", "c.csv"),
        ("cut off", "d.csv"),
        ("cut off", "e.csv"),
    ]
    assert [str(finding) for finding in found.findings] == [
        "b.csv has the same content as a.csv: each of its rows is there twice. Remove one of the files.",
        "g.csv has the same content as a.csv: each of its rows is there twice. Remove one of the files.",
        "c.csv: its last line has no line end, the other files have one. The file was probably cut off, and its last"
        " value may be too short. Get it again, or end the line.",
        "d.csv ends inside of a row: line 4: 1 cell where 2 are expected. The file was probably cut off. Get it again.",
        "e.csv ends inside of a row: line 4: a quote is opened that is never closed. The file was probably cut off."
        " Get it again.",
    ]
    assert found.facts()["findings"][-1]["kind"] == "cut off"


def test_files_that_all_lack_the_last_line_end_are_complete(tmp_path: Any) -> None:
    """Some programs never write it."""
    for name in "abcde":
        (tmp_path / f"{name}.csv").write_text(f"n,m\n1,{name}\n3,4")
    assert inspect_path(tmp_path).findings == ()


def test_files_without_rows_are_named(tmp_path: Any) -> None:
    """A header alone is no error, but may be a sign; two of them are not the same rows twice."""
    for name, text in {"a.csv": "n,m\n1,2\n", "b.csv": "n,m\n", "c.csv": "n,m\n"}.items():
        (tmp_path / name).write_text(text)
    assert [str(finding) for finding in inspect_path(tmp_path).findings] == [
        "b.csv has no row. Get it again if there should be rows.",
        "c.csv has no row. Get it again if there should be rows.",
    ]


def test_inspection_finds_days_without_rows(tmp_path: Any) -> None:
    """The dates are in the rows of one file."""
    days = [MONDAY + timedelta(days=day) for day in range(60) if day not in (30, 31)]
    (tmp_path / "a.csv").write_text("day,n\n" + "".join(f"{day},{number}\n" for number, day in enumerate(days)))
    assert [str(finding) for finding in inspect_path(tmp_path).findings] == [
        "no row has a 'day' of 2024-01-31 to 2024-02-01, though there are rows for almost every day from 2024-01-01 to"
        " 2024-02-29. Were these days lost?"
    ]


def test_the_report_of_a_conversion_has_the_findings(lab: Any) -> None:
    """In the JSON, in the lines for a terminal, and on the page."""
    for name in day_names([day for day in range(12) if day != 5]):
        lab.raw(name, "id,kind\n1,oak\n" if name == "air_2024_01_04.csv" else text_of(name))
    lab.raw("air_2024_01_09.csv", TEXT[:-2])
    lab.convert(lab.spec())
    report = measure_sizes([lab.spec()], lab.root)
    lines = finding_lines(report)
    assert [line.split(", ")[0] for line in lines] == [
        "trees: no file for 2024-01-06",
        "trees: air_2024_01_04.csv has 1 row",
        "trees: air_2024_01_09.csv: its last line has no line end",
    ]
    assert [finding["kind"] for finding in report.facts()["datasets"][0]["findings"]] == [
        *("missing dates", "few rows", "cut off")
    ]
    assert "air_2024_01_04.csv has 1 row" in report_page(report)


def test_bytes_are_compared_where_several_files_are_one_part(lab: Any) -> None:
    """A footer has the bytes of each file, but the rows of all of them together."""
    for name in day_names(range(12)):
        lab.raw(name, "id,kind\n1,oak\n" if name == "air_2024_01_04.csv" else text_of(name))
    spec = lab.spec(parts="{year}", pattern=r"_(?P<year>\d{4})_")
    lab.convert(spec)
    assert finding_lines(measure_sizes([spec], lab.root)) == [
        "trees: air_2024_01_04.csv has 14 B, the files next to it about 608 B. Is the file complete?"
    ]


def test_days_without_rows_are_found_in_the_footers(lab: Any) -> None:
    """Each part has the rows of one day, but its name does not show which."""
    columns = {"day": {"type": "date", "formats": ("%Y-%m-%d",)}}
    for number, day in enumerate(day for day in range(30) if day != 17):
        lab.raw(f"{number}.csv", f"day\n{MONDAY + timedelta(days=day)}\n")
    lab.convert(lab.spec(columns))
    assert finding_lines(measure_sizes([lab.spec(columns)], lab.root)) == [
        "trees: no row has a 'day' of 2024-01-18, though there are rows for almost every day from 2024-01-01 to"
        " 2024-01-30. Were these days lost?"
    ]

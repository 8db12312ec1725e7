"""Which types are inferred, and which traps are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.dataset_inspection import inspect_path


def column(tmp_path: Path, *texts: str, header: str = "x") -> ColumnInspection:
    """The inspection of one column next to a running number."""
    path = tmp_path / "x.csv"
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(texts))
    path.write_bytes(f"number,{header}\n{rows}".encode())
    return inspect_path(path).columns[1]


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["1", "-2", "+3"], "int32"),
        (["1", "2000000000"], "int64"),
        (["0", "1"], "int32"),
        (["1", ".445"], "float64"),
        (["1e5", "2"], "float64"),
        (["true", "False"], "bool"),
        (["yes", "no"], "bool"),
        (["Y", "N"], "string"),
        (["yes", "true"], "string"),
        (["a", "b"], "string"),
        (["", ""], "string"),
        (["1700000000", "1700000060"], "int64"),
        (["10:30", "10:45"], "string"),
        (["0x1F", "0x20"], "string"),
        (["inf", "1.5"], "string"),
        (["1", "2", "T"], "flagged_number"),
        (["0.00s", "0.5", "1.5", "2"], "flagged_number"),
        (["1", "T", "T"], "string"),
        (["1", "2", "3", "a remark"], "string"),
    ],
)
def test_the_type_is_the_narrowest_that_holds_every_value(tmp_path: Path, texts: list[str], type_: str) -> None:
    """A type is inferred only if the conversion accepts every value with the same meaning."""
    assert column(tmp_path, *texts).type == type_


@pytest.mark.parametrize(
    ("texts", "type_", "formats"),
    [
        (["2020-01-31"], "date", ["%Y-%m-%d"]),
        (["01/31/2020", "02/01/2020"], "date", ["%m/%d/%Y"]),
        (["31/01/2020", "01/02/2020"], "date", ["%d/%m/%Y"]),
        (["31.01.2020"], "date", ["%d.%m.%Y"]),
        (["1 May 2020", "31 December 2020", "3 Jan 2020"], "date", ["%d %b %Y", "%d %B %Y"]),
        (["2020-01-31T10:00:00"], "timestamp", ["%Y-%m-%dT%H:%M:%S"]),
        (["2020-01-31 10:00:00", "2020-01-31 10:00:00.5"], "timestamp", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f"]),
        (["01/31/2020 10:00:00 PM"], "timestamp", ["%m/%d/%Y %I:%M:%S %p"]),
        (["31/01/2020 22:00"], "timestamp", ["%d/%m/%Y %H:%M"]),
        (["2020-01-31T10:00:00.1234567"], "timestamp", ["%Y-%m-%dT%H:%M:%S.%f"]),
        (["2020-01-31T10:00:00.1234567890"], "string", []),
        (["2020-W05-3", "2020-W53-5"], "date", ["%G-W%V-%u"]),
        (["2021-W53-1"], "string", []),
        (["2020-01-31", "2020-01-31 10:00"], "string", []),
        (["2020-02-30"], "string", []),
    ],
)
def test_moments_are_found_with_the_formats_in_use(
    tmp_path: Path, texts: list[str], type_: str, formats: list[str]
) -> None:
    """ISO, American and European forms; only formats that some value has."""
    found = column(tmp_path, *texts)
    assert (found.type, list(found.formats)) == (type_, formats)


def test_an_offset_makes_an_instant(tmp_path: Path) -> None:
    """Texts with Z become UTC."""
    found = column(tmp_path, "2020-01-31T10:00:00Z", "2020-01-31T10:00:00.5+00:00")
    assert (found.type, found.zone, found.warnings) == ("timestamp", "UTC", ())


def test_other_offsets_are_findings(tmp_path: Path) -> None:
    """The instant is kept, the offset is not."""
    found = column(tmp_path, "2020-01-31T10:00:00Z", "2020-01-31T10:00:00+02:00")
    assert found.warnings == (
        "becomes UTC; the offset itself is not kept, such as that of '2020-01-31T10:00:00+02:00' (x.csv:3)",
    )


def test_day_or_month_first_is_not_guessed(tmp_path: Path) -> None:
    """Where both readings fit every value, the text stays, with the line to write."""
    found = column(tmp_path, "01/02/2020", "03/04/2020")
    assert found.type == "string"
    assert found.warnings == (
        'day or month first? Both fit every value, so it stays text; declare type = "date",'
        ' formats = ["%m/%d/%Y"] or formats = ["%d/%m/%Y"], or inspect with --dates month-first or --dates day-first',
    )


def test_two_digit_years_are_not_guessed(tmp_path: Path) -> None:
    """The century is not in the text."""
    found = column(tmp_path, "31/12/99", "01/02/03")
    assert found.type == "string"
    assert found.warnings[0].startswith("dates with two-digit years: text, since the century is not in it")


def test_eight_digits_are_a_date_only_if_the_header_suggests_it(tmp_path: Path) -> None:
    """An identifier may look like a day."""
    assert column(tmp_path, "20140101", "20141231", header="DATE").formats == ("%Y%m%d",)
    assert column(tmp_path, "20140101", "20141231", header="id").type == "int32"
    assert column(tmp_path, "20140101", "20149999", header="DATE").type == "int32"


def test_leading_zeros_stay(tmp_path: Path) -> None:
    """A postcode is text."""
    found = column(tmp_path, "12345", "00701")
    assert found.type == "string"
    assert found.warnings == ("leading zeros, such as '00701' (x.csv:3): text, since a number would lose them",)


def test_integers_over_two_to_the_53_are_findings(tmp_path: Path) -> None:
    """They are exact here, not in a float."""
    found = column(tmp_path, "9007199254740993")
    assert found.type == "int64"
    assert found.warnings == (
        "integers over 2^53: exact here, but rounded by whatever reads them as floats (Excel, JSON)",
    )


def test_integers_beyond_int64_are_unsigned(tmp_path: Path) -> None:
    """Even one that a float64 happens to hold exactly is an integer."""
    found = column(tmp_path, "1", "10000000000000000000")
    assert (found.type, found.maximum) == ("uint64", "10000000000000000000")
    assert found.warnings == (
        "integers over 2^53: exact here, but rounded by whatever reads them as floats (Excel, JSON)",
    )


@pytest.mark.parametrize("texts", [["18446744073709551616", "1"], ["-1", "18446744073709551615"]])
def test_integers_beyond_64_bits_stay_text(tmp_path: Path, texts: list[str]) -> None:
    """A decimal holds them, which the user may declare."""
    found = column(tmp_path, *texts)
    assert found.type == "string"
    beyond = next(text for text in texts if len(text) > 2)
    assert found.warnings == (
        f"integers beyond 64 bits, such as {beyond!r} (x.csv:{texts.index(beyond) + 2}): text;"
        ' declare type = "decimal(38, 0)" to hold up to 38 digits',
    )


def test_decimals_with_too_many_digits_stay_text(tmp_path: Path) -> None:
    """No digit is rounded away."""
    found = column(tmp_path, "0.5", "0.1234567890123456789")
    assert found.type == "string"
    assert found.warnings == (
        "numbers with more digits than a float64 holds, such as '0.1234567890123456789' (x.csv:3): text,"
        ' to keep them all; declare type = "float64", rounded = true to round them, or type = "decimal(p, s)"',
    )


def test_numbers_written_in_more_than_one_way_stay_text(tmp_path: Path) -> None:
    """One column can declare one way; the reason names two texts that differ."""
    found = column(tmp_path, "1.234,50", "$5", "12%")
    assert found.type == "string"
    assert found.warnings == (
        "numbers written in more than one way, or with groups of other than three digits: '1.234,50' (x.csv:2),"
        " but '$5' (x.csv:3); text, since one column can declare one way"
        " (`decimal_mark`, `group_mark`, `prefix`, `suffix`)",
    )


def test_mixed_types_name_the_first_line_where_they_mix(tmp_path: Path) -> None:
    """Numbers first, then text."""
    found = column(tmp_path, "1", "2", "n.b. closed", "3")
    assert found.type == "string"
    assert found.warnings == ("mixed: 3 of 4 values are numbers; the first other one is 'n.b. closed' (x.csv:4)",)


def test_text_before_numbers_is_mixed_too(tmp_path: Path) -> None:
    """Text first, then a number."""
    assert column(tmp_path, "closed now", "2").warnings == (
        "mixed: 1 of 2 values is a number, the first '2' (x.csv:3)",
    )


def test_a_broken_run_of_dates_names_the_line(tmp_path: Path) -> None:
    """Dates, and then one that is none."""
    found = column(tmp_path, "2020-01-01", "2020-01-02", "soon")
    assert found.warnings == ("mixed: 2 of 3 values are like %Y-%m-%d; the first other one is 'soon' (x.csv:4)",)


def test_a_line_is_counted_through_quoted_line_ends(tmp_path: Path) -> None:
    """The place of a value is its physical line, whatever came before."""
    path = tmp_path / "x.csv"
    path.write_text('a,b\n1,"x\ny"\n\n007,z\n')
    assert inspect_path(path).columns[0].warnings[0].startswith("leading zeros, such as '007' (x.csv:5)")


def test_null_spellings_are_declared_where_they_would_spoil_a_column(tmp_path: Path) -> None:
    """NA among numbers means no value, as an empty cell does."""
    found = column(tmp_path, "1", "NA", "", "2", "NA")
    assert (found.type, found.nulls, found.null_rows, found.distinct) == ("int32", ("", "NA"), 3, 2)
    assert found.warnings == ("read as no value: 'NA' (2 rows); in Parquet they look like the empty cells",)


def test_null_spellings_stay_text_among_texts(tmp_path: Path) -> None:
    """A person may be called None."""
    found = column(tmp_path, "Ann", "None", "NA")
    assert (found.type, found.nulls, found.null_rows, found.distinct) == ("string", ("",), 0, 3)


def test_a_sentinel_stays_a_number_and_is_findings(tmp_path: Path) -> None:
    """Whether -9999 means no value, a person knows."""
    found = column(tmp_path, "5", "-9999", "7")
    assert (found.type, found.minimum) == ("int32", "-9999")
    assert found.warnings == ('-9999 in 1 row: if it means no value, add nulls = ["", "-9999"]',)


def test_a_flagged_number_names_its_flags(tmp_path: Path) -> None:
    """Flags are kept next to the numbers."""
    found = column(tmp_path, "0.5", "T", "0.25s", "1", "2")
    assert (found.type, found.minimum, found.maximum) == ("flagged_number", "0.25", "2.0")
    assert found.warnings == ("2 of 5 values carry a flag ('T', 's'), the first 'T' (x.csv:3)",)


def test_padding_is_findings(tmp_path: Path) -> None:
    """A number keeps its value, not the blanks around it."""
    assert column(tmp_path, " 5", "7").warnings == ("blanks around values are not kept, such as ' 5' (x.csv:2)",)

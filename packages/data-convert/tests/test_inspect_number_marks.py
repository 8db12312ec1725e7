"""How numbers with marks are recognized, and which numbers are rather identifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.inspection.spec_text import suggest_table
from data_convert.spec.dataset_spec import NumberMarks
from data_convert.spec.spec_file import parse_specs


def columns(tmp_path: Path, *texts: Sequence[str]) -> list[ColumnInspection]:
    """The inspections of quoted columns `a`, `b` and so on."""
    path = tmp_path / "x.csv"
    rows = [["row", *(chr(97 + place) for place in range(len(texts)))]]
    rows += [[str(number), *row] for number, row in enumerate(zip(*texts, strict=True))]
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows), encoding="utf-8")
    return list(inspect_path(path).columns[1:])


@pytest.mark.parametrize(
    ("texts", "type_", "marks"),
    [
        (["1.234,56", "12,5"], "float64", {"decimal": ",", "group": "."}),
        (["1,234.56", "12.5"], "float64", {"group": ","}),
        (["12.5", "1,234.5"], "float64", {"group": ","}),
        (["1 234,5", "12"], "float64", {"decimal": ",", "group": " "}),
        (["1\u00a0234", "1\u202f234"], "int32", {"group": " "}),
        (["1'234.50", "7"], "float64", {"group": "'"}),
        (["12", "1,234", "0,5"], "float64", {"decimal": ","}),
        (["12,5", "NA", "-"], "float64", {"decimal": ","}),
        (["1,234,567", "5"], "int32", {"group": ","}),
        (["1.234.567", "5"], "int32", {"decimal": ",", "group": "."}),
        (["9,007,199,254,740,993"], "int64", {"group": ","}),
        (["$5", "-$1,234.50"], "float64", {"group": ",", "prefix": "$"}),
        (["US$ 5", "US$ 7"], "int32", {"prefix": "US$"}),
        (["1.234,50 €", "-3 €"], "float64", {"decimal": ",", "group": ".", "suffix": "€"}),
        (["12,50 €/MWh", "7 €/MWh"], "float64", {"decimal": ",", "suffix": "€/MWh"}),
        (["CHF 1'234.50"], "float64", {"group": "'", "prefix": "CHF"}),
        (["Fr.5", "Fr. 7.50"], "float64", {"prefix": "Fr."}),
        (["12.5%", "3 %"], "float64", {"suffix": "%"}),
    ],
)
def test_marks_are_inferred_when_all_values_agree(
    tmp_path: Path, texts: list[str], type_: str, marks: dict[str, str]
) -> None:
    """Type and marks are those with which the conversion reads every value."""
    (found,) = columns(tmp_path, texts)
    assert (found.type, found.marks) == (type_, NumberMarks(**marks))
    assert found.warnings[0].startswith("numbers written like ")


def test_marks_are_written_to_the_table(tmp_path: Path) -> None:
    """The suggested table declares the marks, and the check of the table accepts them."""
    columns(tmp_path, ["1.234,56 €", "12,5 €"], ["1.234.567", "2"])
    table = suggest_table(inspect_path(tmp_path / "x.csv"), source="raw", output="parts")
    document = tomlkit.parse(tomlkit.dumps({"datasets": {"x": table}})).unwrap()
    declared = {column.name: (column.type, column.marks) for column in parse_specs(document)["x"].columns}
    assert declared == {
        "row": ("int32", NumberMarks()),
        "a": ("float64", NumberMarks(decimal=",", group=".", suffix="€")),
        "b": ("int32", NumberMarks(decimal=",", group=".")),
    }


def test_one_mark_before_three_digits_is_a_question(tmp_path: Path) -> None:
    """`1,234` may be a fraction or a group; the reason has both declarations."""
    (found,) = columns(tmp_path, ["1,234", "5,678"])
    assert (found.type, found.warnings) == (
        "string",
        (
            "decimal mark or groups of thousands in '1,234' (x.csv:2)? Both fit every value, so it stays text; declare"
            ' type = "int32", group_mark = "," or type = "float64", decimal_mark = ","',
        ),
    )


@pytest.mark.parametrize(
    ("other", "type_", "marks"),
    [
        (["1.234,5", "2"], "float64", NumberMarks(decimal=",", group=".")),
        (["12,5", "2"], "float64", NumberMarks(decimal=",")),
        (["12.5", "2"], "int32", NumberMarks(group=",")),
    ],
)
def test_another_column_answers_the_question(tmp_path: Path, other: list[str], type_: str, marks: NumberMarks) -> None:
    """A table has one decimal mark, so a column with both readings takes that of a column with one."""
    found = columns(tmp_path, other, ["1,234", "5,678"])[1]
    assert (found.type, found.marks) == (type_, marks)
    assert found.warnings[0].endswith("; another reading fits too, but this one agrees with 'a'")


def test_a_point_before_three_digits_is_a_question_next_to_decimal_commas(tmp_path: Path) -> None:
    """Alone it is a decimal point, as in most files."""
    assert columns(tmp_path, ["1.234", "5.678"])[0].type == "float64"
    asked = columns(tmp_path, ["12,5", "7"], ["1.234", "5.678"])[1]
    assert asked.warnings == (
        "decimal mark or groups of thousands in '1.234' (x.csv:2)? 'a' has decimal commas. Both fit every value, so it"
        ' stays text; declare type = "float64" or type = "int32", decimal_mark = ",", group_mark = "."',
    )
    assert columns(tmp_path, ["1.112,5", "7"], ["1.234", "5.678"])[1].type == "int32"


def test_two_codes_in_a_cell_are_no_decimal_comma(tmp_path: Path) -> None:
    """In a table with decimal points, `1013,1` may be a value and its quality."""
    found = columns(tmp_path, ["78.25", "1.5"], ["1013,1", "1020,9"])[1]
    assert (found.type, found.warnings) == (
        "string",
        (
            "decimal commas, or two values in a cell, such as '1013,1' (x.csv:2)? 'a' has decimal points, so it stays"
            ' text; declare type = "float64", decimal_mark = "," if these are numbers',
        ),
    )


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (
            ["12%", "13"],
            "numbers written in more than one way, or with groups of other than three digits: '12%' (x.csv",
        ),
        (["5 kg", "7 kg"], "each value ends with 'kg': text; if these are numbers, declare type = \"float64\", suffix"),
        (["inf", "1.5"], "'inf' (x.csv:2) among numbers: text; declare type = \"float64\", non_finite = true to keep"),
        (["12E3", "13"], "identifiers, such as '12E3' (x.csv:2): text, since a number would be 12000.0; if they are"),
        (["77", "12e3"], "identifiers, such as '12e3' (x.csv:3): text, since a number would be 12000.0; if they are"),
        (["+491511234567", "+4915112345"], "long numbers with a plus sign, such as '+491511234567' (x.csv:2): text,"),
        (["+49 151 123 456"], "long numbers with a plus sign, such as '+49 151 123 456' (x.csv:2): text, since a"),
        (["3.1", "3.2", "3.10"], "'3.10' (x.csv:4) differs from another value in zeros at its end only, as versions"),
        (["3.10", "3.1"], "'3.1' (x.csv:3) differs from another value in zeros at its end only, as versions"),
        (["10", "1F", "2E", "99"], "hexadecimal numbers or other codes, such as '1F' (x.csv:3): text"),
        (
            ["5", "6", "(7)"],
            "mixed: 2 of 3 values are numbers; the first other one is '(7)' (x.csv:4), whose parentheses"
            ' may mark a negative number or an estimate; declare a number type and minus = "()" if it is negative',
        ),
        (
            ["5", "6", "−7"],
            "mixed: 2 of 3 values are numbers; the first other one is '−7' (x.csv:4), with the minus sign U+2212 in"
            " place of '-'; declare a number type and minus = \"−\" to read it",
        ),
        (["−5", "−7.5"], "texts such as '−5' (x.csv:2), with the minus sign U+2212 in place of '-'; declare a number"),
        (
            ["($5)", "(7)"],
            "texts such as '($5)' (x.csv:2), whose parentheses may mark a negative number or an estimate; declare a",
        ),
        (
            ["5", "6", "1,23,456"],
            "mixed: 2 of 3 values are numbers; the first other one is '1,23,456' (x.csv:4), whose",
        ),
        (["007,5", "8"], "leading zeros, such as '007,5' (x.csv:2): text, since a number would lose them"),
    ],
)
def test_doubtful_numbers_stay_text_with_a_reason(tmp_path: Path, texts: list[str], reason: str) -> None:
    """The reason names the first such text and its line."""
    (found,) = columns(tmp_path, texts)
    assert (found.type, found.warnings[0][: len(reason)]) == ("string", reason)


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["1e5", "2"], "float64"), (["1.5E3", "2"], "float64"), (["1E+05", "2"], "float64"), (["12E-3"], "float64"),
        (["+1500", "-2"], "int32"), (["+1234567", "-7654321"], "int32"), (["-1.5", "2.5", "2.50"], "float64"),
        (["3", "3.0"], "float64"), (["3.10", "3.20"], "float64"), (["1", "2", "3E", "4"], "flagged_number"),
        (["1", "2", "3T", "4"], "flagged_number"),
    ],
)  # fmt: skip
def test_numbers_that_only_resemble_identifiers_stay_numbers(tmp_path: Path, texts: list[str], type_: str) -> None:
    """Signs, points and exponents as programs write them belong to numbers."""
    assert columns(tmp_path, texts)[0].type == type_


@pytest.mark.parametrize(("before", "after"), [(3000, 0), (0, 3000)])
def test_a_rare_odd_value_does_not_contradict_its_share(tmp_path: Path, before: int, after: int) -> None:
    """Counts, and the odd value with its line, wherever it stands; no share that is rounded to 100 %."""
    (found,) = columns(tmp_path, [*["1"] * before, "n.b. closed", *["2"] * after])
    assert found.warnings == (
        f"mixed: 3,000 of 3,001 values are numbers; the first other one is 'n.b. closed' (x.csv:{before + 2})",
    )


def test_marks_are_found_across_blocks(tmp_path: Path) -> None:
    """Plain numbers in the first blocks, marks in a later one."""
    path = tmp_path / "x.csv"
    plain = "".join(f"{number};{number}\n" for number in range(250_000))
    path.write_text("a;b\n" + plain + "1.234,5;7\n12;1.234\n")
    found: dict[str, Any] = {column.name: (column.type, column.marks) for column in inspect_path(path).columns}
    marks = NumberMarks(decimal=",", group=".")
    assert found == {"a": ("float64", marks), "b": ("int32", marks)}

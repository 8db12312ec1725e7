"""Numbers with marks, decimals, inf and nan, and rounding become exactly the values that their texts spell."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_convert.columns.conversion import convert, misfit
from data_convert.columns.number_marks import plain_number, plain_numbers
from data_convert.spec.dataset_spec import ColumnSpec, NumberMarks

MISFIT = "does not fit"


def _column(type_: str, **keys: Any) -> ColumnSpec:
    marks = NumberMarks(
        **{key: keys.pop(key) for key in ("decimal", "group", "prefix", "suffix", "minus") if key in keys}
    )
    return ColumnSpec(name="x", header="x", type=type_, marks=marks, **keys)


def _values(column: ColumnSpec, texts: list[str]) -> list[Any]:
    converted = convert(column, pa.array(texts, pa.string()))
    fits = [True] * len(texts) if converted.fits is None else converted.fits
    rows = zip(*(array.to_pylist() for array in converted.arrays), strict=True)
    return [(row if len(row) > 1 else row[0]) if fit else MISFIT for row, fit in zip(rows, fits, strict=True)]


def _value(column: ColumnSpec, text: str) -> Any:
    """The value of one text, alone and next to one that does not fit."""
    (alone,) = _values(column, [text])
    assert repr(_values(column, [text, "\x07"])) == repr([alone, MISFIT])
    return alone


EUROPEAN = {"decimal": ",", "group": "."}
AMERICAN = {"group": ","}
PARENTHESES = {"minus": "()"}
MINUS_SIGN = {"minus": "\u2212"}


@pytest.mark.parametrize(
    ("marks", "text", "value"),
    [
        (EUROPEAN, "1.234,56", 1234.56), (EUROPEAN, "-1.234.567,5", -1234567.5), (EUROPEAN, "1234,5", 1234.5),
        (EUROPEAN, "12", 12.0), (EUROPEAN, ",5", 0.5), (EUROPEAN, "5,", 5.0), (EUROPEAN, "1.234", 1234.0),
        (EUROPEAN, "1.23", MISFIT), (EUROPEAN, "1.2345", MISFIT), (EUROPEAN, "1234.567", MISFIT),
        (EUROPEAN, "0.123", MISFIT), (EUROPEAN, "1,234.5", MISFIT), (EUROPEAN, "1.234,5.6", MISFIT),
        (EUROPEAN, "1..234", MISFIT), (EUROPEAN, ".234", MISFIT), (EUROPEAN, "1.234,56,7", MISFIT),
        (AMERICAN, "1,234.56", 1234.56), (AMERICAN, "+1,234", 1234.0), (AMERICAN, "12,34", MISFIT),
        (AMERICAN, "1,234e2", 123400.0), (AMERICAN, "0,5", MISFIT), (AMERICAN, "1,23,456", MISFIT),
        (AMERICAN, " 1,234.5\t", 1234.5), (AMERICAN, "1, 234", MISFIT), (AMERICAN, "1,234\n", 1234.0),
        ({"group": " "}, "1 234.5", 1234.5), ({"group": " "}, "1\u00a0234", 1234.0),
        ({"group": " "}, "1\u202f234\u202f567", 1234567.0), ({"group": "\u00a0"}, "1 234", 1234.0),
        ({"group": " "}, "1  234", MISFIT), ({"group": " "}, "12 34", MISFIT),
        ({"group": "'"}, "1'234", 1234.0), ({"group": "'"}, "1\u2019234", 1234.0), ({"group": "'"}, "1,234", MISFIT),
        ({"decimal": ","}, "1,5", 1.5), ({"decimal": ","}, "1.5", MISFIT), ({"decimal": ","}, "1,234", 1.234),
        ({"decimal": ","}, "0,30000000000000001", MISFIT), ({"decimal": ","}, "1,5e3", 1500.0),
        ({"suffix": "%"}, "12.5%", 12.5), ({"suffix": "%"}, "12.5 %", 12.5), ({"suffix": "%"}, "12.5\u00a0%", 12.5),
        ({"suffix": "%"}, "12.5", MISFIT), ({"suffix": "%"}, "%", MISFIT), ({"suffix": "%"}, "5%%", MISFIT),
        ({"prefix": "$"}, "$5", 5.0), ({"prefix": "$"}, "-$5", -5.0), ({"prefix": "$"}, "$-5", -5.0),
        ({"prefix": "$"}, "$ 5", 5.0), ({"prefix": "$"}, "-$-5", MISFIT), ({"prefix": "$"}, "5", MISFIT),
        ({"prefix": "$"}, "$$5", MISFIT), ({"prefix": "$"}, "- $5", MISFIT), ({"prefix": "$"}, "($5)", MISFIT),
        ({"prefix": "EUR", "suffix": "/MWh"}, "EUR 5/MWh", 5.0), ({"prefix": "Fr."}, "Fr.5", 5.0),
        ({"prefix": "Fr."}, "Frx5", MISFIT), ({"suffix": "€", **EUROPEAN}, "1.234,50 €", 1234.5),
        ({"suffix": "%"}, "nan%", MISFIT), ({"suffix": "%"}, "", None), ({"suffix": "%"}, "0x1F%", MISFIT),
        ({"suffix": "%"}, "٣%", MISFIT),
        (PARENTHESES, "(5)", -5.0), (PARENTHESES, "5", 5.0), (PARENTHESES, "-5", -5.0), (PARENTHESES, " ( 5.5 )", -5.5),
        (PARENTHESES, "(-5)", MISFIT), (PARENTHESES, "-(5)", MISFIT), (PARENTHESES, "(5", MISFIT),
        (PARENTHESES, "5)", MISFIT), (PARENTHESES, "1(5)", MISFIT), (PARENTHESES, "(5)1", MISFIT),
        (PARENTHESES, "((5))", MISFIT), (PARENTHESES, "()", MISFIT), (PARENTHESES, "(x)", MISFIT),
        (PARENTHESES, "(5)(5)", MISFIT), (PARENTHESES, ")5(", MISFIT), (PARENTHESES, "\u22125", MISFIT),
        ({"prefix": "$", "group": ",", **PARENTHESES}, "$ (1,234.50)", -1234.5),
        ({"prefix": "$", "group": ",", **PARENTHESES}, "($1,234)", -1234.0),
        ({"prefix": "$", **PARENTHESES}, "(5)", MISFIT), ({"suffix": "%", **PARENTHESES}, "(5%)", -5.0),
        ({"suffix": "%", **PARENTHESES}, "(5) %", -5.0),
        ({"suffix": "€", **PARENTHESES, **EUROPEAN}, "(1.234,5) €", -1234.5),
        (MINUS_SIGN, "\u22125", -5.0), (MINUS_SIGN, "-5", -5.0), (MINUS_SIGN, "5", 5.0), (MINUS_SIGN, "(5)", MISFIT),
        (MINUS_SIGN, "1e\u22122", 0.01), (MINUS_SIGN, "\u2212\u22125", MISFIT), (MINUS_SIGN, "5\u2212", MISFIT),
        ({"prefix": "$", **MINUS_SIGN}, "$\u22125", -5.0), ({"suffix": "%"}, "\u22125%", MISFIT),
    ],
)  # fmt: skip
def test_floats_with_marks(marks: dict[str, str], text: str, value: Any) -> None:
    """Every group has three digits, and every value carries the declared prefix and suffix."""
    assert repr(_value(_column("float64", **marks), text)) == repr(value)


@pytest.mark.parametrize(
    ("marks", "text", "value"),
    [
        (EUROPEAN, "1.234", 1234), (EUROPEAN, "1.234,0", MISFIT), (AMERICAN, "2,147,483,647", 2147483647),
        (AMERICAN, "2,147,483,648", MISFIT), (AMERICAN, "007", 7), ({"prefix": "#"}, "#12", 12),
        ({"prefix": "#"}, "12", MISFIT), ({"suffix": "%"}, "12%", 12), ({"suffix": "%"}, "12", MISFIT),
        (PARENTHESES, "(12)", -12), (PARENTHESES, "(2147483648)", -2147483648), (MINUS_SIGN, "\u221212", -12),
    ],
)  # fmt: skip
def test_integers_with_marks(marks: dict[str, str], text: str, value: Any) -> None:
    """Integers take the same marks as floats."""
    assert _value(_column("int32", **marks), text) == value


@pytest.mark.parametrize(
    ("marks", "text", "value"),
    [
        (EUROPEAN, "1.234,5s", (1234.5, "s")), (EUROPEAN, "1.234,5", (1234.5, None)), (EUROPEAN, "T", (None, "T")),
        (EUROPEAN, "1.23s", MISFIT), ({"prefix": "$"}, "-$5*", (-5.0, "*")), ({"prefix": "$"}, "$", (None, "$")),
        ({"prefix": "$"}, "$-5*", (-5.0, "*")), ({"prefix": "$"}, "-$-5*", MISFIT),
        ({"suffix": "%"}, "5 %s", (5.0, "s")), ({"suffix": "%"}, "5s", MISFIT),
        (PARENTHESES, "(5)*", (-5.0, "*")), (PARENTHESES, "(T)", MISFIT), (MINUS_SIGN, "\u22125s", (-5.0, "s")),
    ],
)  # fmt: skip
def test_flagged_numbers_with_marks(marks: dict[str, str], text: str, value: Any) -> None:
    """The number of a flagged number carries the marks; a flag alone does not."""
    assert _value(_column("flagged_number", **marks), text) == value


def test_a_misfit_shows_how_the_numbers_are_written() -> None:
    """The reason has an example, because the types alone would not show the mistake."""
    column = _column("float64", decimal=",", group=".", suffix="%")
    assert misfit(column, "1.5") == "is not a float64 written like '1.234,5%'"
    assert misfit(_column("int8", group=","), "1.5") == "is not an int8 (-128 to 127) written like '1,234.5'"
    assert misfit(column, "0,30000000000000001%") == (
        "needs more digits than a float64 holds exactly; declare it string"
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", "1.50"), ("1.50", "1.50"), ("1.500", "1.50"), ("1.505", MISFIT), ("-1234567.89", "-1234567.89"),
        ("12345678", MISFIT), ("12345678.90", MISFIT), (" 1.5 ", "1.50"), ("1.", "1.00"), (".5", "0.50"),
        ("+1", "1.00"), ("1e3", "1000.00"), ("1e-3", MISFIT), ("100e-2", "1.00"), ("1e99", MISFIT), ("007", "7.00"),
        ("0.1000000000000000000000000000000000000000000", "0.10"), ("1" * 50, MISFIT), ("0" * 50 + "1", "1.00"),
        ("1e99999999999999999999", MISFIT), ("nan", MISFIT), ("inf", MISFIT), ("1,5", MISFIT), ("0x1F", MISFIT),
        (".", MISFIT), ("٣", MISFIT), ("-0.001", MISFIT), ("", None),
    ],
)  # fmt: skip
def test_decimal(text: str, value: Any) -> None:
    """A decimal holds what needs no more digits than its type has; zeros at the end need none."""
    found = _value(_column("decimal(9, 2)"), text)
    assert found == (Decimal(value) if value not in (None, MISFIT) else value)


def test_a_decimal_holds_more_digits_than_a_float() -> None:
    """All 38 digits are exact."""
    text = "12345678901234567890123456789012345.678"
    assert _value(_column("decimal(38, 3)"), text) == Decimal(text)
    assert _value(_column("decimal(38, 3)", decimal=",", group="."), "1.234,567") == Decimal("1234.567")
    assert misfit(_column("decimal(5, 2)"), "1234.5") == "has more digits than decimal(5, 2) holds"
    assert misfit(_column("decimal(5, 2)"), "x") == "is not a decimal(5, 2)"


def test_uint64_holds_all_of_64_bits() -> None:
    """The largest value fits, a negative one does not."""
    column = _column("uint64", group=",")
    texts = ["18446744073709551615", "18,446,744,073,709,551,615", "18446744073709551616", "-1", "-0"]
    assert _values(column, texts) == [2**64 - 1, 2**64 - 1, MISFIT, MISFIT, 0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inf", math.inf), ("-inf", -math.inf), ("+INF", math.inf), ("Infinity", math.inf), ("-infinity", -math.inf),
        ("nan", math.nan), ("NaN", math.nan), (" inf ", math.inf), ("1.5", 1.5), ("", None), ("-nan", MISFIT),
        ("nan(1)", MISFIT), ("infinit", MISFIT), ("1e400", MISFIT), ("i nf", MISFIT), ("0.30000000000000001", MISFIT),
    ],
)  # fmt: skip
def test_inf_and_nan_where_they_are_declared(text: str, value: Any) -> None:
    """`non_finite` accepts the words in any case; numbers that overflow are still misfits."""
    assert repr(_value(_column("float64", non_finite=True), text)) == repr(value)
    assert repr(_values(_column("float64", non_finite=True), [text, "inf"])) == repr([value, math.inf])


def test_inf_and_nan_carry_no_marks() -> None:
    """A word is no number, so it has neither prefix nor suffix."""
    column = _column("float64", non_finite=True, suffix="%", decimal=",")
    assert _values(column, ["1,5%", "inf", "inf%", "-inf"]) == [1.5, math.inf, MISFIT, -math.inf]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52.52000659999999612", 52.52000659999999612), ("0.30000000000000001", 0.3), ("1e400", MISFIT),
        ("9007199254740993", 9007199254740992.0), ("1e-400", 0.0), ("1.5", 1.5), ("nan", MISFIT), ("x", MISFIT),
        ("inf", MISFIT), ("4.9e-324", 5e-324),
    ],
)  # fmt: skip
def test_rounding_where_it_is_declared(text: str, value: Any) -> None:
    """`rounded` takes the nearest float; a number beyond its range does not fit."""
    assert repr(_value(_column("float64", rounded=True), text)) == repr(value)


def test_rounding_is_that_of_python_with_marks_too() -> None:
    """The marks are removed before the number is rounded."""
    column = _column("float64", rounded=True, decimal=",", group=".")
    assert _values(column, ["1.234,56789012345678901", "x"]) == [float("1234.56789012345678901"), MISFIT]
    assert misfit(column, "1e400") == "is beyond the range of a float64"


MARKS = st.builds(
    NumberMarks,
    decimal=st.sampled_from([".", ",", "·"]),
    group=st.sampled_from([None, " ", "\u00a0", "\u202f", "'", "_"]),
    prefix=st.sampled_from(["", "$", "US$", "EUR", "Fr.", "€", "("]),
    suffix=st.sampled_from(["", "%", "€", "kr", "\\", "e", "/kWh", "]"]),
) | st.sampled_from([NumberMarks(group=","), NumberMarks(decimal=",", group="."), NumberMarks(decimal="'", group="/")])
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=4)


def _written(number: Decimal, marks: NumberMarks, *, blank: str) -> str:
    """The number as a careful writer with these marks would write it."""
    text = f"{number.copy_abs():,f}" if marks.group else f"{number.copy_abs():f}"
    text = text.translate({ord(","): marks.group or "", ord("."): marks.decimal})
    sign = "-" if number.is_signed() else ""
    return sign + (marks.prefix + blank if marks.prefix else "") + text + (blank + marks.suffix if marks.suffix else "")


@settings(max_examples=300, deadline=None)
@given(MARKS, st.lists(NUMBERS, min_size=1, max_size=5), st.sampled_from(["", " ", "\u00a0"]))
def test_a_written_number_is_read_back_exactly(marks: NumberMarks, numbers: list[Decimal], blank: str) -> None:
    """Whatever the marks, the decimal that was written comes back."""
    column = ColumnSpec(name="x", header="x", type="decimal(38, 4)", marks=marks)
    assert _values(column, [_written(number, marks, blank=blank) for number in numbers]) == numbers


def _by_hand(text: str, marks: NumberMarks) -> Decimal | None:
    """The number of a text, by taking it apart from both ends; an independent definition for the test below."""
    blanks = " \t\n\v\f\r\u00a0\u2009\u202f"
    text, sign = text.strip(blanks), ""
    if text[:1] in ("+", "-") and text:
        sign, text = text[0], text[1:]
        if text[:1] in blanks:
            return None
    if not text.startswith(marks.prefix) or not text.endswith(marks.suffix) or not text:
        return None
    text = text[len(marks.prefix) : len(text) - len(marks.suffix)]
    text = text.lstrip(blanks) if marks.prefix else text
    text = text.rstrip(blanks) if marks.suffix else text
    if text[:1] in ("+", "-") and text and marks.prefix and not sign:
        sign, text = text[0], text[1:]
    mantissa, e, exponent = text.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.partition(marks.decimal)
    if marks.group is not None:
        alike = blanks[-4:].replace("\r", " ") if marks.group in " \u00a0\u2009\u202f" else marks.group
        groups = re.split(f"[{re.escape(alike)}’]" if marks.group == "'" else f"[{re.escape(alike)}]", whole)
        if len(groups) > 1:
            if not 1 <= len(groups[0]) <= 3 or groups[0][:1] == "0" or any(len(group) != 3 for group in groups[1:]):
                return None
            whole = "".join(groups)
    digits = whole + fraction
    if not (digits.isascii() and digits.isdecimal()) or (e and not re.fullmatch("[+-]?[0-9]+", exponent)):
        return None
    return Decimal(f"{sign}{whole or '0'}.{fraction or '0'}{'e' + exponent if e else ''}")


@settings(max_examples=1500, deadline=None)
@given(MARKS, st.text("0123456789.,'·_ \u00a0+-eE$%€\n", max_size=14))
@example(NumberMarks(group=","), "0,123")
@example(NumberMarks(group=","), "1,234,56")
@example(NumberMarks(decimal=",", group="."), "1.234.567")
@example(NumberMarks(prefix="$"), "+$1")
@example(NumberMarks(suffix="e"), "1e5e")
@example(NumberMarks(suffix="e"), "15e")
def test_random_texts_never_become_a_wrong_number(marks: NumberMarks, text: str) -> None:
    """All at once, one by one, and taken apart by hand, a text is the same number or none."""
    plain = plain_numbers(pa.array([text], pa.string()), marks)[0].as_py()
    single = plain_number(text, marks)
    if marks != NumberMarks():
        assert plain == (single or "")
    number = re.fullmatch(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", single or "", re.ASCII)
    expected = _by_hand(text, marks) if marks != NumberMarks() or number else None
    assert (Decimal((single or "").strip()) if number else None) == expected

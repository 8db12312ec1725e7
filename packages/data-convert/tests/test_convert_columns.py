"""Each type accepts exactly the texts that it can represent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_convert.columns.conversion import arrow_fields, convert
from data_convert.columns.instants import instants
from data_convert.spec.dataset_spec import INTEGER_RANGES, TYPES, ColumnSpec
from data_convert.verification.values.value_rules import value_rule

MISFIT = "does not fit"


def _column(type_: str, **settings: Any) -> ColumnSpec:
    return ColumnSpec(name="x", header="x", type=type_, **settings)


def _read(column: ColumnSpec, texts: Sequence[str], *, as_dictionary: bool = False) -> list[Any]:
    """The result for each text: a value, a tuple of number and flag, or MISFIT."""
    array = pa.array(texts, pa.string())
    converted = convert(column, array.dictionary_encode() if as_dictionary else array)
    assert [part.type for part in converted.arrays] == [field.type for field in arrow_fields(column)]
    fits = np.ones(len(texts), dtype=bool) if converted.fits is None else converted.fits
    rows = zip(*(part.to_pylist() for part in converted.arrays), strict=True)
    return [(row if len(row) > 1 else row[0]) if fit else MISFIT for row, fit in zip(rows, fits, strict=True)]


def _read_one(column: ColumnSpec, text: str) -> Any:
    """The same for one text, alone and among others that take the fast or the slow way."""
    alone = _read(column, [text])[0]
    assert _read(column, [text, "\x07"])[0] == alone
    assert _read(column, [text, text, "\x07"], as_dictionary=True)[:2] == [alone, alone]
    return alone


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("+1", 1), ("-1", -1), (" 1", 1), ("1\t", 1), ("007", 7), ("-0", 0), ("0" * 5000 + "9", 9),
        ("127", 127), ("-128", -128), ("128", MISFIT), ("-129", MISFIT), ("12345678901234567890", MISFIT),
        ("9" * 5000, MISFIT), ("0x1F", MISFIT), ("1e3", MISFIT), ("1.", MISFIT), ("1.0", MISFIT), ("1_0", MISFIT),
        ("١", MISFIT), ("\u00a01", MISFIT), ("--1", MISFIT), ("+", MISFIT), (" ", MISFIT), ("nan", MISFIT),
        ("1 2", MISFIT), ("1\0", MISFIT), ("", None),
    ],
)  # fmt: skip
def test_int8(text: str, value: Any) -> None:
    """A whole number in ASCII digits, with a sign and space around it, within the range of the type."""
    assert _read_one(_column("int8"), text) == value


@pytest.mark.parametrize("type_", INTEGER_RANGES)
def test_integer_bounds(type_: str) -> None:
    """The ends of each range fit, and what lies one beyond does not."""
    low, high = INTEGER_RANGES[type_]
    texts = [str(low), str(high), str(low - 1), str(high + 1)]
    assert [_read_one(_column(type_), text) for text in texts] == [low, high, MISFIT, MISFIT]


FLOATS = [
    ("1", 1.0), (".445", 0.445), ("1.", 1.0), ("+.5", 0.5), (" 0.1 ", 0.1), ("007", 7.0), ("-0", -0.0), ("0.0", 0.0),
    ("1e3", 1000.0), ("1.5E-3", 0.0015), ("0.30000000000000004", 0.30000000000000004), ("0.10", 0.1),
    ("0.1000000000000000000000", 0.1), ("123456789.1234567", 123456789.1234567),
    ("1.7976931348623157e308", 1.7976931348623157e308), ("5e-324", 5e-324),
    ("9007199254740992", 9007199254740992.0), ("12345678901234560000", 1.234567890123456e19),
    ("9007199254740993", MISFIT), ("12345678901234567890", MISFIT), ("0.1000000000000000055511151231257827", MISFIT),
    ("0.30000000000000001", MISFIT), ("1e400", MISFIT), ("1e-400", MISFIT), ("-1e400", MISFIT), ("4.9e-324", MISFIT),
    ("1e-99999999999999999999", MISFIT), (".", MISFIT), ("1e", MISFIT), ("0x1F", MISFIT), ("1_0.0", MISFIT),
    ("1,5", MISFIT), ("1.2.3", MISFIT), ("١", MISFIT), (" ", MISFIT), ("1d5", MISFIT), ("-inf", MISFIT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [*FLOATS, ("nan", MISFIT), ("inf", MISFIT), ("Infinity", MISFIT), ("0.1f", MISFIT), ("1f", MISFIT), ("", None)],
)
def test_float64(text: str, value: Any) -> None:
    """A decimal number whose float has it as its shortest form; zero keeps its sign."""
    found = _read_one(_column("float64"), text)
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, MISFIT if value == MISFIT else (value, None)) for text, value in FLOATS if text not in (".", "1e")),
        ("0.00s", (0.0, "s")), ("T", (None, "T")), ("*", (None, "*")), ("VRB", (None, "VRB")), ("4.023V", (4.023, "V")),
        ("M", (None, "M")), ("", (None, None)), ("1.5e3", (1500.0, None)), ("-.5s", (-0.5, "s")),
        ("12*#", (12.0, "*#")), ("nan", (None, "nan")), ("1e", (1.0, "e")), ("ABCDEFGH", (None, "ABCDEFGH")),
        ("s0", MISFIT), ("1 s", MISFIT), (" s", MISFIT), ("1.5e3s", MISFIT), ("ABCDEFGHI", MISFIT), (".", MISFIT),
        ("1;", MISFIT), ("é", MISFIT), ("9007199254740993s", MISFIT), ("1\n", (1.0, None)), ("T\n", MISFIT),
    ],
)  # fmt: skip
def test_flagged_number(text: str, value: Any) -> None:
    """A number, a flag of up to eight letters or marks, or a number followed by a flag."""
    assert repr(_read_one(_column("flagged_number"), text)) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("T", True), ("Yes", True), ("y", True), ("1", True), (" TRUE ", True), ("false", False),
     ("F", False), ("no", False), ("N", False), ("0", False), ("", None),
     ("2", MISFIT), ("on", MISFIT), ("00", MISFIT), ("1.0", MISFIT), (" ", MISFIT)],
)  # fmt: skip
def test_bool(text: str, value: Any) -> None:
    """The usual words in any case, and no other texts."""
    assert _read_one(_column("bool"), text) == value


@pytest.mark.parametrize("text", ["a", " ", "\0", "\ufeff", "NULL", "1", "é", "\U0001f333", "a\r\nb"])
def test_string(text: str) -> None:
    """A string is kept as it is, space and control characters too."""
    assert _read_one(_column("string"), text) == text


@pytest.mark.parametrize("type_", TYPES)
def test_null_spellings(type_: str) -> None:
    """Exactly the declared spellings are null; an empty cell is one only if declared."""
    formats = ("%Y",) if type_ in ("date", "timestamp") else ()
    column = _column(type_, nulls=("NA", "-9999"), formats=formats)
    nothing = (None, None) if type_ == "flagged_number" else None
    assert [_read_one(column, text) for text in ("NA", "-9999")] == [nothing, nothing]
    if type_ == "flagged_number":
        assert [_read_one(column, text) for text in ("", "na")] == [MISFIT, (None, "na")]
    else:
        assert [_read_one(column, text) for text in ("", "na")] == (["", "na"] if type_ == "string" else [MISFIT] * 2)


@pytest.mark.parametrize(
    ("text", "formats", "value"),
    [
        ("10/04/2022 00:05:00", ("%m/%d/%Y %H:%M:%S",), datetime(2022, 10, 4, 0, 5)),
        ("1/3/2022 4:05:06", ("%m/%d/%Y %H:%M:%S",), datetime(2022, 1, 3, 4, 5, 6)),
        ("13/40/2022 00:00:00", ("%m/%d/%Y %H:%M:%S",), MISFIT),
        ("13/04/2022", ("%m/%d/%Y", "%d/%m/%Y"), datetime(2022, 4, 13)),
        ("03/04/2022", ("%m/%d/%Y", "%d/%m/%Y"), datetime(2022, 3, 4)),
        ("2024-02-29", ("%Y-%m-%d",), datetime(2024, 2, 29)),
        ("2024-02-30", ("%Y-%m-%d",), MISFIT),
        ("2024-03-32", ("%Y-%m-%d",), MISFIT),
        ("2023-02-29", ("%Y-%m-%d",), MISFIT),
        ("1900-02-29", ("%Y-%m-%d",), MISFIT),
        ("0000-01-01", ("%Y-%m-%d",), MISFIT),
        ("0001-01-01", ("%Y-%m-%d",), datetime(1, 1, 1)),
        ("2022-01-01 24:00:00", ("%Y-%m-%d %H:%M:%S",), MISFIT),
        ("2022-01-01 23:59:59", ("%Y-%m-%d %H:%M:%S",), datetime(2022, 1, 1, 23, 59, 59)),
        ("2016-12-31 23:59:60", ("%Y-%m-%d %H:%M:%S",), MISFIT),
        ("2022-01-01 00:00:00.5", ("%Y-%m-%d %H:%M:%S.%f",), datetime(2022, 1, 1, 0, 0, 0, 500_000)),
        ("2022-01-01 00:00:00.000001", ("%Y-%m-%d %H:%M:%S.%f",), datetime(2022, 1, 1, 0, 0, 0, 1)),
        ("2022-01-01 00:00:00.0000001", ("%Y-%m-%d %H:%M:%S.%f",), MISFIT),
        ("2022010112", ("%Y%m%d%H%M", "%Y%m%d%H"), datetime(2022, 1, 1, 1, 2)),
        ("202201011200", ("%H%M%S%d%m%y", "%Y%m%d%H%M"), datetime(2000, 12, 1, 20, 22, 1)),
        ("202201011200", ("%Y%m%d%H%M", "%H%M%S%d%m%y"), datetime(2022, 1, 1, 12)),
        (" 3/ 4/2022  05", ("%m/%d/%Y %H",), MISFIT),
        ("3/ 4/2022  05", ("%m/%d/%Y %H",), datetime(2022, 3, 4, 5)),
        ("2022-01-01t05", ("%Y-%m-%dT%H",), datetime(2022, 1, 1, 5)),
        ("5 Jan 2022 3 pm", ("%d %b %Y %I %p",), datetime(2022, 1, 5, 15)),
        ("2022-01-01T05", ("%Y-%m-%d %H",), MISFIT),
        ("2022-01-01 ", ("%Y-%m-%d",), MISFIT),
        ("", ("%Y-%m-%d",), None),
    ],
)
def test_timestamp(text: str, formats: tuple[str, ...], value: Any) -> None:
    """A text fits if strptime accepts all of it in one of the formats."""
    assert _read_one(_column("timestamp", formats=formats), text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2022-01-01T02:00:00+0200", datetime(2022, 1, 1, tzinfo=UTC)),
        ("2022-01-01T00:00:00Z", datetime(2022, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+0500", MISFIT),
        ("9999-12-31T23:59:59-0500", MISFIT),
    ],
)
def test_instant(text: str, value: Any) -> None:
    """With an offset the text is an instant; one outside the years 1 to 9999 does not fit."""
    assert _read_one(_column("timestamp", formats=("%Y-%m-%dT%H:%M:%S%z",), zone="UTC"), text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2022-01-03", date(2022, 1, 3)), ("1969-12-31", date(1969, 12, 31)), ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)), ("2022-01-03 00:00", date(2022, 1, 3)), ("2022-01-03 05:00", MISFIT),
        ("2023-02-29", MISFIT), ("2022-1-3", date(2022, 1, 3)), ("", None),
    ],
)  # fmt: skip
def test_date(text: str, value: Any) -> None:
    """A date holds no time of day: a text with one other than midnight does not fit."""
    assert _read_one(_column("date", formats=("%Y-%m-%d", "%Y-%m-%d %H:%M")), text) == value


PIECES = ["%Y", "%m", "%d", "%H", "%M", "%S", "%f", "-", "/", ":", " ", "T", ".", "%y", "%j", "%p", "%I", "%%"]
FORMATS = st.one_of(
    st.sampled_from(
        ["%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S.%f", "%m/%d/%y"]
    ),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9, unique=True).map("".join),
)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1))


@st.composite
def _formats_and_texts(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    formats = draw(st.lists(FORMATS, min_size=1, max_size=3))
    right = st.builds(lambda moment, format_: moment.strftime(format_), MOMENTS, st.sampled_from(formats))
    digits = st.from_regex(
        r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([ T][0-9]{1,2}:[0-9]{2}:[0-9]{2})?", fullmatch=True
    )
    return formats, draw(st.lists(st.one_of(right, digits, st.text("0123456789-/: T٣", max_size=12)), max_size=6))


def _by_strptime(text: str, formats: Sequence[str]) -> int | None:
    for format_ in formats:
        try:
            return (datetime.strptime(text, format_) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
        except ValueError:
            continue
    return None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a day of month without a year, from Python 3.13 on
@settings(max_examples=400, deadline=None)
@given(_formats_and_texts())
def test_instants_are_those_of_strptime(case: tuple[list[str], list[str]]) -> None:
    """The fast parser of digits returns the same as strptime for each format."""
    formats, texts = case
    values, fits = instants(pa.array(texts, pa.string()), formats)
    found = [int(value) if fit else None for value, fit in zip(values, fits, strict=True)]
    assert found == [_by_strptime(text, formats) for text in texts]


COLUMNS = [_column(type_, formats=("%Y-%m-%d", "%d.%m.%Y %H:%M")) if type_ in ("date", "timestamp")
           else _column(type_, nulls=("", "NA")) for type_ in TYPES]  # fmt: skip
TEXTS = st.lists(
    st.one_of(
        st.text("0123456789.+-eE sT*x_\t", max_size=8),
        st.integers(-(2**65), 2**65).map(str),
        st.floats().map(repr),
        st.decimals(allow_nan=False, allow_infinity=False, places=6).map(str),
        st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda moment: f"{moment:%Y-%m-%d}"),
        st.sampled_from(["", "NA", "true", "0", "nan", "0.00s", "-0", "007", " 1", "1e5", "0x10", "1\u2003", "\x1c1"]),
        st.text(max_size=5),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COLUMNS), TEXTS)
def test_dictionary_or_not(column: ColumnSpec, texts: list[str]) -> None:
    """Texts become the same values with and without a dictionary."""
    assert repr(_read(column, texts, as_dictionary=True)) == repr(_read(column, texts))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COLUMNS), TEXTS)
def test_all_at_once_or_one_by_one(column: ColumnSpec, texts: list[str]) -> None:
    """The value of a text does not depend on the other texts."""
    assert repr(_read(column, texts)) == repr([_read(column, [text])[0] for text in texts])


def _stored(column: ColumnSpec, value: Any) -> Any:
    """A value as the second reading has it."""
    if column.type == "date" and value is not None:
        return (value - date(1970, 1, 1)).days
    if column.type == "timestamp" and value is not None:
        return (value - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    return value


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(COLUMNS), TEXTS)
def test_both_readings_agree(column: ColumnSpec, texts: list[str]) -> None:
    """The conversion and the second reading, which share no code, take every text alike."""
    found = _read(column, texts)
    values_of = value_rule(column)
    expected = [values_of(text) for text in texts]
    rows = [None if v == MISFIT else (v if isinstance(v, tuple) else (_stored(column, v),)) for v in found]
    assert repr(rows) == repr(expected)


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"[+-]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_what_is_kept_of_a_number_is_exact(text: str) -> None:
    """A float that is kept is, written out, the very number of the text."""
    (found,) = _read(_column("float64", nulls=()), [text])
    assert found == MISFIT or Decimal(repr(found)) == Decimal(text)

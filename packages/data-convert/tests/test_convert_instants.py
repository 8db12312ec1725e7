"""Timestamps in milliseconds, microseconds and nanoseconds, with fractions, offsets and abbreviations of zones."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_convert.columns.conversion import convert
from data_convert.columns.instants import instants
from data_convert.spec.dataset_spec import ColumnSpec

SECOND = "%Y-%m-%d %H:%M:%S"
FRACTION = "%Y-%m-%d %H:%M:%S.%f"
ZONES = (("CE", "+00:30"), ("CEST", "+02:00"), ("CET", "+01:00"), ("NST", "-03:30"))


def _moments(texts: list[str], *formats: str, **keys: Any) -> list[int | None]:
    values, fits = instants(pa.array(texts, pa.string()), formats, **keys)
    return [int(value) if fit else None for value, fit in zip(values, fits, strict=True)]


@pytest.mark.parametrize(
    ("fraction", "nanoseconds"),
    [
        ("1", 100_000_000), ("12", 120_000_000), ("123456", 123_456_000), ("1234567", 123_456_700),
        ("123456789", 123_456_789), ("000000001", 1), ("999999999", 999_999_999), ("1234567890", None), ("", None),
        ("12345678٣", None), ("1234567 ", None),
    ],
)  # fmt: skip
def test_nanoseconds_have_one_to_nine_digits(fraction: str, nanoseconds: int | None) -> None:
    """Each digit of a fraction counts, also before 1970 and in a format whose width varies."""
    for text, format_ in (
        (f"1970-01-01 00:00:00.{fraction}", FRACTION),
        (f"1-Jan-1970 0:0:0.{fraction}", "%d-%b-%Y %H:%M:%S.%f"),
        (f"1970-01-01T01:00:00.{fraction}+01:00", "%Y-%m-%dT%H:%M:%S.%f%z"),
    ):
        assert _moments([text], format_, unit="ns") == [nanoseconds]
    before = None if nanoseconds is None else nanoseconds - 1_000_000_000
    assert _moments([f"1969-12-31 23:59:59.{fraction}"], FRACTION, unit="ns") == [before]


def test_each_unit_takes_what_it_holds() -> None:
    """Milliseconds do not hold microseconds; nanoseconds do not hold the year 2263."""
    texts = [
        "2024-01-01 00:00:00.5",
        "2024-01-01 00:00:00.123",
        "2024-01-01 00:00:00.1234",
        "2024-01-01 00:00:00.120000",
    ]
    base = 1_704_067_200_000
    assert _moments(texts, FRACTION, unit="ms") == [base + 500, base + 123, None, base + 120]
    edges = ["1677-09-21 00:12:44", "1677-09-21 00:12:43", "2262-04-11 23:47:15", "2262-04-11 23:47:16"]
    limit = 9_223_372_036
    assert _moments(edges, SECOND, unit="ns") == [-limit * 10**9, None, (limit - 1) * 10**9, None]
    assert _moments(["9999-12-31 00:00:00"], SECOND, unit="us") == [253_402_214_400_000_000]


@pytest.mark.parametrize(
    ("precision", "zone", "type_"),
    [("ms", None, pa.timestamp("ms")), ("ns", None, pa.timestamp("ns")), ("ns", "UTC", pa.timestamp("ns", tz="UTC"))],
)
def test_the_precision_becomes_the_type(precision: Any, zone: str | None, type_: pa.DataType) -> None:
    """The values are in the declared unit."""
    column = ColumnSpec(name="x", header="x", type="timestamp", formats=(SECOND,), precision=precision, zone=zone)
    (array,) = convert(column, pa.array(["1970-01-01 00:00:02", ""])).arrays
    assert array.type == type_
    assert array.cast(pa.int64()).to_pylist() == [{"ms": 2_000, "ns": 2_000_000_000}[precision], None]


def test_iso_weeks() -> None:
    """Year, week and day of the week, of which the first days can belong to another year."""
    days = [value // 86_400_000_000 if value is not None else None
            for value in _moments(["2024-W05-3", "2020-W53-7", "2021-W53-1", "2024-W05"], "%G-W%V-%u")]  # fmt: skip
    expected = [datetime(2024, 1, 31), datetime(2021, 1, 3)]
    assert days == [*((day - datetime(1970, 1, 1)).days for day in expected), None, None]


@pytest.mark.parametrize(
    ("text", "format_", "expected"),
    [
        ("2024-07-01 12:00:00 CEST", f"{SECOND} %Z", datetime(2024, 7, 1, 10)),
        ("2024-01-01 12:00:00 CET", f"{SECOND} %Z", datetime(2024, 1, 1, 11)),
        ("2024-01-01 12:00:00 NST", f"{SECOND} %Z", datetime(2024, 1, 1, 15, 30)),
        ("2024-01-01 12:00:00 CE", f"{SECOND} %Z", datetime(2024, 1, 1, 11, 30)),
        ("Mon Jan  1 12:00:00 CET 2024", "%a %b %d %H:%M:%S %Z %Y", datetime(2024, 1, 1, 11)),
        ("1/1/2024 12:00 CET", "%m/%d/%Y %H:%M %Z", datetime(2024, 1, 1, 11)),
        ("2024-01-01 12:00:00 UTC", f"{SECOND} %Z", None),
        ("2024-01-01 12:00:00 cet", f"{SECOND} %Z", None),
        ("2024-01-01 12:00:00", f"{SECOND} %Z", None),
        ("9999-12-31 23:59:59 NST", f"{SECOND} %Z", None),
    ],
)
def test_abbreviations_have_their_declared_offsets(text: str, format_: str, expected: datetime | None) -> None:
    """Only declared abbreviations fit, each in its own spelling."""
    value = None if expected is None else (expected - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    assert _moments([text], format_, abbreviations=ZONES) == [value]


def test_abbreviations_mean_the_same_on_any_machine() -> None:
    """strptime would read CET in Berlin, and reject it in New York."""
    code = (
        "import pyarrow as pa; from data_convert.columns.instants import instants;"
        "print(instants(pa.array(['1 Jan 1970 01:00 CET', '1970-01-01 01:00:00 CET']),"
        f"('%d %b %Y %H:%M %Z', '{SECOND} %Z'), abbreviations={ZONES!r}))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
        ).stdout
        for zone in ("Europe/Berlin", "America/New_York", "UTC")
    }
    assert answers == {f"{(np.array([0, 0]), np.array([True, True]))}\n"}


FORMATS = st.sampled_from(
    [FRACTION, "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
     "%d.%m.%Y %H:%M:%S,%f", "%Y%m%d%H%M%S%f", "%H:%M:%S.%f %d-%m-%Y", "%Y-%m-%d%p%I", "%I %Y-%m-%d", "%z %Y-%m-%d"]
)  # fmt: skip
OFFSETS = st.sampled_from(["Z", "+00:00", "-0530", "+23:59", "+24:00", "-01:60", "z", "+1:00", "+01:30:15", "+01-30"])


def _by_strptime(text: str, format_: str) -> int | None:
    try:
        moment = datetime.strptime(text, format_)
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


@settings(max_examples=1000, deadline=None)
@given(
    FORMATS,
    st.lists(st.tuples(st.datetimes(), st.integers(1, 7), OFFSETS, st.sampled_from(["", "0", " ", "x"])), max_size=5),
)
def test_fractions_offsets_and_halves_of_days_are_those_of_strptime(format_: str, parts: list[Any]) -> None:
    """Texts of every width, right and wrong ones, all at once."""
    texts = []
    for moment, digits, offset, behind in parts:
        fraction = f"{moment.microsecond:06}7"[:digits]
        text = moment.strftime(format_.replace("%f", "FRACTION").replace("%z", "OFFSET").replace("%Y", "YEAR"))
        text = text.replace("FRACTION", fraction).replace("OFFSET", offset).replace("YEAR", f"{moment.year:04}")
        texts.append(text + behind)
    assert _moments(texts, format_) == [_by_strptime(text, format_) for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.datetimes(datetime(1678, 1, 1), datetime(2262, 1, 1)), st.integers(0, 999), st.sampled_from(ZONES))
def test_nanoseconds_and_abbreviations_are_exact(moment: datetime, rest: int, zone: tuple[str, str]) -> None:
    """What is written with nine digits and an abbreviation comes back."""
    name, offset = zone
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:])) * (-1 if offset[0] == "-" else 1)
    local = moment.replace(tzinfo=UTC).astimezone(timezone(shift))
    text = f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond:06}{rest:03} {name}"
    expected = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000 + rest
    assert _moments([text], f"{FRACTION} %Z", unit="ns", abbreviations=ZONES) == [expected]

"""A dataset whose columns use every key of numbers and timestamps becomes the Parquet types that the keys declare."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert.errors import RejectedRowsError
from data_convert.spec.dataset_spec import DatasetSpec, Dialect, NumberMarks

EUROPEAN: Final = NumberMarks(decimal=",", group=".")
COLUMNS: Final[dict[str, Any]] = {
    "price": {"type": "float64", "marks": NumberMarks(decimal=",", group=".", suffix="€")},
    "count": {"type": "int32", "marks": NumberMarks(group=" ")},
    "share": {"type": "float64", "marks": NumberMarks(suffix="%")},
    "flagged": {"type": "flagged_number", "marks": EUROPEAN},
    "money": {"type": "decimal(12, 2)", "marks": EUROPEAN},
    "huge": "decimal(38, 0)",
    "big": "uint64",
    "odd": {"type": "float64", "non_finite": True},
    "long": {"type": "float64", "rounded": True},
    "fine": {"type": "timestamp", "precision": "ns", "formats": ("%Y-%m-%d %H:%M:%S.%f",)},
    "coarse": {"type": "timestamp", "precision": "ms", "formats": ("%Y-%m-%d %H:%M",)},
    "zoned": {
        "type": "timestamp", "zone": "UTC", "formats": ("%Y-%m-%d %H:%M %Z",), "abbreviations": (("CET", "+01:00"),),
    },
    "week": {"type": "date", "formats": ("%G-W%V-%u",)},
    "note": "string",
}  # fmt: skip
ROWS: Final = [
    "1.234,50 €;12 345;7 %;1.234,5s;1.234,5;12345678901234567890123456789012345678;18446744073709551615;-inf;"
    "52.52000659999999612;2024-01-01 00:00:00.123456789;2024-01-01 10:30;2024-01-01 10:30 CET;2024-W05-3;a",
    "-3€;7;0.5%;T;-0,05;-1;0;nan;1;2024-01-01 00:00:00.5;2024-01-01 10:31;2024-07-01 10:30 CET;2020-W53-7;b",
    ";;;;;;;;;;;;;c",
]
VALUES: Final = {
    "price": [1234.5, -3.0, None],
    "count": [12345, 7, None],
    "share": [7.0, 0.5, None],
    "flagged": [1234.5, None, None],
    "flagged_flag": ["s", "T", None],
    "money": [Decimal("1234.50"), Decimal("-0.05"), None],
    "huge": [Decimal("12345678901234567890123456789012345678"), Decimal(-1), None],
    "big": [2**64 - 1, 0, None],
    "long": [52.52000659999999612, 1.0, None],
    "coarse": [datetime(2024, 1, 1, 10, 30), datetime(2024, 1, 1, 10, 31), None],
    "zoned": [datetime(2024, 1, 1, 9, 30, tzinfo=UTC), datetime(2024, 7, 1, 9, 30, tzinfo=UTC), None],
    "week": [datetime(2024, 1, 31).date(), datetime(2021, 1, 3).date(), None],
}
TYPES: Final = {
    "count": pa.int32(),
    "money": pa.decimal128(12, 2),
    "huge": pa.decimal128(38, 0),
    "big": pa.uint64(),
    "fine": pa.timestamp("ns"),
    "coarse": pa.timestamp("ms"),
    "zoned": pa.timestamp("us", tz="UTC"),
    "week": pa.date32(),
}


def _spec(lab: Any) -> DatasetSpec:
    spec: DatasetSpec = lab.spec(COLUMNS, dialect=Dialect(delimiter=";"))
    return spec


def _table(lab: Any, rows: list[str]) -> pa.Table:
    lab.raw("a.csv", ";".join(COLUMNS) + "\n" + "\n".join(rows) + "\n")
    lab.convert(_spec(lab))
    table: pa.Table = lab.table()
    return table


def test_values_and_types_are_those_that_were_declared(lab: Any) -> None:
    """Every value is exact, or rounded where that is declared."""
    table = _table(lab, ROWS)
    assert {name: table.column(name).to_pylist() for name in VALUES} == VALUES
    assert {name: table.schema.field(name).type for name in TYPES} == TYPES
    odd = table.column("odd").to_pylist()
    assert (odd[0], math.isnan(odd[1]), odd[2]) == (-math.inf, True, None)
    nanoseconds = table.column("fine").cast(pa.int64()).to_pylist()
    assert nanoseconds == [1_704_067_200_123_456_789, 1_704_067_200_500_000_000, None]
    stored = pq.ParquetFile(lab.part()).schema
    logical = {stored.column(place).name: str(stored.column(place).logical_type) for place in range(len(stored))}
    assert logical["money"] == "Decimal(precision=12, scale=2)"
    assert logical["big"] == "Int(bitWidth=64, isSigned=false)"
    assert "timeUnit=nanoseconds" in logical["fine"]


def test_the_second_reading_knows_all_keys(lab: Any) -> None:
    """Verification finds no difference, so both readings take each text alike."""
    _table(lab, ROWS * 3)
    report = lab.verify(_spec(lab))
    assert (report.rows, report.values, report.findings) == (9, 9 * (len(COLUMNS) + 1), ())


def test_both_ways_of_reading_agree(lab: Any) -> None:
    """A quote in the middle of a cell makes the block be read row by row; the other rows stay the same."""
    rows = ROWS * 50
    fast = _table(lab, rows)
    exact = _table(lab, [*rows, ";" * 13 + 'd"'])
    assert exact.num_rows == fast.num_rows + 1
    same = exact.slice(0, fast.num_rows)
    assert same.drop_columns("odd").equals(fast.drop_columns("odd"))
    assert repr(same.column("odd").to_pylist()) == repr(fast.column("odd").to_pylist())  # nan is unequal to itself


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("price", "1.234,50", "is not a float64 written like '1.234,5€'"),
        ("count", "12 34", "is not an int32 (-2147483648 to 2147483647) written like '1 234.5'"),
        ("money", "1,005", "has more digits than decimal(12, 2) holds"),
        ("big", "-1", "is not an uint64 (0 to 18446744073709551615)"),
        ("odd", "infinite", "is not a float64"),
        ("long", "1e400", "is beyond the range of a float64"),
        ("coarse", "2024-01-01", "is not a timestamp of the form %Y-%m-%d %H:%M"),
        ("zoned", "2024-01-01 10:30 PST", "is not a timestamp of the form %Y-%m-%d %H:%M %Z"),
    ],
)
def test_a_text_that_does_not_fit_is_rejected_with_the_reason(lab: Any, column: str, text: str, reason: str) -> None:
    """The reason shows how the column's values are written."""
    cells = ROWS[1].split(";")
    cells[list(COLUMNS).index(column)] = text
    with pytest.raises(RejectedRowsError) as error:
        _table(lab, [ROWS[0], ";".join(cells)])
    found: Any = error.value.rejects[0]
    assert (found.column, found.value, found.reason) == (column, text, reason)

"""The second reading finds whatever differs between raw files and Parquet, and names it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data_convert import closer_look, verify
from data_convert.spec import DatasetSpec, Dialect

MIXED = {
    "id": "int64",
    "small": "int8",
    "length": "float64",
    "rain": "flagged_number",
    "kind": {"type": "string", "nulls": ("", "NA")},
    "is_old": "bool",
    "planted": {"type": "date", "formats": ("%Y-%m-%d",)},
    "seen": {"type": "timestamp", "formats": ("%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M")},
    "heard": {"type": "timestamp", "formats": ("%Y-%m-%dT%H:%M:%S%z",), "zone": "UTC"},
    "note": {"type": "string", "optional": True},
}
HEADER = "id,small,length,rain,kind,is_old,planted,seen,heard\n"
ROWS = [
    '1,-128,.445,0.00s,oak,true,2023-02-28,10/04/2022 00:00:00,2022-10-04T02:00:00+0200',
    '2,127,0.1,T,"silver, ""white"" fir",0,1969-12-31,1/2/2022 3:04:05,2022-10-04T00:00:00Z',
    '3,,1e300,,NA,,,,',
    '4,+7,-0,12.5*,"two\nlines",YES,0001-01-01,2022-10-04T12:30,1969-12-31T23:59:59Z',
    '5, 7,123456789.1234567,3,ö,f,9999-12-31,10/04/2022 00:05:00,2022-10-04T00:05:00Z',
]
MIXED_TEXT = HEADER + "".join(f"{row}\n" for row in ROWS)


@pytest.fixture
def mixed(lab: Any) -> DatasetSpec:
    """A converted dataset with a row or more of each type."""
    spec: DatasetSpec = lab.spec(MIXED, sort=("kind", "id"))
    lab.raw("a.csv", MIXED_TEXT)
    lab.convert(spec)
    return spec


def _tamper(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite the part with the same footer."""
    footer = pq.read_metadata(path).metadata
    table = change(pq.read_table(path))
    pq.write_table(table.replace_schema_metadata(footer), path, store_schema=False)


def _set(table: pa.Table, name: str, row_id: int, value: Any) -> pa.Table:
    """The table with another value in the row of that id."""
    column = table[name]
    mask = pc.equal(table["id"], row_id)
    return table.set_column(
        table.schema.get_field_index(name), table.schema.field(name), pc.if_else(mask, pa.scalar(value, column.type), column)
    )


def _told(report: verify.VerifyReport) -> list[str]:
    return [str(finding) for finding in report.findings]


def test_every_type_is_verified(lab: Any, mixed: DatasetSpec) -> None:
    """A dataset with values of all types, nulls, flags, quotes and an absent optional column is clean."""
    told: list[int] = []
    report = lab.verify(mixed, progress=told.append)
    assert report.facts() == {
        "dataset": "trees",
        "is_clean": True,
        "parts": 1,
        "rows": 5,
        "values": 5 * 11,
        "rejects": 0,
        "findings": [],
    }
    assert sum(told) == (lab.root / "raw" / "a.csv").stat().st_size


def test_rewriting_alone_is_no_difference(lab: Any, mixed: DatasetSpec) -> None:
    """The same rows in another order and other pages are the same: rows are compared, not bytes."""
    _tamper(lab.part(), lambda table: table.take(pa.array([4, 2, 0, 1, 3])))
    assert lab.verify(mixed).is_clean


@pytest.mark.parametrize(
    ("column", "row_id", "value", "expected"),
    [
        ("id", 2, 22, "a.csv:3: column 'id': row 3 of the Parquet, the nearest to it, differs (raw: '2', Parquet: 22)"),
        ("small", 2, None, "a.csv:3: column 'small': row 3 of the Parquet, the nearest to it, differs (raw: '127', Parquet: null)"),
        ("small", 3, 0, "a.csv:4: column 'small': row 0 of the Parquet, the nearest to it, differs (raw: '', Parquet: 0)"),
        ("rain_flag", 1, None, "a.csv:2: column 'rain_flag': row 2 of the Parquet, the nearest to it, differs (raw: '0.00s', Parquet: null)"),
        ("rain", 2, 0.0, "a.csv:3: column 'rain': row 3 of the Parquet, the nearest to it, differs (raw: 'T', Parquet: 0.0)"),
        ("length", 2, float(np.float32(0.1)), "a.csv:3: column 'length': row 3 of the Parquet, the nearest to it, differs (raw: '0.1', Parquet: 0.10000000149011612)"),
        ("length", 4, 0.0, "a.csv:5: column 'length': row 4 of the Parquet, the nearest to it, differs (raw: '-0', Parquet: 0.0)"),
        ("is_old", 1, False, "a.csv:2: column 'is_old': row 2 of the Parquet, the nearest to it, differs (raw: 'true', Parquet: False)"),
        ("seen", 1, datetime(2022, 10, 4, 1), "a.csv:2: column 'seen': row 2 of the Parquet, the nearest to it, differs (raw: '10/04/2022 00:00:00', Parquet: 2022-10-04 01:00:00)"),
        ("kind", 3, "NA", "a.csv:4: column 'kind': row 0 of the Parquet, the nearest to it, differs (raw: 'NA', Parquet: 'NA')"),
        ("note", 5, "", "a.csv:7: column 'note': row 1 of the Parquet, the nearest to it, differs (raw: no such column, Parquet: '')"),
    ],
)  # fmt: skip
def test_one_value_is_named(lab: Any, mixed: DatasetSpec, column: str, row_id: int, value: Any, expected: str) -> None:
    """One value that is not what the raw file says is told with source, line, column and both sides."""
    order = lab.table()["id"].to_pylist()
    _tamper(lab.part(), lambda table: _set(table, column, row_id, value))
    told = _told(lab.verify(mixed))
    assert told == ["a.parquet: " + expected.replace("row 3 of", f"row {order.index(row_id)} of")
                    .replace("row 0 of", f"row {order.index(row_id)} of").replace("row 2 of", f"row {order.index(row_id)} of")
                    .replace("row 4 of", f"row {order.index(row_id)} of").replace("row 1 of", f"row {order.index(row_id)} of")]

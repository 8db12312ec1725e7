"""The second reading finds whatever differs between raw files and Parquet, and names it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from data_convert.spec.dataset_spec import DatasetSpec, Dialect
from data_convert.verification import closer_look
from data_convert.verification import dataset_check as verify
from data_convert.verification.values.row_prints import BucketSums

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
    "1,-128,.445,0.00s,oak,true,2023-02-28,10/04/2022 00:00:00,2022-10-04T02:00:00+0200",
    '2,127,0.1,T,"silver, ""white"" fir",0,1969-12-31,1/2/2022 3:04:05,2022-10-04T00:00:00Z',
    "3,,1e300,,NA,,,,",
    '4,+7,-0,12.5*,"two\nlines",YES,0001-01-01,2022-10-04T12:30,1969-12-31T23:59:59Z',
    "5, 7,123456789.1234567,3,ö,f,9999-12-31,10/04/2022 00:05:00,2022-10-04T00:05:00Z",
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
    table = change(pq.read_table(path)).replace_schema_metadata(None)
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(footer)


def _set(table: pa.Table, name: str, row_id: int, value: Any) -> pa.Table:
    """The table with another value in the row of that id."""
    column = table[name]
    values = pc.if_else(pc.equal(table["id"], row_id), pa.scalar(value, column.type), column)
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def _findings(report: verify.VerifyReport) -> list[str]:
    return [str(finding) for finding in report.findings]


def test_every_type_is_verified(lab: Any, mixed: DatasetSpec) -> None:
    """A dataset with values of all types, nulls, flags, quotes and an absent optional column is clean."""
    reported: list[int] = []
    report = lab.verify(mixed, on_bytes=reported.append)
    assert report.facts() == {
        "dataset": "trees",
        "is_clean": True,
        "parts": 1,
        "rows": 5,
        "values": 5 * 11,
        "rejects": 0,
        "absent_rejects": 0,
        "findings": [],
    }
    assert sum(reported) == (lab.root / "raw" / "a.csv").stat().st_size


def test_rewriting_alone_is_no_difference(lab: Any, mixed: DatasetSpec) -> None:
    """The same rows in another order and other pages are the same: rows are compared, not bytes."""
    _tamper(lab.part(), lambda table: table.take(pa.array([4, 2, 0, 1, 3])))
    assert lab.verify(mixed).is_clean


LINES = {1: 2, 2: 3, 3: 4, 4: 5, 5: 7}
"""Line of each id in the raw file; row 4 has two lines."""

PLACES = {3: 0, 1: 1, 2: 2, 4: 3, 5: 4}
"""Row of each id in the part, ordered by kind."""


@pytest.mark.parametrize(
    ("column", "row_id", "value", "sides"),
    [
        ("id", 2, 22, "raw: '2', Parquet: 22"),
        ("small", 2, None, "raw: '127', Parquet: null"),
        ("small", 3, 0, "raw: '', a null, Parquet: 0"),
        ("rain_flag", 1, None, "raw: '0.00s', Parquet: null"),
        ("rain", 2, 0.0, "raw: 'T', a null, Parquet: 0.0"),
        ("length", 2, float(np.float32(0.1)), "raw: '0.1', Parquet: 0.10000000149011612"),
        ("length", 4, 0.0, "raw: '-0', Parquet: 0.0"),
        ("is_old", 1, False, "raw: 'true', Parquet: False"),
        ("planted", 5, datetime(9999, 12, 30).date(), "raw: '9999-12-31', Parquet: 9999-12-30"),
        ("seen", 1, datetime(2022, 10, 4, 1), "raw: '10/04/2022 00:00:00', Parquet: 2022-10-04 01:00:00"),
        ("heard", 2, datetime(2022, 10, 4, 1), "raw: '2022-10-04T00:00:00Z', Parquet: 2022-10-04 01:00:00"),
        ("kind", 3, "NA", "raw: 'NA', a null, Parquet: 'NA'"),
        ("kind", 5, "o", "raw: 'ö', Parquet: 'o'"),
        ("note", 5, "", "raw: no such column, Parquet: ''"),
    ],
)
def test_one_value_is_named(lab: Any, mixed: DatasetSpec, column: str, row_id: int, value: Any, sides: str) -> None:
    """A value that differs is reported with source, line, column and both values."""
    _tamper(lab.part(), lambda table: _set(table, column, row_id, value))
    where = f"a.parquet: a.csv:{LINES[row_id]}: column {column!r}"
    assert _findings(lab.verify(mixed)) == [
        f"{where}: row {PLACES[row_id]} of the Parquet, the nearest to it, differs ({sides})"
    ]


def test_dropped_row_is_named(lab: Any, mixed: DatasetSpec) -> None:
    """A raw row that is missing from the Parquet is reported with its line, and no other row is."""
    _tamper(lab.part(), lambda table: table.filter(pc.not_equal(table["id"], 4)))
    assert _findings(lab.verify(mixed)) == ["a.parquet: a.csv:5: this row is not in the Parquet"]


def test_duplicated_row_is_named(lab: Any, mixed: DatasetSpec) -> None:
    """A surplus Parquet row is reported with its place and values."""
    _tamper(lab.part(), lambda table: pa.concat_tables([table, table.slice(1, 1)]))
    assert _findings(lab.verify(mixed)) == [
        "a.parquet: row 5 is in the Parquet more often than in the raw files: id=1, small=-128, length=0.445,"
        " rain=0.0, rain_flag='s', kind='oak', is_old=True, planted=2023-02-28, …"
    ]


def test_lost_duplicate_is_named(lab: Any) -> None:
    """Equal raw rows must be in the Parquet equally often."""
    spec = lab.spec()
    lab.raw("a.csv", "id,kind\n1,oak\n1,oak\n1,oak\n")
    lab.convert(spec)
    _tamper(lab.part(), lambda table: table.slice(1))
    (finding,) = _findings(lab.verify(spec))
    assert finding == "a.parquet: a.csv:4: this row is not in the Parquet as often as in the raw files"


def test_swapped_values_are_found(lab: Any, mixed: DatasetSpec) -> None:
    """Two values of a column that changed places are found, although each column holds the same values."""
    _tamper(lab.part(), lambda table: _set(_set(table, "small", 1, 127), "small", 2, -128))
    assert [finding.line for finding in lab.verify(mixed).findings] == [2, 3]


def test_wrong_data_in_right_footer(lab: Any, mixed: DatasetSpec) -> None:
    """A part that holds another file's rows is found although its footer is right."""
    _tamper(lab.part(), lambda table: table.set_column(0, "id", pa.array([10, 11, 12, 13, 14], pa.int64())))
    report = lab.verify(mixed)
    assert sorted((f.line, f.column) for f in report.findings) == [(line, "id") for line in LINES.values()]


def test_other_file_in_place_of_the_part(lab: Any, mixed: DatasetSpec) -> None:
    """A part that was made from another file is reported because of its footer and of its rows."""
    lab.raw("b.csv", HEADER + ROWS[0] + "\n")
    lab.convert(mixed)
    shutil.copyfile(lab.part("b.parquet"), lab.part("a.parquet"))
    again = "; run `invoke data.compress --dataset trees`"
    assert _findings(lab.verify(mixed)) == [
        f"a.parquet: a.csv: was made from other content of this raw file{again}",
        f"a.parquet: b.csv: was made from a raw file that does not exist any more{again}",
        f"a.parquet: its footer has rows 1 instead of 5{again}",
        *(f"a.parquet: a.csv:{line}: this row is not in the Parquet" for line in (3, 4, 5, 7)),
    ]


def test_source_that_changed_since(lab: Any, mixed: DatasetSpec) -> None:
    """A raw file that grew after the conversion is reported, with the new row."""
    lab.raw("a.csv", MIXED_TEXT + "6,,,,,,,,\n")
    findings = _findings(lab.verify(mixed))
    assert findings[0].startswith("a.parquet: a.csv: was made from other content of this raw file")
    assert findings[-1] == "a.parquet: a.csv:8: this row is not in the Parquet"


def test_missing_part_has_its_command(lab: Any, mixed: DatasetSpec) -> None:
    """A missing part is reported with the command that creates it, and its bytes count as compared."""
    lab.part().unlink()
    reported: list[int] = []
    report = lab.verify(mixed, on_bytes=reported.append)
    assert _findings(report) == ["a.parquet: does not exist; create it with `invoke data.compress --dataset trees`"]
    assert sum(reported) == (lab.root / "raw" / "a.csv").stat().st_size


def test_part_without_source_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A part whose raw file was removed is reported, because programs that read the folder would read it."""
    lab.raw("b.csv", MIXED_TEXT)
    lab.convert(mixed)
    (lab.root / "raw" / "a.csv").unlink()
    assert _findings(lab.verify(mixed)) == [
        "a.parquet: the raw files of this part were removed; `invoke data.compress` removes the part"
    ]


def test_lost_footer_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A part without provenance is reported even if its rows are right."""
    pq.write_table(lab.table().replace_schema_metadata(None), lab.part(), store_schema=False)
    assert _findings(lab.verify(mixed)) == [
        "a.parquet: its footer does not record what it was made from; run `invoke data.compress --dataset trees`"
    ]


def test_other_spec_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A part that was made from another description of the dataset is reported."""
    findings = _findings(lab.verify(lab.spec(MIXED, sort=("id",))))
    assert len(findings) == 1
    assert findings[0].startswith("a.parquet: its footer has spec ")


def test_other_type_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A column of another type than declared is reported even if all values are equal."""
    _tamper(lab.part(), lambda table: table.set_column(0, "id", table["id"].cast(pa.int32())))
    assert _findings(lab.verify(mixed)) == [
        "a.parquet: column 'id': does not have the declared type (raw: int64, Parquet: int32)"
    ]


def test_lost_column_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A column that is missing from the Parquet is reported."""
    _tamper(lab.part(), lambda table: table.drop_columns(["rain_flag"]))
    assert _findings(lab.verify(mixed)) == [
        "a.parquet: column 'rain_flag': does not have the declared type (raw: string, Parquet: None)"
    ]


def test_damaged_part_is_findings(lab: Any, mixed: DatasetSpec) -> None:
    """A part that Arrow cannot read is a finding, not an error."""
    lab.part().write_bytes(lab.part().read_bytes()[:-100])
    (finding,) = _findings(lab.verify(mixed))
    assert finding.startswith("a.parquet: cannot be compared: ")


def test_damaged_source_is_findings(lab: Any) -> None:
    """A compressed raw file that was damaged after the conversion is a finding, not an error."""
    spec = lab.spec()
    whole = lab.compress[".gz"](b"id,kind\n1,oak\n")
    lab.raw("a.csv.gz", whole)
    lab.convert(spec)
    lab.raw("a.csv.gz", whole[:-4])
    (finding,) = _findings(lab.verify(spec))
    assert finding.startswith("a.parquet: cannot be compared: ")


KEPT_TEXT = (
    'id,kind\n1,oak\nx,"el,m"\n"2","two\nlines"\n3\n4,"ash" tree\n5,a"b\n'
    '300000000000,fir\n6,caf\udce9\n7,""""\n8,"open\n9,\n'
)
KEPT = [
    ["a.csv", "3", "id", "is not an int32 (-2147483648 to 2147483647)", 'x,"el,m"'],
    ["a.csv", "6", "", "the row is too short: 1 cell where 2 are expected", "3"],
    ["a.csv", "7", "", "text stands behind a closing quote", '4,"ash" tree'],
    ["a.csv", "9", "id", "is not an int32 (-2147483648 to 2147483647)", "300000000000,fir"],
    ["a.csv", "10", "kind", "is not valid in the declared encoding; is it another one, such as cp1252?"
     " (`dialect.encoding`)", "6,caf\udce9"],
    ["a.csv", "12", "", "a quote is opened that is never closed", '8,"open\n9,'],
]  # fmt: skip


@pytest.fixture
def kept(lab: Any) -> DatasetSpec:
    """A converted dataset with rows that do not fit."""
    spec: DatasetSpec = lab.spec(on_reject="keep")
    lab.raw("a.csv", KEPT_TEXT.encode("utf-8", "surrogateescape"))
    lab.convert(spec)
    return spec


def test_kept_rejects_are_verified(lab: Any, kept: DatasetSpec) -> None:
    """Rows that do not fit are unchanged in the rejects file, all others are in the part: no finding."""
    assert lab.rejects() == KEPT
    assert lab.table().to_pydict() == {"id": [1, 2, 5, 7], "kind": ["oak", "two\nlines", 'a"b', '"']}
    report = lab.verify(kept)
    assert (report.is_clean, report.rows, report.rejects) == (True, 4, 6)


def test_lost_reject_is_named(lab: Any, kept: DatasetSpec) -> None:
    """A row that is neither in the part nor in the rejects file is reported."""
    path = lab.rejects_file()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if not line.startswith(b"a.csv,6,")))
    assert _findings(lab.verify(kept)) == [
        "a.parquet: a.csv:6: the row does not fit ('3') and is not in the rejects file"
    ]


def test_altered_reject_is_named(lab: Any, kept: DatasetSpec) -> None:
    """A row that is in the rejects file with another text is reported."""
    path = lab.rejects_file()
    path.write_bytes(path.read_bytes().replace(b"000,fir", b"000,fin"))
    assert _findings(lab.verify(kept)) == [
        "a.parquet: a.csv:9: column 'id': is another row in the rejects file"
        " (raw: ('id', '300000000000,fir'), Parquet: ('id', '300000000000,fin'))"
    ]


def test_invented_reject_is_named(lab: Any, kept: DatasetSpec) -> None:
    """A row in the rejects file that fits is reported."""
    with lab.rejects_file().open("a") as file:
        file.write('a.csv,2,id,is wrong,"1,oak"\n')
    assert _findings(lab.verify(kept)) == ["a.parquet: the rejects file has a row of a.csv:2, which is a row that fits"]


def test_absent_rejects_file_is_no_finding(lab: Any, kept: DatasetSpec) -> None:
    """Who pulled the Parquet has no rejects files: the number of rejects is compared, and the report says so."""
    lab.rejects_file().unlink()
    report = lab.verify(kept)
    assert (report.is_clean, report.rejects, report.absent_rejects) == (True, 6, 6)
    assert verify.verify_text(report).endswith(
        ", 6 rejects (6 not in data/rejects/trees, so only their number was compared;"
        " `invoke data.compress --dataset trees --force` writes them)"
    )


def test_number_of_absent_rejects_is_compared(lab: Any, kept: DatasetSpec) -> None:
    """A row that neither is in the part nor was counted as a reject is a finding, without a rejects file, too."""
    lab.rejects_file().unlink()
    table, footer = lab.table(), pq.read_metadata(lab.part()).metadata
    with pq.ParquetWriter(lab.part(), table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"shrinkwrap": footer[b"shrinkwrap"].replace(b'"rejects":6', b'"rejects":5')})
    assert _findings(lab.verify(kept)) == [
        "a.parquet: its footer has rejects 5 instead of 6; run `invoke data.compress --dataset trees`"
    ]


def test_reject_in_a_strict_dataset(lab: Any) -> None:
    """Where rows that do not fit are errors, a part of a file that has one should not exist."""
    spec = lab.spec()
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.convert(spec)
    lab.raw("a.csv", "id,kind\nx,oak\n")
    findings = _findings(lab.verify(spec))
    assert "a.parquet: a.csv:2: column 'id': the row does not fit ('x'), yet the part was written" in findings


def test_many_findings_are_cut(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nearly all rows differ, the first twenty found are named, with values, in bounded memory."""
    monkeypatch.setattr(closer_look, "ROWS_IN_MEMORY", 50)
    spec = lab.spec({"id": "int32", "length": "float64", "kind": "string"}, sort=("id",))
    lab.raw("a.csv", "id,length,kind\n" + "".join(f"{n},{n}.1,oak\n" for n in range(1, 3000)))
    lab.convert(spec)
    single = lab.table()["length"].cast(pa.float32()).cast(pa.float64())
    _tamper(lab.part(), lambda table: table.set_column(1, "length", single))
    findings = lab.verify(spec).findings
    assert len(findings) == 20
    assert {f.column for f in findings} == {"length"}
    assert [f.stored for f in findings] == [repr(single[f.line - 2].as_py()) for f in findings]


def test_no_header_tabs_and_cp1252(lab: Any) -> None:
    """A file without header, with tabs, CR line ends, skipped lines and another encoding is verified as it is."""
    dialect = Dialect(header=False, delimiter="\t", quote=None, encoding="cp1252", skip_lines=2)
    spec = lab.spec(dialect=dialect)
    lab.raw("a.tsv", 'made by\rhand\r1\t"café"\r2\tx,y\r'.encode("cp1252"))
    lab.convert(spec)
    assert lab.table().to_pydict() == {"id": [1, 2], "kind": ['"café"', "x,y"]}
    report = lab.verify(spec)
    assert (report.is_clean, report.rows) == (True, 2)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst", ".zip"])
def test_compressed_sources(lab: Any, ending: str) -> None:
    """Compressed raw files are read again, too, and their text is as long as the footer records."""
    spec = lab.spec()
    lab.raw("a.csv" + ending, lab.compress[ending](b"id,kind\n1,oak\n2,fir\n"))
    lab.convert(spec)
    report = lab.verify(spec)
    assert (_findings(report), report.rows) == ([], 2)


def test_grouped_parts(lab: Any) -> None:
    """A part of several files is compared with all of them, one by one; a lost row is reported with its file."""
    spec = lab.spec(parts="{year}", pattern=r"(?P<year>\d{4})")
    for month in (1, 2, 3):
        lab.raw(f"2023-{month}.csv", f"id,kind\n{month},oak\n{month}0,fir\n")
    lab.convert(spec)
    reported: list[int] = []
    assert lab.verify(spec, on_bytes=reported.append).rows == 6
    assert [size for size in reported if size] == [path.stat().st_size for path in sorted((lab.root / "raw").iterdir())]
    _tamper(lab.part("2023.parquet"), lambda table: table.filter(pc.not_equal(table["id"], 20)))
    assert _findings(lab.verify(spec)) == ["2023.parquet: 2023-2.csv:3: this row is not in the Parquet"]


def test_processes_find_the_same(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several processes find what one finds, and report all bytes."""
    monkeypatch.setattr(verify, "_WORTH_A_PROCESS_BYTES", 0)
    spec = lab.spec()
    for name in "abc":
        lab.raw(f"{name}.csv", "id,kind\n1,oak\n2,fir\n")
    lab.convert(spec)
    _tamper(lab.part("b.parquet"), lambda table: table.slice(1))
    reported: list[int] = []
    alone, together = lab.verify(spec, jobs=1), lab.verify(spec, jobs=2, on_bytes=reported.append)
    assert together == alone
    assert _findings(together) == ["b.parquet: b.csv:2: this row is not in the Parquet"]
    assert sum(reported) == sum(path.stat().st_size for path in (lab.root / "raw").iterdir())


def test_sums_do_not_depend_on_order() -> None:
    """Bucket sums of the same rows in any order agree, and differ as soon as one row is another or twice."""
    prints = np.random.default_rng(0).integers(0, 2**64, (5000, 2), dtype=np.uint64)
    one, other = BucketSums(), BucketSums()
    one.add(prints)
    other.add(prints[2500:][::-1])
    other.add(prints[:2500])
    assert not len(one.unlike(other))
    other.add(prints[:1])
    assert len(one.unlike(other)) == 1


def test_sums_are_no_plain_sums() -> None:
    """Different rows in one bucket are found even if their fingerprints have the same sum."""
    one, other = BucketSums(), BucketSums()
    one.add(np.array([[1, 1], [9, 9]], dtype=np.uint64))
    other.add(np.array([[2, 2], [8, 8]], dtype=np.uint64))
    assert len(one.unlike(other)) == 1

"""The second reading knows every key of a dataset by code of its own, and still finds what differs."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_convert.columns.conversion import convert
from data_convert.reading import rows
from data_convert.reading.records import Block, Quoting
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, DecimalShape, Dialect, Drift, NumberMarks
from data_convert.verification import part_check, raw_side
from data_convert.verification.raw.raw_text import RawText
from data_convert.verification.raw.row_blocks import CutRows, ReadRows
from data_convert.verification.raw.row_reader import read_records
from data_convert.verification.raw.second_reading import SecondReading
from data_convert.verification.values.value_rules import value_rule

ESCAPED = Dialect(escape="\\")
BLANKS = Dialect(skip_blanks=True)

DIALECTS = [
    (ESCAPED, 'id,kind\n1,"a\\"b"\n2,x\\,y\n3,"two\\\nlines"\n4,"do""ubled"\n5,z\\\r\nw\n'),
    (BLANKS, 'id,kind\n1, "a,b"\n  2,   x y\n\n3,z \n   \n'),
    (Dialect(comment="#"), "# made by hand\nid,kind\n1,oak\n# 2,elm\n3,#fir\n"),
    (Dialect(comment="//", skip_blanks=True), 'id,kind\n  // a comment\n1,"//"\n'),
    (Dialect(delimiter="||"), 'id||kind\n1||a|b\n2||"x||y"\n3|||z\n'),
    (Dialect(delimiter=", ", escape="!"), 'id, kind\n1, "a, b"\n2, x!, y\n3, 4,z\n'),
    (Dialect(rows_after_header=2), "id,kind\n-,unit\n,\n1,oak\n2,elm\n"),
    (Dialect(skip_repeated_header=True), 'id,kind\n1,oak\nid,kind\n"id",kind\n2,elm\n'),
    (Dialect(skip_to="header"), "made by hand, in May\nx\nid,kind\n1,oak\n2,elm\n"),
    (Dialect(skip_to="row", header=False), "# logger\nnone\n1,oak\n2,elm\n"),
    (Dialect(skip_lines=2, encoding="utf-16"), "a\nb\nid,kind\n1,oak\n2,é\n"),
    (Dialect(ragged="trim"), 'id,kind\n1,oak,\n2,elm,,\n"3","o\nak",""\n4,ash\n'),
    (Dialect(ragged="pad"), 'id,kind\n1\n2,elm,,\n"3","o\nak",""\n4,ash\n'),
    (Dialect(encoding="shift_jis"), 'id,kind\n1,杉\n2,"松,\n樫"\n'),
]


def _changed(lab: Any, change: Callable[[pa.Table], pa.Table]) -> None:
    """Rewrite the part with the same footer."""
    path = lab.part()
    footer = pq.read_metadata(path).metadata
    table = change(pq.read_table(path)).replace_schema_metadata(None)
    with pq.ParquetWriter(path, table.schema, store_schema=False, store_decimal_as_integer=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(footer)


def _with_value(table: pa.Table, name: str, row: int, value: Any) -> pa.Table:
    column = table[name]
    is_row = pa.array([place == row for place in range(len(column))])
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pc.if_else(is_row, pa.scalar(value, column.type), column))


@pytest.mark.parametrize(("dialect", "text"), DIALECTS)
def test_each_dialect_is_verified(lab: Any, dialect: Dialect, text: str) -> None:
    """A converted file is clean; a changed cell, a lost row and swapped values are found with their lines."""
    spec = lab.spec({"id": "int32", "kind": "string"}, dialect=dialect)
    lab.raw("a.csv", text.encode(dialect.encoding))
    lab.convert(spec)
    count = lab.table().num_rows
    report = lab.verify(spec)
    assert (report.findings, report.rows) == ((), count)
    assert count
    whole = lab.part().read_bytes()
    _changed(lab, lambda table: _with_value(table, "kind", count - 1, "other"))
    (finding,) = lab.verify(spec).findings
    assert (finding.column, finding.stored) == ("kind", "'other'")
    lab.part().write_bytes(whole)
    _changed(lab, lambda table: table.slice(1))
    (finding,) = lab.verify(spec).findings
    assert finding.problem == "this row is not in the Parquet"


def test_wrong_counts_of_skipped_records_are_findings(lab: Any) -> None:
    """The footer must have as many comments as the raw file."""
    spec = lab.spec(dialect=Dialect(comment="#"))
    lab.raw("a.csv", "id,kind\n1,oak\n# x\n# y\n")
    lab.convert(spec)
    content = lab.part().read_bytes()
    assert content.count(b'\\"comments\\":2') + content.count(b'"comments":2') == 1
    lab.part().write_bytes(content.replace(b'comments":2', b'comments":3').replace(b'comments\\":2', b'comments\\":3'))
    (finding,) = lab.verify(spec).findings
    assert finding.problem == "its footer has skipped {'comments': 3} instead of {'comments': 2}"


def test_a_skipped_row_is_found(lab: Any) -> None:
    """A line that `skip_lines` skips in one file of several may be a row of it."""
    spec = lab.spec(dialect=Dialect(header=False, skip_lines=1))
    lab.raw("a.csv", "# logger\n1,oak\n")
    lab.convert(spec)
    lab.raw("a.csv", "7,elm\n1,oak\n")
    (finding,) = lab.verify(spec).findings
    assert finding.problem == "cannot be compared: line 1 is skipped, but it is a row of the table: '7,elm\\n'"


def _blocks(lab: Any, text: str) -> list[Any]:
    return list(SecondReading(lab.spec(), io.BytesIO(text.encode())))


def test_regular_text_is_cut(lab: Any) -> None:
    """No row of a regular file is read by the csv module, with quotes, CRLF or without a last line end."""
    for text in ("id,kind\n1,oak\n2,elm", 'id,kind\r\n1,"a ""b""\r\n, c"\r\n2,\r\n', 'id,kind\n"1","x"'):
        assert {type(block) for block in _blocks(lab, text)} == {CutRows}


def test_only_the_text_around_an_irregular_row_is_read_row_by_row(lab: Any) -> None:
    """Rows in front of it and behind it are cut, and all are there in their order."""
    before, behind = "".join(f"{n},oak\n" for n in range(200_000)), "".join(f"{n},elm\n" for n in range(300_000))
    blocks = _blocks(lab, f'id,kind\n{before}7,"ash" tree\n{behind}')
    read = [block for block in blocks if isinstance(block, ReadRows)]
    assert sum(len(block.misshapen) for block in blocks) == 1
    assert sum(block.rows for block in blocks) == 500_000
    assert sum(block.rows for block in read) < 20_000
    assert [row.line for block in read for row in block.misshapen] == [200_002]
    last = blocks[-1]
    assert (last.row(last.rows - 1).line, last.row(last.rows - 1).raw) == (500_002, "299999,elm")


def test_the_cost_of_a_column_does_not_depend_on_the_others(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema is made a fixed number of times, so wide files are verified in linear time."""
    calls: list[int] = []
    for module in (raw_side, part_check):
        original = module.stored_schema

        def counted(spec: DatasetSpec, original: Callable[[DatasetSpec], pa.Schema] = original) -> pa.Schema:
            calls.append(1)
            return original(spec)

        monkeypatch.setattr(module, "stored_schema", counted)
    counts = []
    for width in (3, 60):
        names = [f"c{width}_{place}" for place in range(width)]
        spec = lab.spec(dict.fromkeys(names, "int32"))
        lab.raw("a.csv", f"{','.join(names)}\n{','.join('1' * width)}\n")
        lab.convert(spec)
        calls.clear()
        assert lab.verify(spec).findings == ()
        counts.append(len(calls))
    assert counts[0] == counts[1]


COMMA = NumberMarks(decimal=",", group=".")
DOLLAR = NumberMarks(group=",", prefix="$")
PERCENT = NumberMarks(suffix="%")
KEYS: list[tuple[dict[str, Any], list[str], int, Any]] = [
    ({"type": "float64", "marks": COMMA}, ["1.234,5", "-,5", "1,0", ""], 0, 1234.25),
    ({"type": "int64", "marks": DOLLAR}, ["$1,234", "-$ 5", "$-6", "$+7"], 1, 5),
    ({"type": "float64", "marks": PERCENT}, ["12.5%", "0 %", "-1e3%"], 2, -1000.5),
    ({"type": "flagged_number", "marks": COMMA}, ["1.234,5s", "T", "2,5", ",5*"], 0, 1234.0),
    ({"type": "decimal(12, 3)"}, ["1.5", "-0.125", "1e3", "0", ""], 1, Decimal("0.125")),
    ({"type": "decimal(38, 10)"}, ["1234567890123456789012345678.0123456789", "-1"], 0, Decimal(-1)),
    ({"type": "uint64"}, ["18446744073709551615", "0", "9223372036854775808"], 2, 9223372036854775809),
    ({"type": "float64", "non_finite": True}, ["nan", "-inf", "Infinity", "1"], 1, float("inf")),
    ({"type": "float64", "rounded": True}, ["0.1234567890123456789", "1e-400"], 0, 0.12345678901234569),
    ({"type": "timestamp", "precision": "ns", "formats": ("%Y-%m-%d %H:%M:%S.%f",)},
     ["2023-01-02 03:04:05.123456789", "2023-01-02 03:04:05.1"], 0, 1672628645123456788),
    ({"type": "timestamp", "precision": "ms", "formats": ("%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y")},
     ["2023-01-02 03:04:05.123", "1.2.2003"], 1, datetime(2003, 2, 2)),
    ({"type": "timestamp", "zone": "UTC", "formats": ("%Y-%m-%d %H:%M %Z",),
      "abbreviations": (("CET", "+01:00"), ("CEST", "+02:00"))},
     ["2023-01-02 03:04 CET", "2023-07-02 03:04 CEST"], 1, datetime(2023, 7, 2, 2, 4)),
    ({"type": "date", "formats": ("%G-W%V-%u",)}, ["2020-W53-1", "2021-W01-7"], 0, date(2020, 12, 29)),
]  # fmt: skip


def _csv(column: dict[str, Any], texts: Sequence[str]) -> str:
    return "id;x\n" + "".join(f"{row};{text}\n" for row, text in enumerate(texts))


@pytest.mark.parametrize(("column", "texts", "row", "other"), KEYS)
def test_each_type_is_verified(lab: Any, column: dict[str, Any], texts: list[str], row: int, other: Any) -> None:
    """All texts fit and are verified; another value in one row is found in its line."""
    spec = lab.spec({"id": "int32", "x": column}, dialect=Dialect(delimiter=";"))
    lab.raw("a.csv", _csv(column, texts))
    lab.convert(spec)
    assert lab.verify(spec).findings == ()
    _changed(lab, lambda table: _with_value(table, "x", row, other))
    (finding,) = lab.verify(spec).findings
    assert (finding.line, finding.column) == (row + 2, "x")


def test_drift_is_verified(lab: Any) -> None:
    """New columns, missing columns and texts of other types are compared, and changed values are counted."""
    spec = lab.spec(
        {"id": "int32", "kind": "string", "size": "float64"},
        drift=Drift(new_column="add", missing_column="add", changed_type="add"),
    )
    lab.raw("a.csv", "id,kind,size\n1,oak,1.5\nx,elm,tall\n")
    lab.raw("b.csv", "height,id\n7,3\n")
    lab.convert(spec)
    assert lab.verify(spec).findings == ()
    _changed(lab, lambda table: _with_value(table, "size_text", 1, "small"))
    (finding,) = lab.verify(spec).findings
    assert (finding.source, finding.line, finding.column, finding.raw) == ("a.csv", 3, "size_text", "'tall'")


def test_changed_types_that_are_ignored(lab: Any) -> None:
    """Their values are null in the Parquet; anything else is found."""
    spec = lab.spec({"id": "int32", "size": "float64"}, drift=Drift(changed_type="ignore"))
    lab.raw("a.csv", "id,size\n1,1.5\n2,tall\n")
    lab.convert(spec)
    assert lab.verify(spec).findings == ()
    _changed(lab, lambda table: _with_value(table, "size", 1, 0.0))
    (finding,) = lab.verify(spec).findings
    assert (finding.line, finding.raw, finding.stored) == (3, "'tall', a null", "0.0")


def test_exact_decimals_are_verified(lab: Any) -> None:
    """A column of floats that is stored as decimals is compared with the texts."""
    columns = {"id": "int32", "size": {"type": "float64", "exact": DecimalShape(precision=6, scale=2)}}
    spec = lab.spec(columns, decimals="exact", sort=("size",))
    lab.raw("a.csv", "id,size\n1,1.50\n2,-.25\n3,\n")
    lab.convert(spec)
    assert lab.verify(spec).findings == ()
    _changed(lab, lambda table: _with_value(table, "size", 0, Decimal("0.01")))
    (finding,) = lab.verify(spec).findings
    assert (finding.line, finding.raw, finding.stored) == (4, "'', a null", "0.01")


def test_names_are_verified(lab: Any) -> None:
    """A column that has another name in one file is compared with it."""
    spec = lab.spec({"id": "int32", "kind": {"type": "string", "names": ("species",)}}, parts="all", pattern=".*")
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.raw("b.csv", "species,id\nelm,2\n")
    lab.convert(spec)
    assert lab.verify(spec).findings == ()


@settings(max_examples=1500, deadline=None)
@given(
    st.text('ab0 ,|\\!"#\n\r', max_size=40),
    st.builds(
        Dialect,
        delimiter=st.sampled_from([",", "||", ", ", ",a"]),
        quote=st.sampled_from(['"', None]),
        escape=st.sampled_from(["\\", "!", None]),
        skip_blanks=st.booleans(),
        comment=st.sampled_from(["#", "0b", None]),
    ),
)
def test_both_readings_find_the_same_records(text: str, dialect: Dialect) -> None:
    """In every dialect, both divide any text into the same records and cells."""
    block = Block(text=text.encode(), first_line=1, quoting=Quoting.IRREGULAR)
    expected = [(r.text, list(r.cells or []), r.fault is None, r.is_comment) for r in rows.read_records(block, dialect)]
    lines = RawText(io.BytesIO(text.encode()), "utf-8").lines()
    found = [(r.text, list(r.cells), r.is_well_formed, r.is_comment) for r in read_records(lines, dialect)]
    assert found == expected


LONG_NUMBERS = ["0." + "50" * 9, "5" + "0" * 5000, "0.5" + "0" * 5000]
MARKED = st.sampled_from(
    [ColumnSpec(name="x", header="x", type=type_, marks=marks, nulls=("",))
     for type_ in ("int16", "float64", "flagged_number", "decimal(8, 2)")
     for marks in (COMMA, DOLLAR, PERCENT, NumberMarks(group=" "), NumberMarks(group="'", suffix="km", prefix="EUR"),
                   NumberMarks(minus="()"), NumberMarks(minus="()", prefix="$", suffix="%"),
                   NumberMarks(minus="\u2212"), NumberMarks(minus="\u2212", decimal=",", group="."))]
    + [ColumnSpec(name="x", header="x", type="float64", non_finite=True),
       ColumnSpec(name="x", header="x", type="float64", rounded=True),
       ColumnSpec(name="x", header="x", type="decimal(6, 3)"),
       ColumnSpec(name="x", header="x", type="uint64")]
)  # fmt: skip
NUMBERS = st.lists(
    st.text("0123456789.,-+$%'kmEURes \u00a0\u2019\u2212()*", max_size=9)
    | st.from_regex(r" ?\$? ?\( ?[$+-]? ?[0-9]{1,2}\.?5? ?%?\)? ?%?\*?", fullmatch=True)
    | st.from_regex("[\u2212-]?[$]?[\u2212-]?[0-9]{1,3}(\\.[0-9]{3})?,?5?(e\u22121)?", fullmatch=True)
    | st.from_regex(
        r"[+-]?(\$|EUR)? ?[+-]?[0-9]{1,3}([.,' ][0-9]{3}){0,2}[.,]?[0-9]{0,3}(e[0-9])? ?(%|km)?[sT]?", fullmatch=True
    )
    | st.sampled_from(["inf", " NaN", "-Infinity", "+nan", "0.1234567890123456789", "1e400", "-0", "0e500", "1e-3"])
    | st.sampled_from(LONG_NUMBERS),
    max_size=6,
)  # fmt: skip


@settings(max_examples=1000, deadline=None)
@given(MARKED, NUMBERS)
def test_both_readings_agree_on_marked_numbers(column: ColumnSpec, texts: list[str]) -> None:
    """The conversion and the second reading take every text alike."""
    made = convert(column, pa.array(texts, pa.string()))
    fits = np.ones(len(texts), dtype=bool) if made.fits is None else made.fits
    rule = value_rule(column)
    found = [tuple(array[row].as_py() for array in made.arrays) if fits[row] else None for row in range(len(texts))]
    assert repr(found) == repr([_as_python(column, rule(text)) for text in texts])


def _as_python(column: ColumnSpec, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if not column.type.startswith("decimal") or values is None or values[0] is None:
        return values
    scale = int(column.type.split(",")[1].removesuffix(")"))
    return (Decimal(values[0]).scaleb(-scale),)

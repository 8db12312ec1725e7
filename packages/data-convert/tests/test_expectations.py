"""Expectations of columns and parts are checked while the part is converted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from data_convert.errors import DataConvertError, ExpectationError, SpecErrors
from data_convert.expectations.unique_values import UniqueValues, value_prints
from data_convert.spec.dataset_spec import Dialect, Expectations
from data_convert.spec.spec_file import parse_specs


def violations(lab: Any, text: str, columns: dict[str, Any], **settings: Any) -> list[str]:
    """The violations that a conversion of one file reports, each with its examples; nothing is written."""
    lab.raw("a.csv", text)
    with pytest.raises(ExpectationError) as caught:
        lab.convert(lab.spec(columns, **settings))
    assert caught.value.exit_code == 1
    assert lab.left() == []
    lines = str(caught.value).splitlines()
    assert lines[0] == ("trees: a.parquet is not what data/datasets.toml expects (nothing was written for this part):")
    assert lines[-1] == "  Fix the raw files, or change what is expected."
    return [line.strip() for line in lines[1:-1]]


def column(kind: str, **expected: Any) -> dict[str, Any]:
    """A column of this type with these expectations."""
    formats = {"date": ("%d.%m.%Y",), "timestamp": ("%Y-%m-%d %H:%M",)}.get(kind, ())
    return {"type": kind, "formats": formats, "expectations": Expectations(**expected)}


def test_a_part_that_meets_everything_is_written(lab: Any) -> None:
    """The report has the number of expectations that were checked."""
    lab.raw("a.csv", "id,kind,size\n1,oak,0\n2,,9.5\n3,elm,10\n")
    columns = {
        "id": column("int32", unique=True, not_null=True, minimum=1, maximum=3),
        "kind": column("string", one_of=("oak", "elm")),
        "size": column("float64", minimum=0, maximum=10),
    }
    report = lab.convert(lab.spec(columns, rows_per_part=(3, 3)))
    assert report.metrics()["expectations"] == 8
    assert ", 8 expectations met" in report.text()
    assert lab.table().num_rows == 3


def test_each_expectation_is_reported_with_counts_and_examples(lab: Any) -> None:
    """All of them at once: file, line and value of the first three rows."""
    text = "id,kind,size\n1,oak,-1\n2,,5\n2,ash,11.5\n4,elm,-2\n5,fir,-3\n1,oak,-4\n1,,\n"
    columns = {
        "id": column("int32", unique=True),
        "kind": column("string", one_of=("oak", "elm"), not_null=True),
        "size": column("float64", minimum=0, maximum=11.25),
    }
    assert violations(lab, text, columns, rows_per_part=(10, 20)) == [
        "column 'kind', `not_null`: 2 values are missing, such as a.csv:3, a.csv:8",
        "column 'kind', `one_of = [\"oak\", \"elm\"]`: 2 values are something else, such as 'ash' (a.csv:4),"
        " 'fir' (a.csv:6)",
        "column 'size', `min = 0`: 4 values are smaller, such as -1.0 (a.csv:2), -2.0 (a.csv:5), -3.0 (a.csv:6)",
        "column 'size', `max = 11.25`: 1 value is larger, such as 11.5 (a.csv:4)",
        "column 'id', `unique`: 3 values are repeated, such as a.csv:3 and a.csv:4, a.csv:2 and a.csv:7",
        "`rows_per_part = [10, 20]`: the part has 7 rows",
    ]


@pytest.mark.parametrize(
    ("kind", "text", "expected", "shown"),
    [
        ("date", "31.12.2019\n01.01.2020\n", {"minimum": "01.01.2020"}, '`min = "01.01.2020"`: 1 value'),
        ("date", "31.12.2019\n02.01.2020\n", {"one_of": ("31.12.2019",)}, "2020-01-02 (a.csv:3)"),
        ("timestamp", "2020-01-01 00:00\n2020-01-02 00:00\n", {"maximum": "2020-01-01 12:00"}, "2020-01-02 00:00:00"),
        ("int8", "1\n2\n", {"minimum": 1.5}, "such as 1 (a.csv:2)"),
        ("int8", "1\n2\n", {"minimum": 1000}, "2 values are smaller"),
        ("uint64", "1\n18446744073709551615\n", {"maximum": 2}, "18446744073709551615 (a.csv:3)"),
        ("uint64", "1\n18446744073709551615\n", {"maximum": -1}, "2 values are larger"),
        ("int64", "9007199254740993\n1\n", {"maximum": 9007199254740992}, "9007199254740993 (a.csv:2)"),
        ("decimal(5, 2)", "1.25\n1.26\n", {"maximum": 1.25}, "1.26 (a.csv:3)"),
        ("decimal(5, 2)", "1.25\n1.26\n", {"one_of": (1.25, 2)}, "1.26 (a.csv:3)"),
        ("flagged_number", "1s\n5\nT\n", {"maximum": 4}, "5.0 (a.csv:3)"),
        ("bool", "true\nno\n", {"one_of": (True,)}, "False (a.csv:3)"),
        ("string", "x\n\ny\n", {"not_null": True}, "a.csv:3"),
    ],
)
def test_every_type_has_its_comparisons(lab: Any, kind: str, text: str, expected: dict[str, Any], shown: str) -> None:
    """Bounds are compared in the type of the column."""
    (found,) = violations(lab, "x\n" + text, {"x": column(kind, **expected)})
    assert shown in found


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("int8", -1000, 1000), ("uint64", -5, 2**64), ("int64", -(2**70), 2**70), ("decimal(5, 2)", -10, 999999)],
)
def test_bounds_beyond_the_type_are_met(lab: Any, kind: str, low: int, high: int) -> None:
    """A bound may be wider than the type."""
    lab.raw("a.csv", "x\n1\n2\n")
    lab.convert(lab.spec({"x": column(kind, minimum=low, maximum=high)}))
    assert lab.table().num_rows == 2


def test_nulls_meet_everything_else(lab: Any) -> None:
    """Only not_null is about nulls."""
    lab.raw("a.csv", "x,y\n,\n,\n")
    expected = {"minimum": 5, "maximum": 6, "unique": True, "one_of": (5, 6)}
    lab.convert(lab.spec({"x": column("int8", **expected), "y": column("int32", **expected)}))
    assert lab.table()["x"].null_count == 2


def test_lines_are_those_of_the_file(lab: Any) -> None:
    """Rejected rows, comments and cells with line ends move the lines."""
    text = '# c\nn,t\n1,"two\nlines"\nx,bad\n# note\n-1,c\n-2,d\n'
    columns = {"n": column("int32", minimum=0), "t": "string"}
    (found,) = violations(lab, text, columns, on_reject="keep", max_rejects=1.0, dialect=Dialect(comment="#"))
    assert found == "column 'n', `min = 0`: 2 values are smaller, such as -1 (a.csv:7), -2 (a.csv:8)"


def test_repetitions_are_found_across_blocks_and_files(lab: Any) -> None:
    """The values of a part are compared with each other, wherever they stand; those of another part are not."""
    long = "".join(f"{n},{'x' * 40}\n" for n in range(150_000))
    lab.raw("2020_a.csv", "n,t\n" + long)
    lab.raw("2020_b.csv", "n,t\n-5,y\n7,y\n")
    lab.raw("2021_a.csv", "n,t\n7,y\n")
    columns = {"n": column("int32", unique=True), "t": "string"}
    with pytest.raises(DataConvertError) as caught:
        lab.convert(lab.spec(columns, parts="{year}", pattern=r"(?P<year>\d{4})_"))
    assert "column 'n', `unique`: 1 value is repeated, such as 2020_a.csv:9 and 2020_b.csv:3" in str(caught.value)
    assert lab.left() == ["2021.parquet"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", "b", None, "a", "", "", None, "ab", "ba", "b" * 300, "b" * 300]),
        pa.array([1, 2, None, 1, 0, 0, None, 12, 21, -7, -7], pa.int64()),
        pa.array([1, 2, None, 1, 0, 0, None, 12, 21, 2**64 - 1, 2**64 - 1], pa.uint64()),
        pa.array([1.5, 2, None, 1.5, 0.0, -0.0, None, 12, 21, -7, -7], pa.float64()),
        pa.array([1, 2, None, 1, 0, 0, None, 12, 21, 7, 7], pa.date32()),
        pa.array([1, 2, None, 1, 0, 0, None, 12, 21, 7, 7], pa.timestamp("us", "UTC")),
        pa.array([1, 2, None, 1, 0, 0, None, 12, 21, -7, -7]).cast(pa.decimal128(30, 4)),
    ],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("memory_bytes", [1 << 20, 48], ids=["in memory", "in rounds"])
def test_equal_values_of_any_type_are_found(values: pa.Array, memory_bytes: int) -> None:
    """Three values occur twice; nulls do not count, and the size of the memory makes no difference."""
    unique = UniqueValues(memory_bytes=memory_bytes)
    lines = pa.array(range(1, len(values) + 1), pa.uint64()).to_numpy()
    # A slice has an offset, as Arrow's arrays may have.
    unique.add(value_prints(pa.concat_arrays([values[:2], values])[2:], 0, lines))
    count, pairs = unique.repeated()
    unique.close()
    assert count == 3
    assert [(pair.first.line, pair.second.line) for pair in pairs] == [(1, 4), (5, 6), (10, 11)]


def test_texts_that_differ_have_other_prints() -> None:
    """No two of a hundred thousand similar texts are taken for one."""
    texts = pa.array([f"{n:06}" for n in range(100_000)] + ["x" * n for n in range(200)])
    unique = UniqueValues()
    unique.add(value_prints(texts, 0, pa.array(range(len(texts)), pa.uint64()).to_numpy()))
    found = unique.repeated()
    unique.close()
    assert found == (0, [])


@pytest.mark.parametrize(
    ("entry", "mistake"),
    [
        ({"type": "string", "min": 1}, "columns[0].min: is for numbers, dates and timestamps only, not for string"),
        ({"type": "int8", "max": "a"}, "columns[0].max: must be a number, as the values are, not 'a'"),
        (
            {"type": "date", "formats": ["%d.%m.%Y"], "min": "2020-01-01"},
            "columns[0].min: must be a text in the first format of the column, \"%d.%m.%Y\", not '2020-01-01'",
        ),
        ({"type": "int8", "min": 3, "max": 2}, "columns[0]: `min` is larger than `max`: 3 and 2"),
        (
            {"type": "date", "formats": ["%d.%m.%Y"], "min": "02.01.2020", "max": "01.02.2019"},
            "columns[0]: `min` is larger than `max`: '02.01.2020' and '01.02.2019'",
        ),
        ({"type": "int8", "one_of": [1, 500]}, "columns[0].one_of: has 500, which is no int8"),
        (
            {"type": "int8", "one_of": ["1"]},
            "columns[0].one_of: must have integers, as the values of int8 are, not '1'",
        ),
        (
            {"type": "string", "one_of": [1]},
            'columns[0].one_of: must have texts, such as "a", as the values of string are, not 1',
        ),
    ],
)
def test_expectations_that_the_type_cannot_meet_are_mistakes(entry: dict[str, Any], mistake: str) -> None:
    """They are reported with their key before any file is read."""
    table = {"source": "a", "output": "b", "columns": [{"name": "x", **entry}]}
    with pytest.raises(SpecErrors) as caught:
        parse_specs({"datasets": {"mine": table}})
    assert [str(found) for found in caught.value.mistakes] == [f"datasets.mine.{mistake}"]


def test_expectations_make_other_parts_stale(lab: Any) -> None:
    """A part that was written before an expectation was declared has not been checked."""
    lab.raw("a.csv", "id\n-1\n")
    lab.convert(lab.spec({"id": "int32"}))
    with pytest.raises(ExpectationError):
        lab.convert(lab.spec({"id": column("int32", minimum=0)}))

"""`decimals = "exact"` stores decimals on 32 or 64 bits, and the reader hands out the float64 of their texts."""

from __future__ import annotations

import random
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_convert import parse_specs, read_parts
from data_convert.part_reader import nearest_floats
from data_convert.spec.dataset_spec import DatasetSpec


def trees(decimals: str = "exact", exact: str = "decimal(9, 4)") -> DatasetSpec:
    """The dataset `trees` with an identifier, a float64 that declares `exact`, and a decimal."""
    table = f"""
        [datasets.trees]
        source = "raw"
        output = "parts"
        decimals = "{decimals}"
        columns = [
            {{ name = "id", type = "int32" }},
            {{ name = "height", type = "float64", exact = "{exact}" }},
            {{ name = "price", type = "decimal(12, 2)" }},
        ]
    """
    return parse_specs(tomllib.loads(table), path=Path("datasets.toml"))["trees"]


RAW = "id,height,price\n1,72.9,1.10\n2,,\n3,-.0119,0.3\n4,5.,-2\n5,0,99\n"


@pytest.mark.parametrize(("exact", "physical"), [("decimal(9, 4)", "INT32"), ("decimal(15, 4)", "INT64")])
def test_float64_columns_are_stored_as_decimals(lab: Any, exact: str, physical: str) -> None:
    """The file has decimals of 32 or 64 bits with the values of the texts."""
    lab.raw("a.csv", RAW)
    lab.convert(trees(exact=exact))
    table = lab.table()
    assert table["height"].to_pylist() == [Decimal("72.9"), None, Decimal("-0.0119"), Decimal(5), Decimal(0)]
    column = pq.read_metadata(lab.part()).row_group(0).column(1)
    assert (column.physical_type, str(table.schema.field("height").type)) == (
        physical,
        exact.replace("decimal", "decimal128"),
    )


def test_reader_gives_float64_for_them_and_keeps_declared_decimals(lab: Any) -> None:
    """What is float64 in datasets.toml is read as float64, whatever `decimals` says."""
    lab.raw("a.csv", RAW)
    read = []
    for decimals in ("exact", "float64"):
        lab.convert(trees(decimals))
        read.append(read_parts([lab.part()]))
    assert read[0].equals(read[1])
    assert read[0]["height"].to_pylist() == [72.9, None, -0.0119, 5.0, 0.0]
    assert read[0].schema.types == [pa.int32(), pa.float64(), pa.decimal128(12, 2)]
    assert read_parts([lab.part(), lab.part()], ["height", "id"]).column_names == ["height", "id"]


def test_parts_of_both_kinds_are_read_together(lab: Any) -> None:
    """After a change of `decimals`, old and new parts still make one table."""
    for name, decimals in (("a", "exact"), ("b", "float64")):
        lab.raw(f"{name}.csv", RAW)
        lab.convert(trees(decimals))
        lab.part(f"{name}.parquet").rename(lab.root / f"{name}.parquet")
    table = read_parts([lab.root / "a.parquet", lab.root / "b.parquet"])
    assert table["height"].to_pylist() == [72.9, None, -0.0119, 5.0, 0.0] * 2


def test_value_with_more_digits_does_not_fit(lab: Any) -> None:
    """A value that the decimal cannot hold is reported with its line, not rounded."""
    from data_convert.errors import DataConvertError

    lab.raw("a.csv", "id,height,price\n1,0.00001,1\n")
    with pytest.raises(DataConvertError, match=r"a\.csv:2: .*'0\.00001' has more digits than decimal\(9, 4\) holds"):
        lab.convert(trees())


@pytest.mark.parametrize("scale", [0, 1, 4, 9, 15])
def test_floats_are_the_ones_of_the_texts(scale: int) -> None:
    """For random decimals of up to 15 digits, bit by bit, with nulls and in slices."""
    chance = random.Random(scale)
    numbers = [chance.randrange(-(10 ** chance.randint(1, 15)) + 1, 10**15) for _ in range(20_000)]
    decimals = [Decimal(number).scaleb(-scale) for number in numbers]
    column = pa.chunked_array([pa.array([None, *decimals, None], pa.decimal128(15, scale)).slice(0)])
    want = np.array([float(str(decimal)) for decimal in decimals])
    found = nearest_floats(column)
    assert found.null_count == 2
    assert found.drop_null().to_numpy().tobytes() == want.tobytes()
    sliced = nearest_floats(column.slice(5, 100))
    assert sliced.to_numpy().tobytes() == want[4:104].tobytes()


def test_decimals_are_smaller_than_floats(lab: Any) -> None:
    """Noise with three digits behind the point needs a sixth less as decimals."""
    chance = random.Random(5)
    rows = "".join(f"{n},{chance.gauss(50, 20):.3f},1\n" for n in range(50_000))
    lab.raw("a.csv", "id,height,price\n" + rows)
    sizes = []
    for decimals in ("float64", "exact"):
        lab.convert(trees(decimals))
        column = pq.read_metadata(lab.part()).row_group(0).column(1)
        sizes.append(column.total_compressed_size)
    assert sizes[1] < 0.84 * sizes[0]


def test_inspect_declares_how_a_column_can_be_exact(tmp_path: Path) -> None:
    """The digits of all values decide; exponents and more than 15 digits have no exact form."""
    from data_convert.inspection.dataset_inspection import inspect_path

    (tmp_path / "x.csv").write_text(
        "a;b;c;e\n1.5;123456.25;1e5;0.1234567890123456\n-22.25;-999999.9375;2.5;0.5\n;1.0;0.5;0.25\n"
    )
    assert {column.name: (column.type, column.exact) for column in inspect_path(tmp_path).columns} == {
        "a": ("float64", "decimal(9, 2)"),
        "b": ("float64", "decimal(15, 4)"),
        "c": ("float64", None),
        "e": ("float64", None),
    }


def test_inspect_declares_exact_decimals_with_a_comma(tmp_path: Path) -> None:
    """The digits behind a decimal comma count as those behind a point."""
    from data_convert.inspection.dataset_inspection import inspect_path

    (tmp_path / "x.csv").write_text("n;d\n1;1,25\n2;-3,5\n3;12345,125\n")
    _, column = inspect_path(tmp_path).columns
    assert (column.type, column.marks.decimal, column.exact) == ("float64", ",", "decimal(9, 3)")

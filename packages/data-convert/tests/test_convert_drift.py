"""Files that differ from the description of their dataset: an error, or what `drift` declares."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from data_convert.conversion.plan import plan_conversion
from data_convert.conversion_preview import plan_json, plan_text
from data_convert.errors import FailedPartsError, HeaderError, RejectedRowsError, SpecErrors
from data_convert.spec.dataset_spec import Dialect, Drift
from data_convert.spec.spec_file import parse_specs


def rows(lab: Any) -> list[dict[str, Any]]:
    """All rows of all parts, as one table."""
    return pq.read_table(lab.root / "parts").to_pylist()


def test_a_file_that_differs_is_an_error_by_default(lab: Any) -> None:
    """The other files become parts."""
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.raw("b.csv", "id,kind,height\n2,elm,3.5\n")
    with pytest.raises(HeaderError):
        lab.convert(lab.spec())
    assert lab.left() == ["a.parquet"]


def test_a_new_column_is_added_to_all_parts(lab: Any) -> None:
    """It is text, null in files without it, and the parts stay one table; the plan says what to declare."""
    spec = lab.spec(drift=Drift(new_column="add"))
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.convert(spec)
    lab.raw("b.csv", "height,id,kind\n3.50,2,elm\n")
    lab.raw("c.csv", "kind,id,id,height\nfir,3,x,4\n")
    plan = plan_conversion(spec, lab.root)
    assert [part.name for part in plan.stale] == ["a.parquet", "b.parquet", "c.parquet"]
    note = (
        "new column 'height' in b.csv, c.csv: kept as text in all parts (drift.new_column = \"add\"). To declare it,"
        ' add { name = "height", type = "string", optional = true } to `columns`; `invoke data.inspect trees` shows its'
        " type."
    )
    assert plan.drift[0] == note
    assert plan_json([plan])[0]["drift"] == list(plan.drift)
    assert f"  {note}" in plan_text([plan])
    lab.convert(spec)
    assert lab.verify(spec).is_clean
    assert rows(lab) == [
        {"id": 1, "kind": "oak", "height": None, "id#2": None},
        {"id": 2, "kind": "elm", "height": "3.50", "id#2": None},
        {"id": 3, "kind": "fir", "height": "4", "id#2": "x"},
    ]


def test_the_same_files_give_the_same_bytes_with_drift(lab: Any) -> None:
    """A second run has nothing to do, and the number of threads makes no difference."""
    spec = lab.spec(drift=Drift(new_column="add", missing_column="add", changed_type="add"))
    lab.raw("a.csv", "id,kind\n1,oak\nx,oak\n")
    lab.raw("b.csv", "id,height\n2,3\n")
    lab.convert(spec)
    before = [lab.part(name).read_bytes() for name in ("a.parquet", "b.parquet")]
    assert all(not part.is_converted for part in lab.convert(spec).parts)
    lab.convert(spec, force=True, jobs=1)
    assert [lab.part(name).read_bytes() for name in ("a.parquet", "b.parquet")] == before


def test_a_new_column_is_ignored(lab: Any) -> None:
    """It is dropped, and parts of other files are not converted again."""
    spec = lab.spec(drift=Drift(new_column="ignore"))
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.convert(spec)
    lab.raw("b.csv", "height,id,kind\n3.50,2,elm\n")
    assert [part.is_converted for part in lab.convert(spec).parts] == [False, True]
    assert lab.verify(spec).is_clean
    assert rows(lab) == [{"id": 1, "kind": "oak"}, {"id": 2, "kind": "elm"}]


@pytest.mark.parametrize("action", ["add", "ignore"])
def test_a_missing_column_is_null(lab: Any, action: Any) -> None:
    """Both actions write nulls; "add" reports the files and what to declare."""
    spec = lab.spec(drift=Drift(missing_column=action))
    lab.raw("a.csv", "id,kind\n1,oak\n")
    lab.raw("b.csv", "id\n2\n")
    lab.convert(spec)
    assert lab.verify(spec).is_clean
    assert rows(lab) == [{"id": 1, "kind": "oak"}, {"id": 2, "kind": None}]
    note = (
        "column 'kind' is missing from b.csv: null there (drift.missing_column = \"add\"). To declare it, write"
        " optional = true at this column."
    )
    assert plan_conversion(spec, lab.root).drift == ((note,) if action == "add" else ())


def test_another_table_is_an_error_in_any_case(lab: Any) -> None:
    """A file without any of the kept columns is not part of the dataset."""
    lab.raw("a.csv", "shop,town\nx,y\n")
    with pytest.raises(HeaderError) as caught:
        lab.convert(lab.spec(drift=Drift(new_column="ignore", missing_column="ignore")))
    assert "it has none of the kept columns; `drift` does not make another table a part of this one" in str(
        caught.value
    )


def test_an_unreadable_file_fails_alone(lab: Any) -> None:
    """The headers of the others are read nevertheless."""
    lab.raw("a.csv", "")
    lab.raw("b.csv", "id,kind,height\n2,elm,3.5\n")
    lab.raw("c.csv.gz", "no gzip")
    with pytest.raises(FailedPartsError) as caught:
        lab.convert(lab.spec(drift=Drift(new_column="add")))
    assert str(caught.value).startswith("2 of 3 parts failed")
    assert lab.table("b.parquet").to_pylist() == [{"id": 2, "kind": "elm", "height": "3.5"}]


CHANGED = "id,kind,size\n1,oak,1.5\nx,elm,2\n3,fir,n/a\ny,fir,tall\n"
COLUMNS = {"id": "int32", "kind": "string", "size": {"type": "float64", "nulls": ("", "n/a")}}


def test_a_changed_type_is_an_error_by_default(lab: Any) -> None:
    """The rows are named."""
    lab.raw("a.csv", CHANGED)
    with pytest.raises(RejectedRowsError):
        lab.convert(lab.spec(COLUMNS))


def test_values_of_another_type_are_null(lab: Any) -> None:
    """With "ignore", the rows are kept, and the values are counted and shown; they are no rejects."""
    lab.raw("a.csv", CHANGED)
    lab.raw("b.csv", "id,kind,size\n7,elm,2\n")
    report = lab.convert(lab.spec(COLUMNS, drift=Drift(changed_type="ignore")))
    assert lab.verify(lab.spec(COLUMNS, drift=Drift(changed_type="ignore"))).is_clean
    assert rows(lab) == [
        {"id": 1, "kind": "oak", "size": 1.5},
        {"id": None, "kind": "elm", "size": 2.0},
        {"id": 3, "kind": "fir", "size": None},
        {"id": None, "kind": "fir", "size": None},
        {"id": 7, "kind": "elm", "size": 2.0},
    ]
    assert (report.rejects, report.changed, report.metrics()["changed"]) == (0, {"id": 2, "size": 1}, 3)
    assert report.text().splitlines()[1] == (
        "trees: 3 values are of another type than the column, and null: id (2), size (1), such as 'x' (a.csv:3),"
        " 'y' (a.csv:5), 'tall' (a.csv:5)"
    )
    # Finished parts are counted by their footers.
    assert lab.convert(lab.spec(COLUMNS, drift=Drift(changed_type="ignore"))).changed == {"id": 2, "size": 1}


def test_texts_of_another_type_are_added(lab: Any) -> None:
    """With "add", every column of a type other than string has a column for its texts, in all parts."""
    lab.raw("a.csv", CHANGED)
    lab.raw("b.csv", "id,kind,size\n7,elm,2\n")
    lab.convert(lab.spec(COLUMNS, drift=Drift(changed_type="add")))
    assert lab.verify(lab.spec(COLUMNS, drift=Drift(changed_type="add"))).is_clean
    assert [(row["id"], row["id_text"], row["size"], row["size_text"]) for row in rows(lab)] == [
        (1, None, 1.5, None),
        (None, "x", 2.0, None),
        (3, None, None, None),
        (None, "y", None, "tall"),
        (7, None, 2.0, None),
    ]


def test_rows_of_another_shape_are_rejects_nevertheless(lab: Any) -> None:
    """A changed type is about values; a row that cannot be divided into cells has none."""
    lab.raw("a.csv", 'id,kind\nx,oak\n1\n2,"a\n')
    spec = lab.spec(drift=Drift(changed_type="add"), on_reject="keep", max_rejects=1.0)
    report = lab.convert(spec)
    assert (report.rows, report.rejects, report.changed) == (1, 2, {"id": 1})
    assert lab.verify(spec).is_clean
    assert lab.table().to_pylist() == [{"id": None, "kind": "oak", "id_text": "x"}]


def test_texts_are_added_without_a_header_too(lab: Any) -> None:
    """The added columns have no place in the rows of the file."""
    lab.raw("a.csv", "1,oak\nx,elm\n")
    spec = lab.spec(drift=Drift(changed_type="add"), dialect=Dialect(header=False))
    lab.convert(spec)
    assert lab.verify(spec).is_clean
    assert rows(lab) == [{"id": 1, "kind": "oak", "id_text": None}, {"id": None, "kind": "elm", "id_text": "x"}]


def test_a_changed_type_of_a_million_values_needs_little_memory(lab: Any) -> None:
    """Values are counted; only the first ones are remembered."""
    lab.raw("a.csv", "id,kind\n" + "x,oak\n" * 200_000)
    report = lab.convert(lab.spec(drift=Drift(changed_type="ignore")))
    assert report.changed == {"id": 200_000}
    assert [len(part.examples) for part in report.parts] == [3]


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        (
            {"dialect": {"header": False}, "drift": {"new_column": "add"}},
            "datasets.mine.drift.new_column: makes no sense where the files have no header",
        ),
        (
            {
                "drift": {"changed_type": "add"},
                "columns": [{"name": "x", "type": "int8"}, {"name": "x_text", "type": "string"}],
            },
            "datasets.mine.drift.changed_type: adds a column 'x_text', but one of that name is declared",
        ),
    ],
)
def test_drift_that_makes_no_sense_is_a_mistake(table: dict[str, Any], mistake: str) -> None:
    """It is reported with its key before any file is read."""
    columns = [{"name": "x", "type": "int8"}]
    with pytest.raises(SpecErrors) as caught:
        parse_specs({"datasets": {"mine": {"source": "a", "output": "b", "columns": columns, **table}}})
    assert [str(found) for found in caught.value.mistakes] == [mistake]

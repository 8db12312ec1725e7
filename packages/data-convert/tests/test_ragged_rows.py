"""Rows with too few or too many cells: rejects, unless `dialect.ragged` makes rows of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_convert.inspection.dataset_inspection import inspect_described, inspect_path
from data_convert.spec.dataset_spec import DatasetSpec, Dialect
from data_convert.writing.provenance import read_provenance

PAD = Dialect(ragged="pad")
NUMBERS = {"t": "int32", "v": "float64", "w": {"type": "string", "nulls": ()}}
HEADER = "t,v,w\n"


def _spec(lab: Any, dialect: Dialect = PAD, **settings: Any) -> DatasetSpec:
    spec: DatasetSpec = lab.spec(NUMBERS, dialect=dialect, **{"on_reject": "keep", **settings})
    return spec


def _rows(lab: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in lab.table().to_pylist()]


def test_ragged_rows_are_rejects_by_default(lab: Any) -> None:
    """Without the key, each row of another length is a reject with the number of its cells."""
    lab.raw("a.csv", HEADER + "1,2\n1,2,x,\n3,4,y\n")
    report = lab.convert(_spec(lab, Dialect()))
    assert (_rows(lab), report.rejects, report.padded) == ([(3, 4.0, "y")], 2, {})


def test_short_and_long_rows_are_padded(lab: Any) -> None:
    """A missing cell is an empty one; empty cells behind the last column are left out."""
    lab.raw("a.csv", HEADER + '1,2\n1,2,x,,""\n3,4,y\n5,\n')
    report = lab.convert(_spec(lab))
    assert _rows(lab) == [(1, 2.0, ""), (1, 2.0, "x"), (3, 4.0, "y"), (5, None, "")]
    assert (report.rejects, report.skipped, report.padded) == (0, {}, {"short_rows": 2, "long_rows": 1})
    assert report.text().endswith(
        "trees: rows of another length: 2 short rows filled with empty cells, 1 row without the empty cells at its end"
    )
    assert (report.metrics()["skipped"], report.metrics()["padded"]) == (0, 3)
    provenance = read_provenance(lab.part())
    assert provenance is not None
    assert provenance.sources[0].skipped == report.padded


def test_trimmed_rows_alone(lab: Any) -> None:
    """With "trim", no cell is made up: a row with too few cells is a reject."""
    lab.raw("a.csv", HEADER + "1,2\n1,2,x,\n3,4,y\n")
    spec = _spec(lab, Dialect(ragged="trim"))
    report = lab.convert(spec)
    assert (_rows(lab), report.rejects, report.padded) == ([(1, 2.0, "x"), (3, 4.0, "y")], 1, {"long_rows": 1})
    assert report.text().endswith("trees: rows of another length: 1 row without the empty cells at its end")
    assert lab.verify(spec).findings == ()


@pytest.mark.parametrize(
    "row", ["1,2,x,,surplus", "total", '1,"2"x', "x,2", "1,2,x, ", '1,2,"x'], ids=lambda row: f"row {row}"
)
def test_other_rows_stay_rejects(lab: Any, row: str) -> None:
    """Surplus texts, lines without a delimiter, wrong quotes and values of another type are not repaired."""
    lab.raw("a.csv", f"{HEADER}3,4,y\n{row}\n")
    report = lab.convert(_spec(lab))
    assert (_rows(lab), report.rejects) == ([(3, 4.0, "y")], 1)
    assert lab.rejects()[0][-1] == row
    assert lab.verify(_spec(lab)).findings == ()


def test_a_short_row_needs_a_tenth_of_the_cells(lab: Any) -> None:
    """A line of two cells is no row of a table with 21 columns, but of one with 20."""
    for width, rejects in ((20, 0), (21, 1)):
        names = [f"c{place}" for place in range(width)]
        lab.raw("a.csv", ",".join(names) + "\n1,2\n" + ",".join(names) + "\n")
        spec = lab.spec(dict.fromkeys(names, "string"), dialect=PAD, on_reject="keep")
        assert lab.convert(spec, force=True).rejects == rejects
        assert lab.verify(spec).findings == ()


def test_padding_does_not_depend_on_the_other_rows(lab: Any) -> None:
    """A short row is padded between blocks that the fast parser reads, and every row is verified."""
    count = 600_000
    lines = [f"{n},2.5,x\n" for n in range(count)]
    lines[count // 2] = f"{count // 2},2.5\n"
    lab.raw("a.csv", HEADER + "".join(lines))
    report = lab.convert(_spec(lab))
    assert (report.rows, report.padded) == (count, {"short_rows": 1})
    assert lab.table()["w"].to_pylist().count("") == 1
    assert lab.verify(_spec(lab)).findings == ()


def test_wrong_counts_of_padded_rows_are_findings(lab: Any) -> None:
    """The footer must have as many padded rows as the raw file."""
    lab.raw("a.csv", HEADER + "1,2\n3,4,y\n")
    lab.convert(_spec(lab))
    content = lab.part().read_bytes()
    changed = content.replace(b'short_rows":1', b'short_rows":2').replace(b'short_rows\\":1', b'short_rows\\":2')
    assert changed != content
    lab.part().write_bytes(changed)
    (finding,) = lab.verify(_spec(lab)).findings
    assert finding.problem == "its footer has skipped {'short_rows': 2} instead of {'short_rows': 1}"


def _inspected(folder: Path, rows: list[str]) -> Any:
    path = folder / "a.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return inspect_path(path, jobs=1)


def test_inspect_proposes_the_key_for_rows_of_another_length(tmp_path: Path) -> None:
    """They are not changed without a decision of the user: a note has the key to declare."""
    found = _inspected(tmp_path, ["1,2,x"] * 96 + ["1,2", "1,2,x,", "3,4,y,,"])
    assert (found.rows, found.ragged_rows, found.dialect) == (96, 3, Dialect())
    assert found.notes[-2:] == (
        '2 of them have only empty cells too many. `ragged = "trim"` in `dialect` leaves these out. Look at some of'
        " them: an empty cell may also be surplus in the middle.",
        '1 of them lacks cells. If these are empty cells at the end, `ragged = "pad"` in `dialect` fills them in. It is'
        " wrong if a cell is missing in the middle.",
    )


@pytest.mark.parametrize(("ragged", "rows", "misfits"), [("trim", 4, 1), ("pad", 5, 0)])
def test_inspect_reads_a_declared_dataset_as_the_conversion_does(
    lab: Any, ragged: Any, rows: int, misfits: int
) -> None:
    """The rows that the dialect accepts are counted, and the note on the key is about the others."""
    lab.raw("a.csv", HEADER + "1,2,x\n" * 3 + "1,2\n3,4,y,\n")
    spec = _spec(lab, Dialect(ragged=ragged))
    found = inspect_described(spec, lab.root, jobs=1)
    assert (found.rows, found.ragged_rows) == (rows, misfits)
    assert lab.convert(spec).rows == rows
    assert any('`ragged = "pad"`' in note for note in found.notes) == (ragged == "trim")


def test_inspect_does_not_propose_padding_for_other_rows(tmp_path: Path) -> None:
    """Rows with surplus texts stay rejects."""
    found = _inspected(tmp_path, ["1,2,x"] * 50 + ["1,2,x,y"] * 10)
    assert (found.ragged_rows, found.dialect.ragged) == (10, "reject")
    assert not any("ragged" in note for note in found.notes)

"""The columns that a notebook declares: its kernel gets them, and the list shows what they save."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from env_spec import NotebookDataset, NotebookSpec
from notebook_run.columns import ColumnUse, column_uses
from notebook_run.container import environment


def spec(*datasets: NotebookDataset) -> NotebookSpec:
    return NotebookSpec(name="eda", path="notebooks/eda.ipynb", image="i", datasets=datasets)


@pytest.fixture
def parts(root: Path) -> Path:
    """Two parts of cars: a wide column and two narrow ones."""
    noise = np.random.default_rng(1).random(2000)
    for year in ("2024", "2025"):
        table = pa.table({"noise": noise, "year": [int(year)] * 2000, "is_open": [True] * 2000, "n": range(2000)})
        pq.write_table(table, root / f"data/raw/parquet/cars/d12/{year}.parquet", row_group_size=1000)
    return root


def test_a_kernel_gets_the_declared_columns() -> None:
    """Only datasets whose table declares `columns` are in the variable."""
    notebook = spec(NotebookDataset(name="cars", columns=("größe", "n")), NotebookDataset(name="bikes"))
    assert json.loads(environment(notebook)["SHRINKWRAP_COLUMNS"]) == {"cars": ["größe", "n"]}
    assert environment(spec())["SHRINKWRAP_COLUMNS"] == "{}"


def test_declared_columns_are_a_share_of_all(parts: Path) -> None:
    """Sizes are those of the column chunks in the selected parts."""
    (use,) = column_uses(parts, spec(NotebookDataset(name="cars", columns=("year", "n"), parts=("*/2025*",))))
    footer = pq.read_metadata(parts / "data/raw/parquet/cars/d12/2025.parquet")
    sizes = [
        sum(footer.row_group(group).column(column).total_compressed_size for group in range(2)) for column in range(4)
    ]
    assert (use.declared, use.columns) == (2, 4)
    assert (use.read_bytes, use.size_bytes) == (sizes[1] + sizes[3], sum(sizes))


def test_without_declared_columns_the_largest_are_shown(parts: Path) -> None:
    """They are what declaring `columns` saves most."""
    (use,) = column_uses(parts, spec(NotebookDataset(name="cars")))
    assert (use.declared, use.read_bytes) == (None, use.size_bytes)
    assert [name for name, _ in use.largest] == ["noise", "n", "year"]


def test_a_dataset_without_readable_parts_has_no_size(root: Path) -> None:
    """The parts of this fixture are not Parquet."""
    assert column_uses(root, spec(NotebookDataset(name="cars"))) == ()


def test_the_sentences() -> None:
    """Declared columns have the share; without them, the largest columns follow."""
    sizes = {"columns": 40, "read_bytes": 3_000_000, "size_bytes": 20_000_000}
    largest = (("a", 4_000_000), ("b", 2_000_000))
    some = ColumnUse(dataset="cars", declared=12, largest=largest, **sizes)
    assert some.text == "cars: 12 of 40 columns, 3.00 MB of 20.0 MB"
    every = ColumnUse(dataset="cars", declared=None, largest=largest, **sizes)
    assert every.text == (
        "cars: all 40 columns, 20.0 MB; declare `columns` to read fewer (the largest: a 4.00 MB, b 2.00 MB)"
    )

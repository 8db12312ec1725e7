"""Other programs read the folder of a dataset's Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import polars as pl
import pytest

from data_convert import convert_dataset, load_specs

_TABLE: Final = """\
[datasets.mine]
source = "raw"
output = "parquet"
on_reject = "keep"
max_rejects = 0.5
columns = [{ name = "n", type = "int32" }, { name = "x", type = "float64" }]
"""
READERS: Final[dict[str, Any]] = {
    "pandas": lambda folder: pd.read_parquet(folder).itertuples(index=False, name=None),
    "Polars": lambda folder: pl.read_parquet(folder).rows(),
    "DuckDB": lambda folder: duckdb.sql(f"from read_parquet('{folder}/*')").fetchall(),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_dataset_with_rejects_is_readable(tmp_path: Path, reader: str) -> None:
    """Rejects are outside the folder, so that programs that read all its files find Parquet only."""
    (tmp_path / "datasets.toml").write_text(_TABLE)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.csv").write_text("n,x\n1,0.5\ny,1\n")
    (tmp_path / "raw/b.csv").write_text("n,x\n2,1.5\n")
    assert convert_dataset(load_specs(tmp_path / "datasets.toml")["mine"], data_folder=tmp_path).rejects == 1
    assert sorted(READERS[reader](tmp_path / "parquet")) == [(1, 0.5), (2, 1.5)]

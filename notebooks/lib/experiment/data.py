"""Loads a dataset, or some of its columns, parts and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from experiment.engines import Engine, converter
from experiment.filters import Where
from experiment.places import output_folder, part_files
from experiment.reading import read_table

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

_Names = Sequence[str] | None
_Parts = Sequence[str] | str | None


@overload
def load(
    dataset: str,
    columns: _Names = None,
    parts: _Parts = None,
    *,
    where: Where | None = None,
    engine: Literal["pandas"] = "pandas",
) -> pd.DataFrame: ...
@overload
def load(
    dataset: str,
    columns: _Names = None,
    parts: _Parts = None,
    *,
    where: Where | None = None,
    engine: Literal["polars"],
) -> pl.DataFrame: ...
@overload
def load(
    dataset: str,
    columns: _Names = None,
    parts: _Parts = None,
    *,
    where: Where | None = None,
    engine: Literal["arrow"],
) -> pa.Table: ...
@overload
def load(
    dataset: str,
    columns: _Names = None,
    parts: _Parts = None,
    *,
    where: Where | None = None,
    engine: Literal["duckdb"],
) -> duckdb.DuckDBPyRelation: ...
def load(
    dataset: str,
    columns: _Names = None,
    parts: _Parts = None,
    *,
    where: Where | None = None,
    engine: Engine = "pandas",
) -> Any:
    """Load a dataset of data/datasets.toml, or some columns, parts and rows of it.

    Only the named columns are read from disk, so name them: a day of a PeMS district has 700,000 rows. Row groups whose
    statistics show that no row can meet `where` are not read.

    Args:
        dataset: Its name.
        columns: Names of columns, in the order of the result. If None, the declared ones of the notebook, or all.
        parts: Names of part files or globs over them, such as `"*_2024_01_*"`; all local parts if None.
        where: Conditions that all rows meet, such as `[("station", "==", 7), ("speed", "<", 30)]`; a list of such
            lists, of which one is met; or an expression of pyarrow.compute. Operators are ==, !=, <, <=, >, >=, in and
            not in. A row with a missing value meets only `("x", "==", None)` and `not in`. Times may be text.
        engine: The library of the result: pandas, polars, arrow or duckdb (a relation).

    Returns:
        The rows in the order of the parts' names. Timestamps are in local time (without a zone) unless the dataset
        declares UTC. In pandas, an integer column with missing values has the type float64, or `Int64` if it is int64.

    Raises:
        UnknownNameError: There is no such dataset, column or engine.
        ExperimentError: A requested part, or every part, is missing locally; a part does not have a column that others
            have; a column is not declared for this notebook; `where` does not fit the columns; the engine's package is
            not installed; or data/datasets.toml cannot be read.
    """
    convert = converter(engine)
    folder = output_folder(dataset)
    paths = part_files(dataset, folder, [parts] if isinstance(parts, str) else parts)
    table = read_table(paths, dataset, columns, where)
    return convert(table)

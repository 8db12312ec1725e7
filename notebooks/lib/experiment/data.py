"""Where a notebook's data come from, and where its results go."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from experiment.errors import DatasetsFileError, MissingPartsError, ResultPathError, StalePartError, UnknownNameError

_NOTEBOOKS = Path(__file__).resolve().parents[2]
# With missing values: no float holds every int64, and there is no boolean NaN.
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def load(dataset: str, columns: Sequence[str] | None = None, parts: Sequence[str] | str | None = None) -> pd.DataFrame:
    """Reads a dataset of data/datasets.toml, and of it only what is asked for.

    Nothing but the columns named is read from disk, so name them: a day of a PeMS district is 700,000 rows.

    Args:
        dataset: Its name.
        columns: Those wanted, in the order wanted; all if None.
        parts: Names of part files or globs over them, like `"*_2024_01_*"`; all that are here if None.

    Returns:
        The rows in the order of the parts' names. Timestamps are the local clock's (`datetime64`, no zone) unless the
        dataset declares UTC. An integer column with missing values is float64, an int64 one pandas' `Int64`.

    Raises:
        UnknownNameError: There is no such dataset or column.
        MissingPartsError: A part that was asked for is not on this machine, or none is.
        StalePartError: A part lacks a column that others have.
        DatasetsFileError: There is no data/datasets.toml.
    """
    root = _data_folder()
    folder = root / _table_of(dataset, root / "datasets.toml")["output"]
    paths = _part_files(dataset, folder, [parts] if isinstance(parts, str) else parts)
    if columns is not None:
        known = pq.read_schema(paths[0]).names
        for column in columns:
            if column not in known:
                raise UnknownNameError("column", column, known, where=f"dataset '{dataset}'")
    return _frame(pa.concat_tables(_columns_of(path, columns, dataset) for path in paths))


def out(name: str) -> Path:
    """The path for a result of this notebook, below notebooks/out/NOTEBOOK; its folder is made, its file is not.

    Raises:
        ResultPathError: The name leads out of that folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise ResultPathError(name)
    path = _results_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _data_folder() -> Path:
    return Path(os.environ.get("SHRINKWRAP_DATA") or _NOTEBOOKS.parent / "data")


def _results_folder() -> Path:
    # JupyterLab tells a kernel the path of the notebook it was started for.
    session = Path(os.environ.get("JPY_SESSION_NAME", "")).stem
    return Path(os.environ.get("SHRINKWRAP_OUT") or _NOTEBOOKS / "out" / session)


def _table_of(dataset: str, file: Path) -> dict[str, Any]:
    try:
        datasets: dict[str, dict[str, Any]] = tomllib.loads(file.read_text("utf-8"))["datasets"]
    except FileNotFoundError:
        raise DatasetsFileError(file, "there is no such file") from None
    except (KeyError, tomllib.TOMLDecodeError) as error:
        raise DatasetsFileError(file, f"cannot be read: {error}") from None
    if dataset not in datasets:
        raise UnknownNameError("dataset", dataset, list(datasets), where=str(file))
    return datasets[dataset]


def _part_files(dataset: str, folder: Path, patterns: Sequence[str] | None) -> list[Path]:
    there = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*.parquet"))
        if not path.name.startswith(".")
    }
    notebook = Path(os.environ.get("SHRINKWRAP_OUT", "")).name
    pull = f"invoke data.pull --notebook {notebook}" if notebook else f"invoke data.pull --dataset {dataset}"
    wanted: set[str] = set()
    for pattern in patterns if patterns is not None else ["*"]:
        found = {name for name in there if fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.parquet")}
        if not found:
            asked = None if patterns is None else pattern
            raise MissingPartsError(dataset, folder, pattern=asked, there=list(there), pull=pull)
        wanted |= found
    return [path for name, path in there.items() if name in wanted]


def _columns_of(path: Path, columns: Sequence[str] | None, dataset: str) -> pa.Table:
    with pq.ParquetFile(path) as file:
        names = set(file.schema_arrow.names)
        for column in columns or ():
            if column not in names:
                raise StalePartError(path, column, dataset)
        table = file.read(columns=None if columns is None else list(columns))
    return table.select(columns).replace_schema_metadata() if columns is not None else table.replace_schema_metadata()


def _frame(table: pa.Table) -> pd.DataFrame:
    nullable = [name for name in table.column_names if table[name].null_count and table[name].type in _NULLABLE]
    extra = {name: table[name].to_pandas(types_mapper=_NULLABLE.get) for name in nullable}
    order = table.column_names
    # Each column is freed as soon as pandas has it: about half the memory.
    frame = table.drop_columns(nullable).to_pandas(split_blocks=True, self_destruct=True, date_as_object=False)
    return frame.assign(**extra)[order] if nullable else frame

"""The libraries in which `load()` returns a table."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

import pandas as pd
import pyarrow as pa

from experiment.errors import ExperimentError, UnknownNameError

Engine: TypeAlias = Literal["pandas", "polars", "arrow", "duckdb"]

# For columns with missing values: a float cannot represent every int64, and there is no boolean NaN.
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def converter(engine: str) -> Callable[[pa.Table], Any]:
    """What makes an engine's frame of a table of Arrow.

    Raises:
        UnknownNameError: There is no such engine.
        ExperimentError: Its package is not installed.
    """
    if engine not in _CONVERTERS:
        raise UnknownNameError("engine", str(engine), list(_CONVERTERS), where="load()")
    if engine in ("polars", "duckdb"):
        _installed(engine)
    return _CONVERTERS[engine]


def _installed(package: str) -> Any:
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ExperimentError(
            f'engine="{package}" needs the package {package}, which is not installed here. Add it to a group of'
            f" pyproject.toml that the notebook's image has, or to the group `ops` for ./run, and run `invoke"
            f' env.lock`; or use engine="pandas" or engine="arrow".'
        ) from None


def _pandas(table: pa.Table) -> pd.DataFrame:
    nullable = [name for name in table.column_names if table[name].null_count and table[name].type in _NULLABLE]
    extra = {name: table[name].to_pandas(types_mapper=_NULLABLE.get) for name in nullable}
    order = table.column_names
    # Each column is freed as soon as pandas has it, which saves about half of the memory.
    frame = table.drop_columns(nullable).to_pandas(split_blocks=True, self_destruct=True, date_as_object=False)
    return frame.assign(**extra)[order] if nullable else frame


def _polars(table: pa.Table) -> Any:
    return _installed("polars").from_arrow(table)


def _duckdb(table: pa.Table) -> Any:
    # A connection of its own: the user's may have other settings.
    return _installed("duckdb").connect().from_arrow(table)


def _arrow(table: pa.Table) -> pa.Table:
    return table


_CONVERTERS: Final[dict[str, Callable[[pa.Table], Any]]] = {
    "pandas": _pandas,
    "polars": _polars,
    "arrow": _arrow,
    "duckdb": _duckdb,
}

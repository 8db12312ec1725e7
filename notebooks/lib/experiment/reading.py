"""The parts of a dataset as one table of Arrow: only the requested columns and the row groups that can match."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiment.declared import check_declared, requested_columns
from experiment.errors import ExperimentError, UnknownNameError
from experiment.filters import RowFilter, Where, row_filter
from experiment.row_groups import matching_row_groups


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is read of each part.

    Attributes:
        columns: Names, in the order of the result; None for all.
        rows: None for all.
    """

    dataset: str
    columns: Sequence[str] | None
    rows: RowFilter | None

    @property
    def read_columns(self) -> list[str] | None:
        """The requested columns and those of the filter."""
        if self.columns is None:
            return None
        return list(dict.fromkeys([*self.columns, *(self.rows.columns if self.rows else ())]))


def read_table(paths: Sequence[Path], dataset: str, columns: Sequence[str] | None, where: Where | None) -> pa.Table:
    """The selected rows and columns, in the order of the parts; exact decimals are float64.

    Raises:
        UnknownNameError: There is no such column.
        ExperimentError: `where` does not fit the columns or reads an undeclared one, or a part has no such column.
    """
    with pq.ParquetFile(paths[0]) as first:
        schema = _loaded_schema(first)
    for column in columns or ():
        if column not in schema.names:
            raise UnknownNameError("column", column, schema.names, where=f"dataset '{dataset}'")
    columns = requested_columns(dataset, columns)
    rows = None if where is None else row_filter(where, schema, dataset)
    if rows:
        check_declared(dataset, rows.columns)
    selection = Selection(dataset=dataset, columns=columns, rows=rows)
    return pa.concat_tables(_part(path, selection) for path in paths)


def _part(path: Path, selection: Selection) -> pa.Table:
    with pq.ParquetFile(path) as file:
        schema = _loaded_schema(file)
        for column in selection.read_columns or (selection.rows.columns if selection.rows else ()):
            if column not in schema.names:
                raise _older_part(path, column, selection.dataset)
        table = _with_floats(_read(path, file, selection, schema), _exact(file))
    table = table.filter(selection.rows.expression) if selection.rows else table
    table = table.select(selection.columns) if selection.columns is not None else table
    return table.replace_schema_metadata()


def _read(path: Path, file: pq.ParquetFile, selection: Selection, schema: pa.Schema) -> pa.Table:
    if selection.rows is None:
        return file.read(columns=selection.read_columns)
    groups = matching_row_groups(path, file, selection.rows, schema)
    return file.read_row_groups(groups, columns=selection.read_columns)


def _older_part(path: Path, column: str, dataset: str) -> ExperimentError:
    return ExperimentError(
        f"{path} has no column '{column}', though other parts of '{dataset}' do: it was created from an"
        f" older description. Create it again with `invoke data.compress --dataset {dataset}`."
    )


def _exact(file: pq.ParquetFile) -> set[str]:
    """The columns that the footer declares to be floats stored as decimals."""
    facts = json.loads((file.metadata.metadata or {}).get(b"shrinkwrap", b"{}"))
    return set(facts.get("exact", ()))


def _loaded_schema(file: pq.ParquetFile) -> pa.Schema:
    exact = _exact(file)
    return pa.schema([field.with_type(pa.float64()) if field.name in exact else field for field in file.schema_arrow])


def _with_floats(table: pa.Table, exact: set[str]) -> pa.Table:
    for name in exact & set(table.column_names):
        table = table.set_column(table.column_names.index(name), name, _floats(table[name]))
    return table


def _floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals of at most 15 digits as the float64 that their texts stand for."""
    # An integer below 2**53 divided by a power of ten is rounded once, as a text is. The low half of each 128-bit
    # integer has all its digits.
    decimals = column.combine_chunks()
    validity, data = (pa.concat_arrays([decimals]) if decimals.offset else decimals).buffers()
    values = np.frombuffer(data or b"", np.int64)[: 2 * len(decimals) : 2] / float(10**column.type.scale)
    return pa.chunked_array([pa.Array.from_buffers(pa.float64(), len(decimals), [validity, pa.py_buffer(values)])])

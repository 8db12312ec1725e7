"""The CSV readers that benchmarks/pollock.py compares: each returns the table of a file as texts, header first.

A *blind* reader is given the path alone. A *given* reader is also given the true dialect and the names of the columns.
All columns are read as text, so that what is compared is the table and no conversion of values. A blind reader that
finds no header returns none; the given readers return made-up names then, as in the published runs.

A tolerant reader puts a row with too many or too few cells into the table, shifted. Shrinkwrap rejects it and keeps it
next to the table. "shrinkwrap+rejects" is the table and these rows, in the cells that they have.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.reading.records import Block, Quoting
from data_convert.reading.rows import read_rows
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect

Rows = list[list[str]]
Parameters = Mapping[str, Any]

DISTRIBUTIONS: Final = {
    "duckdb": "duckdb",
    "duckdb-plain": "duckdb",
    "pandas": "pandas",
    "polars": "polars",
    "clevercsv": "clevercsv",
}
"""Other tool -> the distribution that has to be installed."""


def shrinkwrap_blind(path: Path, *, with_rejects: bool = False) -> Rows:
    """The table that data.inspect describes, converted to Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        # Alone in its folder, because the inspection looks at the other files of the folder.
        found = inspect_path(Path(shutil.copy(path, folder)), jobs=1)
    columns = [
        ColumnSpec(name=f"c{place}", header=column.name if column.header is None else column.header, type="string")
        for place, column in enumerate(found.columns)
    ]
    return _converted(path, found.dialect, columns, with_rejects=with_rejects)[0 if found.dialect.header else 1 :]


def shrinkwrap_given(path: Path, parameters: Parameters, *, with_rejects: bool = False) -> Rows:
    """The table in the true dialect, converted to Parquet."""
    names = _given_names(parameters)
    quote, escape = parameters["quotechar"] or None, parameters["escapechar"] or None
    dialect = Dialect(
        header=False,
        delimiter=parameters["delimiter"] or ",",
        quote=quote,
        escape=None if escape == quote else escape,
        skip_lines=parameters["preamble_lines"] + parameters["header_lines"],
        # The others are tolerant, too. Filling short rows, as with "pad", would take notes and other tables for rows.
        ragged="trim",
    )
    columns = [ColumnSpec(name=f"c{place}", header=name, type="string") for place, name in enumerate(names)]
    return _converted(path, dialect, columns, with_rejects=with_rejects)


def _given_names(parameters: Parameters) -> list[str]:
    return list(parameters["column_names"]) or [f"column_{n}" for n in range(1, parameters["n_columns"] + 1)]


def _converted(path: Path, dialect: Dialect, columns: list[ColumnSpec], *, with_rejects: bool) -> Rows:
    with tempfile.TemporaryDirectory() as folder:
        # Alone in its folder, because the conversion looks at all files of the folder.
        raw = Path(folder) / "raw"
        raw.mkdir()
        shutil.copy(path, raw)
        spec = DatasetSpec(
            name="pollock",
            source="raw",
            output="parquet",
            layout=tuple(replace(column, nulls=()) for column in columns),
            dialect=dialect,
            on_reject="keep",
            max_rejects=1.0,
        )
        convert_dataset(spec, data_folder=Path(folder), jobs=1)
        tables = [pq.read_table(part) for part in sorted(Path(folder).rglob("*.parquet"))]
        rejects = list(_rejected_rows(Path(folder), dialect)) if with_rejects else []
    rows = [row for table in tables for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    return _texts([[column.header for column in columns], *rows, *rejects])


def _rejected_rows(folder: Path, dialect: Dialect) -> Iterator[Sequence[str]]:
    for path in sorted((folder / "rejects").rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for reject in csv.DictReader(file):
                block = Block(text=reject["row"].encode(), first_line=1, quoting=Quoting.IRREGULAR)
                yield from (row.cells for row in read_rows(block, dialect, columns=2))


def duckdb_plain_blind(path: Path) -> Rows:
    """DuckDB as most users call it."""
    return _duckdb(path)


def duckdb_blind(path: Path) -> Rows:
    """DuckDB's sniffer, tolerant, one thread."""
    rows = _duckdb(path, all_varchar=True, strict_mode=False, ignore_errors=True, null_padding=True, parallel=False)
    made_up = [f"column{n}" for n in range(len(rows[0]))]
    return rows[1:] if rows[0] == made_up else rows


def duckdb_given(path: Path, parameters: Parameters) -> Rows:
    """The settings of the published run, one thread."""
    return _duckdb(
        path,
        delimiter=parameters["delimiter"],
        quotechar=parameters["quotechar"],
        escapechar=parameters["escapechar"],
        skiprows=parameters["preamble_lines"] + parameters["header_lines"],
        header=False,
        columns=dict.fromkeys(_given_names(parameters), "VARCHAR"),
        auto_detect=False,
        strict_mode=False,
        ignore_errors=True,
        null_padding=True,
        parallel=False,
    )


def _duckdb(path: Path, **options: Any) -> Rows:
    import duckdb

    with duckdb.connect() as connection:
        relation = connection.read_csv(str(path), **options)
        return _texts([relation.columns, *relation.fetchall()])


def pandas_blind(path: Path) -> Rows:
    """pandas with all columns as text."""
    return _pandas(path)


def pandas_given(path: Path, parameters: Parameters) -> Rows:
    """The settings of the published run, and the delimiter."""
    quote, escape, end = (parameters[name] for name in ("quotechar", "escapechar", "row_delimiter"))
    options: dict[str, Any] = {
        "delimiter": parameters["delimiter"] or None,
        "encoding": parameters["encoding"],
        "skiprows": parameters["preamble_lines"],
        "on_bad_lines": "skip",
    }
    if quote:
        options["quotechar"] = quote[0]
    else:
        options["quoting"] = csv.QUOTE_NONE
    if escape != quote:
        options |= {"escapechar": escape or None, "doublequote": False}
    if len(end) == 1 and len(parameters["delimiter"]) == 1:
        options["lineterminator"] = end
    return _pandas(path, **options)


def _pandas(path: Path, **options: Any) -> Rows:
    import pandas as pd

    frame = pd.read_csv(path, dtype=object, **options).astype(object)
    return _texts([frame.columns, *frame.where(frame.notna(), None).to_numpy().tolist()])


def polars_blind(path: Path) -> Rows:
    """Polars with all columns as text."""
    return _polars(path)


def polars_given(path: Path, parameters: Parameters) -> Rows:
    """The true dialect, tolerant."""
    return _polars(
        path,
        separator=parameters["delimiter"] or ",",
        quote_char=parameters["quotechar"] or None,
        has_header=False,
        new_columns=_given_names(parameters),
        skip_lines=parameters["preamble_lines"] + parameters["header_lines"],
        eol_char="\r" if parameters["row_delimiter"] == "\r" else "\n",
        truncate_ragged_lines=True,
        ignore_errors=True,
    )


def _polars(path: Path, **options: Any) -> Rows:
    import polars as pl

    frame = pl.read_csv(path, infer_schema=False, **options)
    return _texts([frame.columns, *frame.rows()])


def clevercsv_blind(path: Path) -> Rows:
    """CleverCSV's sniffer and reader."""
    import clevercsv

    text = path.read_text(encoding="utf-8", newline="")
    dialect = clevercsv.Sniffer().sniff(text)
    return _texts(clevercsv.reader(text.splitlines(keepends=True), dialect))


def _texts(rows: Iterable[Iterable[Any]]) -> Rows:
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


BLIND: Final[dict[str, Callable[[Path], Rows]]] = {
    "shrinkwrap": shrinkwrap_blind,
    "shrinkwrap+rejects": partial(shrinkwrap_blind, with_rejects=True),
    "duckdb": duckdb_blind,
    "duckdb-plain": duckdb_plain_blind,
    "pandas": pandas_blind,
    "polars": polars_blind,
    "clevercsv": clevercsv_blind,
}

GIVEN: Final[dict[str, Callable[[Path, Parameters], Rows]]] = {
    "shrinkwrap": shrinkwrap_given,
    "shrinkwrap+rejects": partial(shrinkwrap_given, with_rejects=True),
    "duckdb": duckdb_given,
    "pandas": pandas_given,
    "polars": polars_given,
}

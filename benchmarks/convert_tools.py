"""The tools that benchmarks/convert.py compares, each called in the way its users would write it.

Each function converts all files of a job to one Parquet file per raw file, with zstd. All tools are given the same
columns and types. A timestamp column with several formats stays text for the others, because they accept one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec

SHRINKWRAP_VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "shrinkwrap": {},
    "shrinkwrap-fast": {"effort": "fast"},
    "shrinkwrap-max": {"effort": "max"},
    "shrinkwrap-exact": {"decimals": "exact"},
    "shrinkwrap-exact-max": {"decimals": "exact", "effort": "max"},
}
"""Settings of the dataset in each variant of our conversion."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """The conversion that each tool runs.

    Attributes:
        spec: The description of the dataset, with `source` and `output` below `folder`.
        folder: Parent of the raw files and of the Parquet.
        files: Each raw file with the Parquet file to write.
        columns: The kept columns that the raw files have.
        raw_columns: Names of all columns in the file's order; None if the files have a header.
        jobs: Threads of our conversion; None is one per core. The others use all cores.
    """

    spec: DatasetSpec
    folder: Path
    files: tuple[tuple[Path, Path], ...]
    columns: tuple[ColumnSpec, ...]
    raw_columns: tuple[str, ...] | None
    jobs: int | None = None

    @property
    def names(self) -> list[str]:
        """Headers of the kept columns."""
        return [column.header for column in self.columns]

    def kind(self, column: ColumnSpec) -> str:
        """The type that every tool can be given: an integer type, float64, timestamp or string."""
        if column.type in ("date", "timestamp"):
            return "timestamp" if len(column.formats) == 1 and "%z" not in column.formats[0] else "string"
        return column.type if column.type.startswith("int") or column.type == "float64" else "string"

    def kinds(self) -> dict[str, str]:
        """Header of each kept column -> its kind."""
        return {column.header: self.kind(column) for column in self.columns}

    def formats(self) -> dict[str, str]:
        """Header of each timestamp -> its strptime format."""
        return {column.header: column.formats[0] for column in self.columns if self.kind(column) == "timestamp"}


def raw_files(folder: Path) -> list[Path]:
    """The visible files at any depth of a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def conversion_job(spec: DatasetSpec, raw_folder: Path, parquet_folder: Path, *, jobs: int | None = None) -> Job:
    """A job with those columns that the description keeps and the first raw file has."""
    header = None
    paths = raw_files(raw_folder)
    if spec.dialect.header:
        with paths[0].open(encoding=spec.dialect.encoding) as file:
            header = file.readline().strip().replace('"', "").split(spec.dialect.delimiter)
    return Job(
        spec=spec,
        folder=parquet_folder.parent,
        files=tuple((path, parquet_folder / f"{path.stem}.parquet") for path in paths),
        columns=tuple(column for column in spec.columns if header is None or column.header in header),
        raw_columns=None if spec.dialect.header else tuple(spec.raw_headers),
        jobs=jobs,
    )


def convert_with_shrinkwrap(job: Job) -> None:
    """Call our public function, in an environment without pandas, like that of the group ops."""
    sys.meta_path.insert(0, _PandasHider())
    from data_convert import convert_dataset

    source = job.files[0][0].parent.relative_to(job.folder).as_posix()
    output = job.files[0][1].parent.relative_to(job.folder).as_posix()
    spec = replace(job.spec, source=source, files="**/*", output=output)
    convert_dataset(spec, data_folder=job.folder, jobs=job.jobs)


class _PandasHider(MetaPathFinder):
    """Makes pandas appear not installed: pyarrow.array imports it if it can, which takes a second."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def _frames(job: Job) -> Any:
    import pandas as pd

    types = {name: kind for name, kind in job.kinds().items() if kind == "string"}
    for raw_file, parquet_file in job.files:
        frame = pd.read_csv(
            raw_file,
            sep=job.spec.dialect.delimiter,
            names=job.raw_columns,
            usecols=job.names,
            dtype=types,  # type: ignore[arg-type]
            low_memory=False,
        )
        for name, format_ in job.formats().items():
            frame[name] = pd.to_datetime(frame[name], format=format_)
        yield frame, parquet_file


def convert_with_pandas(job: Job) -> None:
    """Call pandas.read_csv(...).to_parquet()."""
    for frame, parquet_file in _frames(job):
        frame.to_parquet(parquet_file, compression="zstd")


def convert_with_fastparquet(job: Job) -> None:
    """Read with pandas and write with fastparquet."""
    import fastparquet

    for frame, parquet_file in _frames(job):
        fastparquet.write(str(parquet_file), frame, compression="ZSTD")


def convert_with_pyarrow(job: Job) -> None:
    """Stream batches from pyarrow.csv with our types, because its inference fails on some columns."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    special = {"string": pa.string(), "timestamp": pa.timestamp("s"), "float64": pa.float64()}
    types = {name: special.get(kind) or getattr(pa, kind)() for name, kind in job.kinds().items()}
    parsers = [*dict.fromkeys(job.formats().values()), pa_csv.ISO8601]
    for raw_file, parquet_file in job.files:
        reader = pa_csv.open_csv(
            raw_file,
            read_options=pa_csv.ReadOptions(column_names=job.raw_columns),
            parse_options=pa_csv.ParseOptions(delimiter=job.spec.dialect.delimiter),
            convert_options=pa_csv.ConvertOptions(
                include_columns=job.names, column_types=types, timestamp_parsers=parsers
            ),
        )
        with pq.ParquetWriter(parquet_file, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


def convert_with_polars(job: Job) -> None:
    """Call scan_csv(...).sink_parquet(), the streaming engine, with the types of the kept columns."""
    import polars as pl

    special = {"string": pl.String, "timestamp": pl.String, "float64": pl.Float64}
    types = {name: special.get(kind) or getattr(pl, kind.capitalize()) for name, kind in job.kinds().items()}
    for raw_file, parquet_file in job.files:
        frame = pl.scan_csv(
            raw_file,
            separator=job.spec.dialect.delimiter,
            has_header=job.raw_columns is None,
            new_columns=list(job.raw_columns) if job.raw_columns else None,
            schema_overrides=types,
            infer_schema_length=0,
        ).select(job.names)
        for name, format_ in job.formats().items():
            frame = frame.with_columns(pl.col(name).str.to_datetime(format_))
        frame.sink_parquet(parquet_file, compression="zstd")


_SQL_TYPES: Final = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
}


def convert_with_duckdb(job: Job) -> None:
    """Run COPY (SELECT … FROM read_csv(…)) TO … (FORMAT parquet), with the types of the kept columns."""
    import duckdb

    types = {name: _SQL_TYPES[kind] for name, kind in job.kinds().items()}
    formats = set(job.formats().values())
    options = f"delim = '{job.spec.dialect.delimiter}', "
    if job.raw_columns:
        columns = {name: types.get(name, "VARCHAR") for name in job.raw_columns}
        options += f"auto_detect = false, header = false, columns = {columns!r}"
    else:
        options += f"header = true, types = {types!r}"
    if len(formats) == 1:
        options += f", timestampformat = '{formats.pop()}'"
    selected = ", ".join(f'"{name}"' for name in job.names)
    for raw_file, parquet_file in job.files:
        query = f"SELECT {selected} FROM read_csv('{raw_file}', {options})"
        duckdb.sql(f"COPY ({query}) TO '{parquet_file}' (FORMAT parquet, COMPRESSION zstd)")


def convert_with_datafusion(job: Job) -> None:
    """Read the CSV with the given schema, parse the timestamps, and write Parquet."""
    import pyarrow as pa
    from datafusion import SessionContext, col, lit
    from datafusion import functions as f

    special = {"string": pa.string(), "timestamp": pa.string(), "float64": pa.float64()}
    types = {name: special.get(kind) or getattr(pa, kind)() for name, kind in job.kinds().items()}
    context = SessionContext()
    for raw_file, parquet_file in job.files:
        frame = context.read_csv(
            str(raw_file),
            schema=pa.schema([(name, types.get(name, pa.string())) for name in _all_names(job, raw_file)]),
            has_header=job.raw_columns is None,
            delimiter=job.spec.dialect.delimiter,
            file_extension=raw_file.suffix,
        )
        formats = job.formats()
        selected = [
            f.to_timestamp_seconds(col(f'"{name}"'), lit(formats[name])).alias(name)
            if name in formats
            else col(f'"{name}"')
            for name in job.names
        ]
        frame.select(*selected).write_parquet(str(parquet_file), compression="zstd")


def _all_names(job: Job, raw_file: Path) -> list[str]:
    if job.raw_columns:
        return list(job.raw_columns)
    with raw_file.open(encoding=job.spec.dialect.encoding) as file:
        return file.readline().strip().replace('"', "").split(job.spec.dialect.delimiter)


def convert_with_chdb(job: Job) -> None:
    """Run INSERT INTO FUNCTION file(…, Parquet) SELECT … FROM file(…, CSV), with the types of the kept columns."""
    import chdb

    names = {"float64": "Float64", "string": "String", "timestamp": "String"}
    kinds = {name: names.get(kind) or kind.capitalize() for name, kind in job.kinds().items()}
    formats = job.formats()
    selected = ", ".join(
        f"parseDateTime(`{name}`, '{_mysql_format(formats[name])}') AS `{name}`" if name in formats else f"`{name}`"
        for name in job.names
    )
    layout = "CSV" if job.raw_columns else "CSVWithNames"
    for raw_file, parquet_file in job.files:
        structure = ", ".join(f"`{n}` Nullable({kinds.get(n, 'String')})" for n in _all_names(job, raw_file))
        chdb.query(
            f"INSERT INTO FUNCTION file('{parquet_file}', Parquet) SELECT {selected}"
            f" FROM file('{raw_file}', {layout}, '{structure}')"
            f" SETTINGS output_format_parquet_compression_method = 'zstd',"
            f" format_csv_delimiter = '{job.spec.dialect.delimiter}', engine_file_truncate_on_insert = 1"
        )


def _mysql_format(format_: str) -> str:
    return format_.replace("%M", "%i").replace("%S", "%s")


TOOLS: Final[dict[str, Callable[[Job], None]]] = {
    **dict.fromkeys(SHRINKWRAP_VARIANTS, convert_with_shrinkwrap),
    "pyarrow": convert_with_pyarrow,
    "polars": convert_with_polars,
    "duckdb": convert_with_duckdb,
    "pandas": convert_with_pandas,
    "fastparquet": convert_with_fastparquet,
    "datafusion": convert_with_datafusion,
    "chdb": convert_with_chdb,
}
"""Each tool, and its function that converts a job."""

DISTRIBUTIONS: Final = {name: name.split("-")[0] for name in TOOLS} | dict.fromkeys(
    SHRINKWRAP_VARIANTS, "shrinkwrap-data-convert"
)
"""The installed distribution whose version the table shows."""

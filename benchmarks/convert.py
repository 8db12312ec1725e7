"""Measures the conversion beside pandas, pyarrow, Polars and DuckDB: speed, peak memory and size, in one run.

Each tool runs in a process of its own, as its users would write it, on the same files, for the same columns, one
Parquet file per raw file, with zstd. The tools take turns; medians over the runs are shown, imports included.

What they do not do alike: data_convert checks every value, keeps flags apart from numbers, orders rows, hashes
sources and pages, and syncs to disk. The others infer or are told types, and their result is not checked.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "data"
TIMES = "%m/%d/%Y %H:%M:%S"
"""How both PeMS formats write a timestamp."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One run of one tool.

    Attributes:
        seconds: Wall time of the whole process.
        peak_bytes: Largest resident set of the process.
        parquet_bytes: Sum over all files it wrote.
    """

    tool: str
    dataset: str
    seconds: float
    peak_bytes: int
    parquet_bytes: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a tool is asked to convert: `columns` are kept; `raw_columns` are all, None if the file names them."""

    dataset: str
    raw: Path
    out: Path
    columns: list[str]
    raw_columns: list[str] | None

    @property
    def pairs(self) -> list[tuple[Path, Path]]:
        """Each raw file and the Parquet file it becomes."""
        files = sorted(path for path in self.raw.rglob("*") if path.is_file() and not path.name.startswith("."))
        return [(path, self.out / f"{path.stem}.parquet") for path in files]


def with_shrinkwrap(job: Job) -> None:
    """Ours, through its public function, in an environment without pandas, as group ops is."""
    sys.meta_path.insert(0, _NoPandas())
    from dataclasses import replace

    from data_convert import convert_dataset, load_specs

    spec = load_specs(DATA / "datasets.toml")[job.dataset]
    convert_dataset(replace(spec, source=job.raw.name, output=job.out.name), root=job.raw.parent)


class _NoPandas(MetaPathFinder):
    """Hides pandas, which pyarrow.array imports wherever it finds it: a second that our users do not pay."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def with_pandas(job: Job) -> None:
    """pandas.read_csv(...).to_parquet()."""
    import pandas as pd

    for raw, out in job.pairs:
        frame = pd.read_csv(raw, names=job.raw_columns, usecols=job.columns, low_memory=False)
        for name in {"timestamp", "DATE"} & set(job.columns):
            frame[name] = pd.to_datetime(frame[name], format=TIMES if name == "timestamp" else None)
        frame.to_parquet(out, compression="zstd")


def with_pyarrow(job: Job) -> None:
    """A streaming read_csv, with text for what its inference trips over."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    types = _arrow_types(job.dataset, pa)
    for raw, out in job.pairs:
        reader = pa_csv.open_csv(
            raw,
            read_options=pa_csv.ReadOptions(column_names=job.raw_columns),
            convert_options=pa_csv.ConvertOptions(
                include_columns=job.columns, column_types=types, timestamp_parsers=[TIMES, pa_csv.ISO8601]
            ),
        )
        with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)


def _arrow_types(dataset: str, pa: Any) -> dict[str, Any]:
    """The types our spec declares, with plain text for flagged numbers."""
    names = {"flagged_number": pa.string(), "timestamp": pa.timestamp("s"), "float64": pa.float64()}
    return {name: names.get(type_) or getattr(pa, type_)() for name, type_ in _declared(dataset).items()}


def _declared(dataset: str) -> dict[str, str]:
    """The kept columns of our spec and their types."""
    from data_convert import load_specs

    return {column.name: column.type for column in load_specs(DATA / "datasets.toml")[dataset].columns}


def with_polars(job: Job) -> None:
    """scan_csv(...).sink_parquet(): its streaming engine, told the types of the columns we keep."""
    import polars as pl

    names = {"string": pl.String, "flagged_number": pl.String, "timestamp": pl.String, "float64": pl.Float64}
    types = {n: names.get(t) or getattr(pl, t.capitalize()) for n, t in _declared(job.dataset).items()}
    for raw, out in job.pairs:
        frame = pl.scan_csv(
            raw,
            has_header=job.raw_columns is None,
            new_columns=job.raw_columns,
            schema_overrides={name: types[name] for name in job.columns},
            infer_schema_length=0,
        ).select(job.columns)
        for name in ("timestamp", "DATE"):
            if name in job.columns:
                frame = frame.with_columns(pl.col(name).str.to_datetime(TIMES if name == "timestamp" else None))
        frame.sink_parquet(out, compression="zstd")


def with_duckdb(job: Job) -> None:
    """COPY (SELECT … FROM read_csv(…)) TO … (FORMAT parquet), told the types of the columns we keep."""
    import duckdb

    names = ", ".join(f'"{name}"' for name in job.columns)
    sql = {"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float64": "DOUBLE"}
    sql |= {"string": "VARCHAR", "flagged_number": "VARCHAR", "timestamp": "TIMESTAMP"}
    types = {name: sql[_declared(job.dataset)[name]] for name in job.columns}
    if job.raw_columns:
        columns = {name: types.get(name, "VARCHAR") for name in job.raw_columns}
        options = f"auto_detect = false, header = false, columns = {columns!r}, timestampformat = '{TIMES}'"
    else:
        options = f"header = true, types = {types!r}"
    for raw, out in job.pairs:
        source = f"read_csv('{raw}', {options})"
        duckdb.sql(f"COPY (SELECT {names} FROM {source}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


TOOLS: dict[str, Callable[[Job], None]] = {
    "shrinkwrap": with_shrinkwrap,
    "pandas": with_pandas,
    "pyarrow": with_pyarrow,
    "polars": with_polars,
    "duckdb": with_duckdb,
}


def job_for(dataset: str, raw: Path, out: Path) -> Job:
    """The job with the columns that our spec keeps and this raw data has."""
    from data_convert import load_specs

    spec = load_specs(DATA / "datasets.toml")[dataset]
    first = next(path for path in sorted(raw.rglob("*")) if path.is_file() and not path.name.startswith("."))
    header = None
    if spec.dialect.header:
        with first.open(encoding=spec.dialect.encoding) as file:
            header = file.readline().strip().replace('"', "").split(",")
    columns = [column.header for column in spec.columns if header is None or column.header in header]
    raw_columns = None if spec.dialect.header else list(spec.raw_headers)
    return Job(dataset=dataset, raw=raw, out=out, columns=columns, raw_columns=raw_columns)


def measure(tool: str, dataset: str, raw: Path, folder: Path) -> Outcome:
    """Run one tool once, in a process of its own."""
    out = folder / f"{raw.name}-{tool}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    command = [sys.executable, __file__, "--child", tool, "--raw", f"{dataset}={raw}", "--out", str(out)]
    began = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{tool} failed on {dataset} with {child.returncode}")
    size = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    shutil.rmtree(out)
    unit = 1 if sys.platform == "darwin" else 1024
    return Outcome(tool=tool, dataset=dataset, seconds=seconds, peak_bytes=usage.ru_maxrss * unit, parquet_bytes=size)


def generated(datasets: Sequence[str], size: str, folder: Path) -> dict[str, Path]:
    """Samples of the wanted size, one folder a dataset."""
    from data_sample import parse_size, write_sample

    raw = {}
    for dataset in datasets:
        report = write_sample(folder, dataset=dataset, size_bytes=parse_size(size), seed=0)
        raw[dataset] = folder / dataset
        shutil.move(report.folder, raw[dataset])
        (raw[dataset] / ".sample.json").unlink()
    return raw


def table(outcomes: Sequence[Outcome], raw: dict[str, Path]) -> str:
    """Medians as Markdown; speed also as a multiple of ours."""
    lines = ["| dataset | tool | MB/s | against ours | peak MB | Parquet MB | times smaller |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for dataset, folder in raw.items():
        raw_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        ours = _median(outcomes, dataset, "shrinkwrap", "seconds")
        for tool in dict.fromkeys(outcome.tool for outcome in outcomes):
            seconds = _median(outcomes, dataset, tool, "seconds")
            size = _median(outcomes, dataset, tool, "parquet_bytes")
            peak = _median(outcomes, dataset, tool, "peak_bytes")
            lines.append(
                f"| {dataset} ({raw_bytes / 1e6:,.1f} MB) | {tool} | {raw_bytes / seconds / 1e6:,.0f} |"
                f" {ours / seconds:.2f}× | {peak / 1e6:,.0f} | {size / 1e6:,.2f} | {raw_bytes / size:.1f} |"
            )
    return "\n".join(lines)


def _median(outcomes: Sequence[Outcome], dataset: str, tool: str, what: str) -> float:
    return statistics.median(getattr(o, what) for o in outcomes if (o.dataset, o.tool) == (dataset, tool))


def main() -> None:
    """Generate (or take) raw data, let the tools take turns, print the medians."""
    options = _parser().parse_args()
    given = {name: Path(path).resolve() for name, path in (item.split("=", 1) for item in options.raw)}
    if options.child:
        ((dataset, raw),) = given.items()
        TOOLS[options.child](job_for(dataset, raw, options.out))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        raw = {n: _copied(p, folder / n) for n, p in given.items()} or generated(
            options.dataset or ["pems-detector", "climate"], options.size, folder
        )
        outcomes = []
        for turn in range(options.runs):
            for dataset, path in raw.items():
                for tool in options.tool or TOOLS:
                    outcomes.append(measure(tool, dataset, path, folder))
                    print(f"run {turn + 1}: {outcomes[-1]}", file=sys.stderr)
        print(json.dumps([asdict(o) for o in outcomes], indent=2) if options.json else table(outcomes, raw))


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="256MB", help="of each generated dataset (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="how often each tool runs (%(default)s)")
    parser.add_argument("--dataset", action="append", metavar="NAME", help="pems-detector and climate by default")
    parser.add_argument("--tool", action="append", choices=list(TOOLS), help="all by default")
    parser.add_argument(
        "--raw", action="append", default=[], metavar="NAME=FOLDER", help="measure these raw files instead"
    )
    parser.add_argument("--folder", type=Path, help="where to put generated and converted files for the time being")
    parser.add_argument("--json", action="store_true", help="every run as JSON")
    parser.add_argument("--child", choices=list(TOOLS), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()

"""Compare our conversion with pyarrow, Polars, DuckDB, pandas, fastparquet, DataFusion and chDB: time, memory and size.

Each tool runs in a process of its own, in the way its users would write it. All tools convert the same files and
columns to one Parquet file per raw file, with zstd. The tools take turns, and the table shows medians over the runs,
with the time of imports included. CPU seconds are steadier than wall time on a machine that does other work.

The tools do not do equal work: data_convert checks every value, separates flags from numbers, sorts rows, hashes
sources and pages, and syncs to disk. The others are given the types, and their result is not checked.

Examples:
  python benchmarks/convert.py --size 256MB                  the shipped tables, on generated files
  python benchmarks/convert.py --size 1GB --one-file         one large file of each
  python benchmarks/convert.py --own                         the tables that data.inspect writes
  python benchmarks/convert.py --own --columns 52            the same, with 52 columns kept
  python benchmarks/convert.py --raw ~/exports               your files, with the table that data.inspect writes
  python benchmarks/convert.py --picture size-and-time.png   one dot per tool
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from convert_tools import DISTRIBUTIONS, SHRINKWRAP_VARIANTS, TOOLS, conversion_job, raw_files

from data_convert import load_specs
from data_convert.spec.dataset_spec import DatasetSpec, DroppedColumns

ROOT = Path(__file__).resolve().parents[1]
DATASETS_FILE = ROOT / "data" / "datasets.toml"
DEFAULT_DATASETS = ("pems-detector", "climate")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run of one tool on one dataset.

    Attributes:
        wall_s: Wall time of the complete process.
        cpu_s: User and system time of the process and its threads.
        peak_bytes: Largest resident set of the process.
        parquet_bytes: Total size of the files that it wrote.
    """

    tool: str
    dataset: str
    wall_s: float
    cpu_s: float
    peak_bytes: int
    parquet_bytes: int


@dataclass(frozen=True, kw_only=True)
class Case:
    """A dataset to convert: its description is in the file `table` under its name.

    Attributes:
        columns: How many columns to keep, from the first; None keeps those of the description.
        jobs: Threads of our conversion; None is one per core.
    """

    dataset: str
    raw_folder: Path
    table: Path
    columns: int | None = None
    jobs: int | None = None

    @property
    def raw_bytes(self) -> int:
        """Size of the raw files."""
        return sum(path.stat().st_size for path in raw_files(self.raw_folder))


def measure(tool: str, case: Case, work_folder: Path) -> Measurement | None:
    """Run one tool once, in a process of its own, and remove its output; None if the tool fails."""
    parquet_folder = work_folder / f"{case.dataset}-{tool}"
    shutil.rmtree(parquet_folder, ignore_errors=True)
    parquet_folder.mkdir()
    job = ["--child", tool, "--table", str(case.table), "--raw", f"{case.dataset}={case.raw_folder}"]
    job += ["--columns", str(case.columns)] if case.columns else []
    job += ["--jobs", str(case.jobs)] if case.jobs else []
    started_s = time.perf_counter()
    child = subprocess.Popen([sys.executable, __file__, *job, "--out", str(parquet_folder)])
    # wait4 reports the memory of this child alone; resource.getrusage would report the maximum over all children.
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - started_s
    child.returncode = os.waitstatus_to_exitcode(status)
    parquet_bytes = sum(path.stat().st_size for path in parquet_folder.rglob("*.parquet"))
    shutil.rmtree(parquet_folder)
    if child.returncode:
        if tool in SHRINKWRAP_VARIANTS:
            raise SystemExit(f"{tool} failed on {case.dataset} with exit code {child.returncode}")
        print(f"{tool} cannot convert {case.dataset} (exit code {child.returncode})", file=sys.stderr)
        return None
    return Measurement(
        tool=tool,
        dataset=case.dataset,
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        # ru_maxrss is in bytes on macOS and in KiB on Linux.
        peak_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        parquet_bytes=parquet_bytes,
    )


def run_child(options: argparse.Namespace) -> None:
    """Convert with one tool, in the process that `measure` started."""
    dataset, raw_folder = options.raw[0].split("=", 1)
    spec = load_specs(options.table)[dataset]
    if options.child in SHRINKWRAP_VARIANTS:
        spec = replace(spec, **SHRINKWRAP_VARIANTS[options.child])
    if options.columns:
        spec = first_columns(spec, options.columns)
    TOOLS[options.child](conversion_job(spec, Path(raw_folder), options.out, jobs=options.jobs))


def first_columns(spec: DatasetSpec, count: int) -> DatasetSpec:
    """The description without the kept columns behind the first ones."""
    kept = spec.columns[:count]
    layout = tuple(
        part if part in kept or isinstance(part, DroppedColumns) else DroppedColumns(headers=(part.header,), why="few")
        for part in spec.layout
    )
    names = {column.name for column in kept}
    return replace(spec, layout=layout, sort=tuple(name for name in spec.sort if name in names))


def cases(options: argparse.Namespace, work_folder: Path) -> list[Case]:
    """The datasets to measure, with their raw files in the work folder."""
    if options.raw:
        folders = {Path(raw).name.lower().replace(" ", "-"): Path(raw) for raw in options.raw}
        copied = {name: Path(shutil.copytree(source, work_folder / name)) for name, source in folders.items()}
        return [own_case(name, folder, work_folder) for name, folder in copied.items()]
    from data_sample import write_samples
    from terminal import parse_size

    reports = write_samples(work_folder, options.dataset or DEFAULT_DATASETS, size_bytes=parse_size(options.size))
    found = []
    for report in reports:
        if options.one_file:
            join_files(report.folder, has_header=load_specs(DATASETS_FILE)[report.dataset].dialect.header)
        if options.own:
            found.append(own_case(report.dataset, report.folder, work_folder))
        else:
            found.append(Case(dataset=report.dataset, raw_folder=report.folder, table=DATASETS_FILE))
    return found


def own_case(name: str, raw_folder: Path, work_folder: Path) -> Case:
    """A case with the table that data.inspect writes for these files."""
    from data_convert import inspect_dataset, write_table

    table = work_folder / f"{name}.toml"
    write_table(table, name, inspect_dataset(work_folder, str(raw_folder), folder=work_folder))
    return Case(dataset=name, raw_folder=raw_folder, table=table)


def join_files(folder: Path, *, has_header: bool) -> None:
    """Replace the files of a folder by one file with all of their rows."""
    first, *others = raw_files(folder)
    with first.open("ab") as joined:
        for path in others:
            with path.open("rb") as file:
                if has_header:
                    file.readline()
                shutil.copyfileobj(file, joined, 4 << 20)
            path.unlink()


def measure_all(options: argparse.Namespace, chosen: Sequence[Case], work_folder: Path) -> list[Measurement]:
    """Run every tool on every dataset in turns, so that a change in the machine's load affects all tools."""
    measurements: list[Measurement] = []
    for run in range(1, options.runs + 1):
        for case in chosen:
            for tool in options.tool or TOOLS:
                measurement = measure(tool, case, work_folder)
                if measurement is not None:
                    measurements.append(measurement)
                    print(f"run {run}: {measurement}", file=sys.stderr)
    return measurements


@dataclass(frozen=True, kw_only=True)
class Median:
    """Medians over the runs of one tool on one dataset."""

    tool: str
    wall_s: float
    cpu_s: float
    peak_bytes: float
    parquet_bytes: float


def medians(measurements: Sequence[Measurement], dataset: str) -> list[Median]:
    """The medians of each tool on a dataset, in the order of TOOLS."""
    found = []
    for tool in TOOLS:
        runs = [run for run in measurements if (run.dataset, run.tool) == (dataset, tool)]
        if runs:
            names = ("wall_s", "cpu_s", "peak_bytes", "parquet_bytes")
            found.append(Median(tool=tool, **{n: statistics.median(getattr(r, n) for r in runs) for n in names}))
    return found


def markdown_table(measurements: Sequence[Measurement], chosen: Sequence[Case]) -> str:
    """The medians as a Markdown table. *Relative speed* is 1.00× for shrinkwrap, or a dash if it did not run."""
    lines = ["| dataset | tool | wall s | CPU s | relative speed | peak MB | Parquet MB | times smaller |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for case in chosen:
        found = medians(measurements, case.dataset)
        ours = next((median.wall_s for median in found if median.tool == "shrinkwrap"), None)
        for median in found:
            relative = f"{ours / median.wall_s:.2f}×" if ours else "–"
            tool = f"{median.tool} {version(DISTRIBUTIONS[median.tool])}"
            lines.append(
                f"| {case.dataset} ({case.raw_bytes / 1e6:,.1f} MB) | {tool} |"
                f" {median.wall_s:.2f} | {median.cpu_s:.2f} | {relative} | {median.peak_bytes / 1e6:,.0f} |"
                f" {median.parquet_bytes / 1e6:,.2f} | {case.raw_bytes / median.parquet_bytes:.1f} |"
            )
    return "\n".join(lines)


def draw(measurements: Sequence[Measurement], chosen: Sequence[Case], path: Path) -> None:
    """Draw size against CPU time, one dot per tool and one panel per dataset."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from adjustText import adjust_text

    figure, panels = plt.subplots(1, len(chosen), figsize=(5.5 * len(chosen), 4.2), squeeze=False, layout="constrained")
    for case, panel in zip(chosen, panels[0], strict=True):
        labels = []
        for median in medians(measurements, case.dataset):
            is_ours = median.tool in SHRINKWRAP_VARIANTS
            x, y = median.cpu_s, median.parquet_bytes / 1e6
            panel.scatter(x, y, color="#c1440e" if is_ours else "#5b6b7b", s=46, zorder=3)
            labels.append(panel.text(x, y, median.tool, fontsize=9, color="#c1440e" if is_ours else "black"))
        panel.set(
            title=f"{case.dataset}, {case.raw_bytes / 1e6:,.0f} MB of CSV", xlabel="CPU seconds", ylabel="Parquet MB"
        )
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        panel.set_xlim(right=1.25 * panel.get_xlim()[1])
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        adjust_text(labels, ax=panel, expand=(1.3, 1.5), arrowprops={"arrowstyle": "-", "color": "#9aa5b1", "lw": 0.6})
    figure.savefig(path, dpi=150)


def main() -> None:
    """Generate or copy raw data, measure the tools in turns, and print the medians."""
    options = _parser().parse_args()
    if options.child:
        run_child(options)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        work_folder = Path(name)
        chosen = [replace(case, columns=options.columns) for case in cases(options, work_folder)]
        measurements = measure_all(options, chosen, work_folder)
        if options.picture:
            draw(measurements, chosen, options.picture)
        if options.json:
            print(json.dumps([asdict(measurement) for measurement in measurements], indent=2))
        else:
            print(markdown_table(measurements, chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="256MB", help="size of each generated dataset (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="number of runs of each tool (default: %(default)s)")
    parser.add_argument(
        "--dataset", action="append", metavar="NAME", help=f"may be repeated (default: {', '.join(DEFAULT_DATASETS)})"
    )
    parser.add_argument("--tool", action="append", choices=list(TOOLS), help="may be repeated (default: all)")
    parser.add_argument(
        "--raw",
        action="append",
        default=[],
        metavar="FOLDER",
        help="measure these raw files, with a table by data.inspect",
    )
    parser.add_argument("--one-file", action="store_true", help="join the generated files of each dataset")
    parser.add_argument("--own", action="store_true", help="use tables by data.inspect, not the shipped ones")
    parser.add_argument("--columns", type=int, metavar="N", help="keep only the first N columns of each table")
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder for raw and converted files")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw size against time, one dot per tool")
    # measure() starts this program again with these options, for one tool in a process of its own.
    parser.add_argument("--child", choices=list(TOOLS), help=argparse.SUPPRESS)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()

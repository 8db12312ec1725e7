"""Show how a conversion on a cluster scales: 1, 2 and 4 workers of this machine, many files and one long file.

"many" is a folder of links to one generated file, so that little is stored; "one" is a file with the rows of that file
again and again, which is removed after its runs. The time is that of the parts, without the start of the workers. The
overhead of a part is measured with 1,000 files of a few rows. Prints a table and the model of a terabyte.

Examples:
  python benchmarks/scale.py --sizes 1GB 2GB --picture scale.png
  python benchmarks/scale.py --sizes 256MB --workers 1 2 --json
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scale_model import Constants, model_text

from data_convert import DatasetSpec, convert_dataset, inspect_dataset, load_specs, plan_conversion, write_table
from data_convert.cluster.cluster_run import ClusterRun
from data_convert.cluster.connection import connected
from data_convert.cluster.work_progress import WorkProgress
from data_sample import write_samples
from terminal import parse_size

DATASET = "pems-detector"
FILE_BYTES = 128_000_000
TINY_PARTS = 1000


@dataclass(frozen=True, kw_only=True)
class Point:
    """One conversion.

    Attributes:
        shape: "many" files, "one" file, or "tiny" files.
        part_s: Seconds in which parts were converted, summed over the parts.
        worker_bytes: Most memory of a worker.
    """

    shape: str
    raw_bytes: int
    parts: int
    workers: int
    wall_s: float
    cpu_s: float
    part_s: float
    parquet_bytes: int
    worker_bytes: int

    @property
    def other_share(self) -> float:
        """The share of the time that is not the conversion of a part, of as many workers as have a part."""
        return max(0.0, 1 - self.part_s / (self.wall_s * min(self.workers, self.parts)))


def used() -> tuple[float, int]:
    """CPU seconds and most memory of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss


def measured(spec: DatasetSpec, folder: Path, shape: str, workers: int) -> Point:
    """Convert all parts on new workers."""
    shutil.rmtree(folder / "parts", ignore_errors=True)
    with connected(f"local:{workers}") as client:
        plan = plan_conversion(spec, folder)
        before = sum(cpu for cpu, _ in client.run(used).values())
        run = ClusterRun(client=client, data_folder=folder, progress=WorkProgress())
        started = time.perf_counter()
        report = convert_dataset(spec, data_folder=folder, plan=plan, run_parts=run.outcomes)
        wall_s = time.perf_counter() - started
        after = client.run(used).values()
    point = Point(
        shape=shape,
        raw_bytes=report.raw_bytes,
        parts=len(report.parts),
        workers=workers,
        wall_s=wall_s,
        cpu_s=sum(cpu for cpu, _ in after) - before,
        part_s=sum(part.seconds for part in report.parts),
        parquet_bytes=report.parquet_bytes,
        worker_bytes=max(memory for _, memory in after),
    )
    print(point, file=sys.stderr)
    return point


def generated(folder: Path) -> tuple[Path, DatasetSpec]:
    """One generated file, and the description of folders of such files."""
    report = write_samples(folder / "sample", (DATASET,), size_bytes=FILE_BYTES)[0]
    table = folder / "datasets.toml"
    write_table(table, "scale", inspect_dataset(folder, str(report.folder), folder=folder))
    rows = folder / "rows.csv"
    with rows.open("wb") as joined:
        for path in sorted(report.folder.rglob("*.txt*")):
            joined.write(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    text = table.read_text("utf-8")
    table.write_text(
        "\n".join(
            'source = "raw"\noutput = "parts"\nfiles = "*.csv"' if line.startswith("source =") else line
            for line in text.splitlines()
            if not line.startswith(("output =", "parts =", "pattern =", "files ="))
        ),
        "utf-8",
    )
    return rows, load_specs(table)["scale"]


def prepared(folder: Path, rows: Path, shape: str, size_bytes: int) -> None:
    """Make the raw files of a point."""
    raw = folder / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir()
    count = -(-size_bytes // rows.stat().st_size)
    if shape == "many":
        for number in range(count):
            (raw / f"{number:05}.csv").hardlink_to(rows)
    elif shape == "one":
        with (raw / "long.csv").open("wb") as joined:
            for _ in range(count):
                with rows.open("rb") as file:
                    shutil.copyfileobj(file, joined, 8 << 20)
    else:
        with rows.open("rb") as file:
            few = b"".join(file.readline() for _ in range(20))
        for number in range(TINY_PARTS):
            (raw / f"{number:05}.csv").write_bytes(few)


def constants(points: Sequence[Point]) -> Constants:
    """The constants of the model."""
    large = [point for point in points if point.shape != "tiny"]
    tiny = [point for point in points if point.shape == "tiny"]
    overhead = min((p.wall_s * p.workers - p.part_s) / p.parts for p in tiny)
    most = max(point.raw_bytes for point in large)
    largest = [point for point in large if point.raw_bytes == most and point.shape == large[0].shape]
    return Constants(
        cpu_s_per_gb=min(point.cpu_s / (point.raw_bytes / 1e9) for point in largest),
        cpu_s_per_part=min(p.cpu_s / p.parts for p in tiny),
        overhead_s_per_part=max(0.0, overhead),
        ratio=largest[0].raw_bytes / largest[0].parquet_bytes,
        worker_bytes=max(point.worker_bytes for point in large),
    )


def draw(points: Sequence[Point], path: Path) -> None:
    """Draw wall and CPU seconds against the bytes, with a line for each number of workers."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    titles = {"many": "many files of 129 MB", "one": "one file"}
    figures = {"wall seconds": lambda point: point.wall_s, "CPU seconds": lambda point: point.cpu_s}
    shapes = [shape for shape in titles if any(point.shape == shape for point in points)]
    size = (3.6 * len(shapes) + 0.4, 2.9 * len(figures))
    figure, rows = plt.subplots(
        len(figures), len(shapes), figsize=size, layout="constrained", squeeze=False, sharex=True, sharey="row"
    )
    for (name, value), panels in zip(figures.items(), rows, strict=True):
        for shape, panel in zip(shapes, panels, strict=True):
            for workers, marker in zip(sorted({point.workers for point in points}), "os^vD*", strict=False):
                chosen = [point for point in points if (point.shape, point.workers) == (shape, workers)]
                gigabytes, values = [p.raw_bytes / 1e9 for p in chosen], [value(p) for p in chosen]
                panel.plot(gigabytes, values, f"{marker}-", label=f"{workers}", linewidth=1.2, markersize=5, alpha=0.8)
            panel.set_xlim(left=0)
            panel.set_ylim(bottom=0)
            panel.grid(alpha=0.3)
            panel.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel(name)
    for shape, top, bottom in zip(shapes, rows[0], rows[-1], strict=True):
        top.set_title(titles[shape], fontsize=10)
        bottom.set_xlabel("GB of CSV")
    rows[0][0].legend(title="workers", frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    """Generate files, measure, and print the table and the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1GB", "2GB"], help="raw bytes (default: 1GB 2GB)")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4], help="(default: 1 2 4)")
    parser.add_argument("--shapes", nargs="+", default=["many", "one"], help="many, one (default: both)")
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder for raw and converted files")
    parser.add_argument("--json", action="store_true", help="print the points as JSON")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the points")
    options = parser.parse_args()
    points = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows, spec = generated(folder)
        cases = [("tiny", 0), *((shape, parse_size(size)) for shape in options.shapes for size in options.sizes)]
        for shape, size_bytes in cases:
            prepared(folder, rows, shape, size_bytes)
            points += [measured(spec, folder, shape, workers) for workers in options.workers]
    if options.picture:
        draw(points, options.picture)
    if options.json:
        print(json.dumps([asdict(point) for point in points], indent=2))
        return
    print("| files | GB | parts | workers | wall s | CPU s | most MB of a worker | other than parts |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for p in points:
        print(
            f"| {p.shape} | {p.raw_bytes / 1e9:.2f} | {p.parts:,} | {p.workers} | {p.wall_s:.1f} | {p.cpu_s:.1f}"
            f" | {p.worker_bytes / 1e6:.0f} | {p.other_share:.1%} |"
        )
    print(f"\n{model_text(constants(points))}")


if __name__ == "__main__":
    main()

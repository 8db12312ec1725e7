"""Show how the cost of a conversion grows: with bytes, with the columns kept, and how it falls with cores.

Each point is the median over the runs of a whole process, on generated detector files with the table that data.inspect
writes for them. CPU seconds for bytes and columns; wall time for cores.

Examples:
  python benchmarks/scaling.py --picture scaling.png
  python benchmarks/scaling.py --largest 2GB --runs 5 --json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from convert import Case, measure, own_case

from data_sample import write_samples
from terminal import parse_size

DATASET = "pems-detector"
ALL_COLUMNS = 52


@dataclass(frozen=True, kw_only=True)
class Point:
    """The median of one case.

    Attributes:
        axis: What varies: "bytes", "columns" or "cores".
        value: Its value; bytes are those of the raw files.
    """

    axis: str
    value: int
    wall_s: float
    cpu_s: float


def planned(largest: Case, halves: Sequence[Case]) -> Iterator[tuple[str, int, Case]]:
    """Each case, with the axis on which it lies and its value there."""
    for case in (*halves, largest):
        yield "bytes", case.raw_bytes, case
    for columns in (1, ALL_COLUMNS // 4, ALL_COLUMNS // 2, ALL_COLUMNS):
        yield "columns", columns, replace(largest, columns=columns)
    for jobs in range(1, (os.cpu_count() or 1) + 1):
        yield "cores", jobs, replace(largest, jobs=jobs)


def measured(plan: Sequence[tuple[str, int, Case]], work_folder: Path, runs: int) -> list[Point]:
    """The medians of all cases, which are run in turns."""
    results: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for run in range(1, runs + 1):
        for axis, value, case in plan:
            found = measure("shrinkwrap", case, work_folder)
            if found is not None:
                results.setdefault((axis, value), []).append((found.wall_s, found.cpu_s))
                print(f"run {run}: {axis} {value:,}: {found.cpu_s:.2f} CPU s", file=sys.stderr)
    return [
        Point(
            axis=axis,
            value=value,
            wall_s=statistics.median(wall for wall, _ in times),
            cpu_s=statistics.median(cpu for _, cpu in times),
        )
        for (axis, value), times in results.items()
    ]


def sample(work_folder: Path, size_bytes: int) -> Case:
    """Generated files of about that size, with the table that data.inspect writes."""
    folder = work_folder / str(size_bytes)
    folder.mkdir()
    report = write_samples(folder, (DATASET,), size_bytes=size_bytes)[0]
    return own_case(DATASET, report.folder, folder)


def draw(points: Sequence[Point], path: Path) -> None:
    """Draw one panel per axis."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    labels = {"bytes": "MB of CSV", "columns": f"columns kept, of {ALL_COLUMNS}", "cores": "cores"}
    figure, panels = plt.subplots(1, len(labels), figsize=(11, 3.4), layout="constrained")
    for (axis, label), panel in zip(labels.items(), panels, strict=True):
        chosen = [point for point in points if point.axis == axis]
        values = [point.value / 1e6 if axis == "bytes" else point.value for point in chosen]
        seconds = [point.wall_s if axis == "cores" else point.cpu_s for point in chosen]
        panel.plot(values, seconds, "o-", color="#c1440e")
        panel.set(xlabel=label, ylabel="wall seconds" if axis == "cores" else "CPU seconds")
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[2].set_xticks([point.value for point in points if point.axis == "cores"])
    figure.savefig(path, dpi=150)


def main() -> None:
    """Generate files, measure, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", default="512MB", help="size of the largest dataset (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="number of runs of each case (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="parent of the temporary folder for raw and converted files")
    parser.add_argument("--json", action="store_true", help="print the medians as JSON")
    parser.add_argument("--picture", type=Path, metavar="PNG", help="draw the medians")
    options = parser.parse_args()
    largest_bytes = parse_size(options.largest)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        work_folder = Path(name)
        halves = [sample(work_folder, largest_bytes // part) for part in (8, 4, 2)]
        plan = list(planned(sample(work_folder, largest_bytes), halves))
        points = measured(plan, work_folder, options.runs)
    if options.picture:
        draw(points, options.picture)
    if options.json:
        print(json.dumps([asdict(point) for point in points], indent=2))
        return
    print("| varies | value | CPU s | wall s |\n| --- | ---: | ---: | ---: |")
    for point in points:
        print(f"| {point.axis} | {point.value:,} | {point.cpu_s:.2f} | {point.wall_s:.2f} |")


if __name__ == "__main__":
    main()

"""Read the 2,290 polluted files of the Pollock benchmark with Shrinkwrap, DuckDB, pandas, Polars and CleverCSV.

Prints the benchmark's score of each tool, 0 to 10: *blind*, where the tool has to find the dialect, and *given*, where
it is given the true one. *simple* is the mean over the files; *weighted* weighs each pollution by how often it was seen
in real files. A tool that is not installed is left out, with a message.

Examples:
  python benchmarks/pollock.py ~/pollock                          all tools
  python benchmarks/pollock.py ~/pollock --tool shrinkwrap --worst 20
                                                                  and the files on which it loses most

The folder needs pollock_weights.json, and polluted_files.tar.xz or the folder polluted_files that it unpacks to.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tarfile
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pollock_score import Table, score
from pollock_tools import BLIND, DISTRIBUTIONS, GIVEN


@dataclass(frozen=True, kw_only=True)
class Result:
    """The scores of one tool in one discipline."""

    tool: str
    discipline: str
    scores: Mapping[str, float]
    simple: float
    weighted: float


@contextmanager
def benchmark_files(folder: Path) -> Iterator[Path]:
    """The folder with csv, clean and parameters; unpacked to a temporary folder if necessary."""
    if (folder / "polluted_files").is_dir():
        yield folder / "polluted_files"
        return
    archive = folder / "polluted_files.tar.xz"
    if not archive.exists():
        raise SystemExit(f"{folder} has no polluted_files and no polluted_files.tar.xz: is it the benchmark's folder?")
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(archive) as packed:
            packed.extractall(temporary, filter="data")
        yield Path(temporary) / "polluted_files"


def file_score(name: str, *, folder: Path, tool: str, discipline: str) -> float:
    """The score of one tool on one file."""
    warnings.simplefilter("ignore")
    with (folder / "clean" / name).open(encoding="utf-8-sig", newline="") as file:
        clean = list(csv.reader(file))
    return score(clean, _loaded(folder, name, tool, discipline))


def _loaded(folder: Path, name: str, tool: str, discipline: str) -> Table | None:
    path = folder / "csv" / name
    try:
        if discipline == "blind":
            return BLIND[tool](path)
        parameters = json.loads((folder / "parameters" / f"{name}_parameters.json").read_text())
        return GIVEN[tool](path, parameters)
    except Exception:  # whatever a tool raises, it has not read the file
        return None


def measure(folder: Path, weights: Mapping[str, float], tool: str, discipline: str, jobs: int) -> Result:
    """Read all files with one tool."""
    names = sorted(path.name for path in (folder / "csv").iterdir())
    one = partial(file_score, folder=folder, tool=tool, discipline=discipline)
    with ProcessPoolExecutor(jobs) as processes:
        scores = dict(zip(names, processes.map(one, names, chunksize=20), strict=True))
    total = sum(weights[name] for name in names)
    return Result(
        tool=tool,
        discipline=discipline,
        scores=scores,
        simple=sum(scores.values()) / len(scores),
        weighted=sum(scores[name] * weights[name] for name in names) / total,
    )


def installed(tools: Sequence[str]) -> dict[str, str]:
    """Tool -> version, of those that are installed."""
    found = {}
    for tool in tools:
        try:
            found[tool] = version(DISTRIBUTIONS[tool]) if tool in DISTRIBUTIONS else "this checkout"
        except PackageNotFoundError:
            message = (
                f"{tool} is left out: {DISTRIBUTIONS[tool]} is not installed; `./run nox -s bench_pollock` has it."
            )
            print(message, file=sys.stderr)
    return found


def print_worst(result: Result, weights: Mapping[str, float], count: int) -> None:
    """The files on which a tool loses most, weighed."""
    losses = {name: (10 - points) * weights[name] for name, points in result.scores.items() if points < 10}
    for name in sorted(losses, key=lambda name: -losses[name])[:count]:
        print(f"  {result.scores[name]:6.3f}  weight {weights[name]:8.2f}  {name}")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the benchmark")
    parser.add_argument("--tool", action="append", choices=BLIND, help="this tool only; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="also the N files that cost a tool most")
    options = parser.parse_args(argv)
    versions = installed(options.tool or list(BLIND))
    weights = json.loads((options.folder / "pollock_weights.json").read_text())
    print("| tool | version | dialect | simple | weighted |\n| --- | --- | --- | --- | --- |")
    with benchmark_files(options.folder) as folder:
        for discipline, readers in (("blind", BLIND), ("given", GIVEN)):
            for tool in [tool for tool in versions if tool in readers]:
                result = measure(folder, weights, tool, discipline, options.jobs)
                figures = f"{result.simple:.3f} | {result.weighted:.3f}"
                print(f"| {tool} | {versions[tool]} | {discipline} | {figures} |", flush=True)
                print_worst(result, weights, options.worst)


if __name__ == "__main__":
    main()

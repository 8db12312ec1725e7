"""Command line: write samples into a data folder and say what was written."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from data_sample.errors import DataSampleError, SeedError
from data_sample.sample import SAMPLES, SampleReport, write_sample
from data_sample.size import parse_size

_EXAMPLES = """\
examples:
  python -m data_sample --root data                          64 MB of every dataset
  python -m data_sample --root data --size 1.5GB --seed 7
  python -m data_sample --root data --dataset climate --json

The same size and seed give the same bytes everywhere. Folders with files that were not written by this
command are left alone. Exit status: 0 done, 1 not possible, 2 wrong input.
"""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        reports = [
            write_sample(
                options.root,
                dataset=name,
                size_bytes=parse_size(options.size),
                seed=_seed(options.seed),
                progress=_progress(name),
            )
            for name in options.dataset or SAMPLES
        ]
    except DataSampleError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps([_document(report) for report in reports], indent=2) if options.json else _table(reports))
    return 0


def _progress(name: str) -> Callable[[int, int], None]:
    """Says on stderr every two seconds how far a dataset has come."""
    told_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s > 2:
            told_s = time.monotonic()
            print(f"{name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB written", file=sys.stderr)

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_sample",
        description="Write realistic raw sample files, each dataset in the format in which it is published.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the data folder")
    parser.add_argument("--size", default="64MB", help="wanted size of each dataset (default: 64MB)")
    parser.add_argument("--seed", default="0", help="whole number; another seed gives other data (default: 0)")
    parser.add_argument(
        "--dataset",
        action="append",
        metavar="NAME",
        help=f"may be repeated (default: all of {', '.join(SAMPLES)})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise SeedError(text)
    return int(text)


def _document(report: SampleReport) -> dict[str, object]:
    return asdict(report) | {"folder": str(report.folder)}


def _table(reports: Sequence[SampleReport]) -> str:
    return "\n".join(
        f"{report.dataset:14} {len(report.files):4} files {report.size_bytes / 1e6:10.1f} MB  "
        f"{f'written in {report.seconds:.1f} s' if report.wrote else 'there already'}  {report.folder}"
        for report in reports
    )


if __name__ == "__main__":
    sys.exit(main())

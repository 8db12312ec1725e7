"""The program that DVC's stage starts: `python -m data_convert convert --file TOML --dataset NAME --metrics FILE`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from terminal import EXIT_DONE, EXIT_INTERRUPTED, ShrinkwrapError, note, progress

if TYPE_CHECKING:
    from data_convert.conversion.conversion_report import ConversionReport

FAILURES_VARIABLE: Final = "SHRINKWRAP_FAILURES"
"""Names a file to which each failure is appended as a line of JSON. DVC replaces every exit code by its own, so this
is how data.compress learns what failed."""

JOBS_VARIABLE: Final = "SHRINKWRAP_JOBS"
"""Number of threads; by default one per core."""

FORCE_VARIABLE: Final = "SHRINKWRAP_FORCE"
"""Not empty: convert finished parts again. DVC records the stage's command, so settings that do not change the output
cannot be flags."""

SCHEDULER_VARIABLE: Final = "SHRINKWRAP_SCHEDULER"
"""The scheduler whose workers convert the parts, such as tcp://HOST:8786 or local:2. By default it is that of
DASK_SCHEDULER_ADDRESS, and without both, threads of this process convert them."""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Bring one dataset up to date; return the exit code."""
    options = _parser().parse_args(argv)
    # After Ctrl-C, DVC starts its other stages nevertheless.
    if _was_interrupted():
        return EXIT_INTERRUPTED
    signal.signal(signal.SIGTERM, _interrupt)
    # When numpy is imported, its library for matrices starts threads that wait for work actively. There is none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        _require_folders(options)
        report = convert(options.file, options.dataset, options.metrics)
    except ShrinkwrapError as error:
        return _report_failure(str(error), error.exit_code, options.dataset)
    except KeyboardInterrupt:
        return _report_failure("interrupted; no partial file is left.", EXIT_INTERRUPTED, options.dataset)
    _print_quietly(report.text())
    return EXIT_DONE


def convert(file: Path, dataset: str, metrics: Path) -> ConversionReport:
    """Convert the dataset and write its figures for DVC as JSON to `metrics`."""
    from data_convert.conversion.dataset_conversion import convert_dataset
    from data_convert.conversion.plan import plan_conversion
    from data_convert.spec.spec_file import load_specs, select_specs

    (spec,) = select_specs(load_specs(file), [dataset])
    jobs = int(os.environ.get(JOBS_VARIABLE) or os.cpu_count() or 1)
    with progress(f"{spec.name}: looking for finished parts") as on_bytes:
        plan = plan_conversion(
            spec, file.parent, force=bool(os.environ.get(FORCE_VARIABLE)), jobs=jobs, on_bytes=on_bytes
        )
    for line in plan.notes:
        note(f"{spec.name}: {line}")
    scheduler = os.environ.get(SCHEDULER_VARIABLE) or os.environ.get("DASK_SCHEDULER_ADDRESS")
    if scheduler and plan.stale:
        from data_convert.cluster.conversion import convert_on_cluster

        report = convert_on_cluster(plan, scheduler, data_folder=file.parent)
    else:
        with progress(spec.name, sum(part.raw_bytes for part in plan.stale)) as on_bytes:
            report = convert_dataset(spec, data_folder=file.parent, jobs=jobs, on_bytes=on_bytes, plan=plan)
    metrics.parent.mkdir(parents=True, exist_ok=True)
    metrics.write_text(json.dumps(report.metrics(), indent=2) + "\n", encoding="utf-8")
    return report


def _require_folders(options: argparse.Namespace) -> None:
    """Check that the stage was made for the folders of the table: DVC records what it finds in those of the stage.

    Raises:
        ShrinkwrapError: The table names another folder.
    """
    from dataset_spec import parse_datasets, selected

    if options.source is None and options.output is None:
        return
    file: Path = options.file
    (table,) = selected(parse_datasets(file.read_text("utf-8"), source=str(file)), [options.dataset], source=str(file))
    for name, found in (("source", table.source), ("output", table.output)):
        requested = getattr(options, name)
        if requested not in (None, found):
            raise ShrinkwrapError(
                f"{file}: datasets.{table.name}.{name} is '{found}', but DVC's stage was made for '{requested}'.\n"
                f"  `invoke data.compress --dataset {table.name}` makes the stage again and runs it."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_convert", description="The program of DVC's stages; `invoke data.compress` starts them."
    )
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "convert", help="bring the Parquet of one dataset up to date with its raw files"
    )
    command.add_argument("--file", type=Path, required=True, metavar="TOML", help="the description of the datasets")
    command.add_argument("--dataset", required=True, metavar="NAME", help="the dataset to convert")
    for name in ("source", "output"):
        command.add_argument(f"--{name}", metavar="FOLDER", help=f"the {name} of the stage; another one is an error")
    command.add_argument("--metrics", type=Path, required=True, metavar="FILE", help="write the figures there as JSON")
    return parser


def _was_interrupted() -> bool:
    """Whether an earlier stage of the same `dvc repro` was interrupted."""
    path = os.environ.get(FAILURES_VARIABLE)
    if not path or not Path(path).exists():
        return False
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return any(json.loads(line)["exit_code"] == EXIT_INTERRUPTED for line in lines)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _report_failure(message: str, exit_code: int, dataset: str) -> int:
    if path := os.environ.get(FAILURES_VARIABLE):
        failure = {"exit_code": exit_code, "error": message, "datasets": [dataset]}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(failure) + "\n")
    note(f"error: {message}")
    return exit_code


def _print_quietly(text: str) -> None:
    """Print the text. A closed standard output (`data.compress | head -1`) does not make the finished stage fail."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Python flushes standard output again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

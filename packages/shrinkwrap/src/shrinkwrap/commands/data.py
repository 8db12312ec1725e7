"""Commands of the collection `data`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, cast, get_args

from invoke import Collection

from shrinkwrap.bucket_settings import use_bucket_settings, use_settings_of_datasets
from shrinkwrap.command import Option, command
from shrinkwrap.commands.sampling import sample
from shrinkwrap.commands.sharing import SHARING_COMMANDS
from shrinkwrap.options import Datasets, Json
from shrinkwrap.root import find_root
from terminal import EXIT_DONE, EXIT_FAILED, ShrinkwrapError, json_text, note, show

if TYPE_CHECKING:
    from data_convert import SizeReport

Effort: TypeAlias = Literal["fast", "balanced", "max"]
DayOrder: TypeAlias = Literal["month-first", "day-first"]
Scheduler = Annotated[
    str | None,
    Option(
        "convert on the workers of a Dask scheduler: tcp://HOST:8786, local or local:N",
        metavar="ADDRESS",
        default_text="DASK_SCHEDULER_ADDRESS, then threads of this machine",
    ),
]
Jobs = Annotated[int | None, Option("number of threads; the result does not depend on it", default_text="one per core")]


@command("data.compress --dataset pems-detector --jobs 4")
def compress(
    *,
    dataset: Datasets = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Annotated[bool, Option("convert finished parts again")] = False,
    effort: Annotated[Effort | None, Option("write this effort into datasets.toml; more makes files smaller")] = None,
    dry_run: Annotated[bool, Option("show what would be converted and why; write nothing")] = False,
    json: Json = False,
) -> int:
    """Convert raw CSV to Parquet through DVC, which records its raw files, description and code.

    A dataset whose `output` is in a bucket is converted without DVC and recorded in data/buckets.lock.

    Finished parts stay: run it again after an interruption, or when raw files were added or changed.
    """
    root = find_root()
    _check_jobs(jobs)
    use_settings_of_datasets(root, dataset)
    _use_scheduler(scheduler)
    if effort is not None:
        _set_effort(root, dataset, effort, is_dry_run=dry_run)
    if dry_run:
        from data_convert import plan_conversions, plan_json, plan_text

        plans = plan_conversions(root, dataset, force=force, jobs=jobs)
        show(json_text(plan_json(plans)) if json else plan_text(plans))
        return EXIT_DONE
    from data_convert import datasets_with_raw_data
    from shrinkwrap.bucket_compression import current_in_buckets
    from shrinkwrap.compression import compress_datasets

    current = {} if force else current_in_buckets(root, dataset)
    names = datasets_with_raw_data(root, dataset, known=current)
    compressed = compress_datasets(root, names, current=current, jobs=jobs, force=force, is_quiet=json)
    if compressed.report is None:
        if json:
            show(json_text({"failures": compressed.outcome.failures}))
        return compressed.outcome.exit_code
    return _show_report(root, compressed.report, is_json=json)


@command("data.inspect data/raw/csv/shops --write shops")
def inspect(
    what: Annotated[
        str,
        Option(
            "a folder, a file, s3://BUCKET/PREFIX, or the name of a dataset", complete="dataset", metavar="PATH|NAME"
        ),
    ],
    *,
    write: Annotated[str | None, Option("add a table of this name to data/datasets.toml", metavar="NAME")] = None,
    replace: Annotated[bool, Option("let --write replace the table of that name")] = False,
    dates: Annotated[
        str | None,
        Option("how to read dates such as 03/04/2024 where both fit: month-first or day-first", metavar="ORDER"),
    ] = None,
    json: Json = False,
) -> None:
    """Read all raw files of a folder or dataset and report dialect, types, nulls, sizes and traps.

    For your own data, put the files in data/raw/csv/NAME, run `data.inspect data/raw/csv/NAME --write NAME`, and then
    `data.compress --dataset NAME`.
    """
    from data_convert import inspect_dataset, inspection_table, write_table
    from dataset_spec import DATASETS_FILE

    root = find_root()
    use_settings_of_datasets(root, [what])
    use_bucket_settings(root, [what] if what.startswith("s3://") else [])
    inspection = inspect_dataset(root, what, folder=Path(), day_order=_day_order(dates))
    show(json_text(inspection.facts()) if json else inspection_table(inspection))
    if write is not None:
        write_table(root / DATASETS_FILE, write, inspection, replace=replace)
        note(f"Wrote [datasets.{write}] to {DATASETS_FILE}. Next: invoke data.compress --dataset {write}")
        if inspection.ragged_rows:
            note(
                f'`on_reject = "keep"` writes rows that do not fit to data/rejects/{write}: invoke data.rejects {write}'
            )


@command("data.verify --dataset climate")
def verify(
    *,
    dataset: Datasets = None,
    jobs: Annotated[int | None, Option("number of processes", default_text="one per core")] = None,
    json: Json = False,
) -> int:
    """Prove, by a second and independent reading of the CSV, that every kept value is in the Parquet.

    Exits with 1 if a value differs.
    """
    from data_convert import verify_datasets, verify_text

    _check_jobs(jobs)
    root = find_root()
    use_settings_of_datasets(root, dataset)
    reports = verify_datasets(
        root, dataset, jobs=jobs, on_report=lambda report: None if json else show(verify_text(report))
    )
    if json:
        show(json_text([report.facts() for report in reports]))
    return EXIT_DONE if all(report.is_clean for report in reports) else EXIT_FAILED


@command("data.rejects shops")
def rejects(
    name: Annotated[str, Option("a dataset of data/datasets.toml", complete="dataset", metavar="NAME")],
    *,
    json: Json = False,
) -> None:
    """Show the rows that did not fit and are kept in data/rejects, by reason, with counts and examples.

    A dataset with `on_reject = "keep"` has a file data/rejects/NAME/PART.csv for each part with rejects.
    """
    from data_convert import rejects_report, rejects_text

    root = find_root()
    use_settings_of_datasets(root, [name])
    report = rejects_report(root, name)
    show(json_text(report.facts()) if json else rejects_text(report))


@command("data.report --up 10Mbps --down 50Mbps --html report.html")
def report(
    *,
    dataset: Datasets = None,
    up: Annotated[str, Option("upload rate", metavar="RATE")] = "4.056Mbps",
    down: Annotated[str, Option("download rate", metavar="RATE")] = "24.518Mbps",
    html: Annotated[str | None, Option("write one self-contained page to this file", metavar="FILE")] = None,
    json: Json = False,
) -> int:
    """Show raw and Parquet sizes, their ratio, and the time to share them before and after.

    Exits with 1 if a bucket cannot be read; the other datasets are reported.
    """
    from data_convert import size_report
    from terminal import Rate

    root = find_root()
    use_settings_of_datasets(root, dataset)
    report = size_report(root, dataset, up=Rate.parse(up), down=Rate.parse(down))
    exit_code = _show_report(root, report, is_json=json)
    if html is not None:
        _write_page(report, Path(html))
    return exit_code


def _show_report(root: Path, report: SizeReport, *, is_json: bool) -> int:
    """Show the report and what is missing from it; returns the exit code."""
    from data_convert import finding_lines, size_table
    from dataset_spec import read_datasets

    if is_json:
        show(json_text(report.facts()))
    else:
        tables = read_datasets(root)
        folders = [f"{dataset.name}: {tables[dataset.name].output_path}" for dataset in report.datasets]
        show(*size_table(report), *folders)
    for line in finding_lines(report):
        note(f"warning: {line}")
    for dataset in report.unread:
        note(f"error: {dataset.name} is not reported: {dataset.error}")
    return EXIT_FAILED if report.unread else EXIT_DONE


def _write_page(report: SizeReport, file: Path) -> None:
    from data_convert import report_page

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(report_page(report), encoding="utf-8")
    except OSError as error:
        raise ShrinkwrapError(f"cannot write {file}: {error.strerror}") from None
    note(f"Wrote {file}.")


def _set_effort(root: Path, names: Sequence[str] | None, effort: Effort, *, is_dry_run: bool) -> None:
    """Write the effort into datasets.toml, because what decides the bytes of a part must be recorded there."""
    from data_convert import set_effort
    from dataset_spec import DATASETS_FILE

    if is_dry_run:
        raise ShrinkwrapError("--effort changes data/datasets.toml, and --dry-run writes nothing: use one of them.")
    for name in set_effort(root, names, effort):
        note(f'Wrote effort = "{effort}" for {name} to {DATASETS_FILE}.')


def _day_order(text: str | None) -> DayOrder | None:
    if text is not None and text not in get_args(DayOrder):
        raise ShrinkwrapError(f"--dates must be month-first or day-first, not {text!r}")
    return cast("DayOrder | None", text)


def _use_scheduler(scheduler: str | None) -> None:
    """Pass the address to the stages. It is not part of their commands, because it does not change the output."""
    if scheduler is None:
        return
    from data_convert import check_scheduler
    from data_convert.__main__ import SCHEDULER_VARIABLE

    check_scheduler(scheduler)
    os.environ[SCHEDULER_VARIABLE] = scheduler


def _check_jobs(jobs: int | None) -> None:
    # Here and not in the stage, which would report it once per dataset.
    if jobs is not None and jobs < 1:
        raise ShrinkwrapError(f"--jobs must be a number from 1, not {jobs}")


collection = Collection("data", compress, inspect, rejects, report, sample, verify, *SHARING_COMMANDS)

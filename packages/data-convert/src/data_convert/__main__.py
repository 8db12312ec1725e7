"""The command line: `python -m data_convert convert|inspect|verify|report`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from data_convert.errors import DataConvertError

if TYPE_CHECKING:
    from data_convert.plan import ConversionPlan
    from data_convert.report import ConversionReport
    from data_convert.spec import DatasetSpec
    from data_convert.verification.dataset_check import VerifyReport

_EXAMPLES: Final = """\
examples:
  python -m data_convert convert
  python -m data_convert convert --dataset climate --jobs 4 --dry-run
  python -m data_convert inspect data/raw/csv/mine --write mine
  python -m data_convert verify --dataset pems-detector --json
  python -m data_convert report --html report.html --up 10Mbps --down 50Mbps
"""

FAILURES_VARIABLE: Final = "SHRINKWRAP_FAILURES"
"""A file to which each failure is added as a line of JSON, for a caller that only sees DVC's exit code."""

JOBS_VARIABLE: Final = "SHRINKWRAP_JOBS"
FORCE_VARIABLE: Final = "SHRINKWRAP_FORCE"
"""Defaults of --jobs and --force; a DVC stage's command is fixed, so they cannot come as flags."""


def main(*, argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 failed work, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(argv)
    if _was_interrupted():
        return 130
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(options.run(options) or 0)
    except DataConvertError as error:
        return _told(str(error), error.exit_code, options)
    except KeyboardInterrupt:
        return _told("interrupted; nothing was left half written.", 130, options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _was_interrupted() -> bool:
    """Whether an earlier stage of the same DVC run was: DVC goes on to the next one, its user wants to stop."""
    path = os.environ.get(FAILURES_VARIABLE)
    if not path or not Path(path).exists():
        return False
    return any(json.loads(line)["exit_code"] == 130 for line in Path(path).read_text(encoding="utf-8").splitlines())


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _told(message: str, exit_code: int, options: argparse.Namespace) -> int:
    failure = {"exit_code": exit_code, "error": message, "datasets": getattr(options, "dataset", [])}
    if path := os.environ.get(FAILURES_VARIABLE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(failure) + "\n")
    if getattr(options, "json", False):
        _print_json(failure)
    print(f"error: {message}", file=sys.stderr)
    return exit_code


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m data_convert",
        description="CSV in, Parquet out, nothing lost. Datasets are described in data/datasets.toml.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_convert(commands.add_parser("convert", help="bring the Parquet up to date with the raw files"))
    _add_inspect(commands.add_parser("inspect", help="read raw files whole and say what is in them"))
    _add_verify(commands.add_parser("verify", help="prove by a second reading that nothing was lost"))
    _add_report(commands.add_parser("report", help="sizes, ratios and transfer times"))
    return parser


def _add_common(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int | None]) -> None:
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--file",
        type=Path,
        default=_default_file(),
        metavar="TOML",
        help="the description of the datasets (%(default)s)",
    )


def _default_file() -> Path:
    here = Path("datasets.toml")
    return here if here.exists() else Path("data") / here


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", action="append", default=[], metavar="NAME", help="only this one; may be repeated")


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=_positive,
        default=os.environ.get(JOBS_VARIABLE) or os.cpu_count() or 1,
        metavar="N",
        help="threads (one per core)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1, not {text!r}")
    return int(text)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, _convert)
    _add_dataset(parser)
    _add_jobs(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        default=bool(os.environ.get(FORCE_VARIABLE)),
        help="convert finished parts again",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be converted and why; write nothing")
    parser.add_argument("--metrics", type=Path, metavar="FILE", help="write the dataset's figures there as JSON")


def _convert(options: argparse.Namespace) -> int:
    from data_convert.convert import convert_dataset
    from data_convert.plan import plan_conversion
    from data_convert.progress import progress_on

    reports: list[ConversionReport] = []
    plans: list[ConversionPlan] = []
    root, jobs = options.file.parent, options.jobs
    for spec in _with_raw_data(options):
        with progress_on(sys.stderr, f"{spec.name}: looking for finished parts") as tick:
            plan = plan_conversion(spec, root, force=options.force, jobs=jobs, tick=tick)
        plans.append(plan)
        if not options.dry_run:
            with progress_on(sys.stderr, spec.name, total=sum(part.raw_bytes for part in plan.todo)) as tick:
                reports.append(convert_dataset(spec, root=root, jobs=jobs, progress=tick, plan=plan))
    if options.dry_run:
        _show_plans(plans, as_json=options.json)
        return 0
    if options.metrics is not None:
        _write_metrics(options.metrics, reports)
    _show_reports(reports, as_json=options.json)
    return 0


def _with_raw_data(options: argparse.Namespace) -> list[DatasetSpec]:
    """The chosen datasets; where none is named, those that have raw files here."""
    from data_convert.sources import with_raw_data
    from data_convert.spec_file import chosen, load_specs

    specs = chosen(load_specs(options.file), options.dataset)
    present, missing = with_raw_data(specs, options.file.parent, wants_all=bool(options.dataset))
    for error in missing:
        print(f"{error.dataset}: no raw data in {error.folder}, skipped", file=sys.stderr)
    return present


def _write_metrics(path: Path, reports: Sequence[ConversionReport]) -> None:
    facts = [report.facts() for report in reports]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts[0] if len(facts) == 1 else facts, indent=2) + "\n", encoding="utf-8")


def _show_plans(plans: Sequence[ConversionPlan], *, as_json: bool) -> None:
    if as_json:
        _print_json([_plan_facts(plan) for plan in plans])
        return
    for plan in plans:
        raw = sum(part.raw_bytes for part in plan.todo)
        print(
            f"{plan.spec.name}: {len(plan.todo)} of {_count(len(plan.parts), 'part')} to convert"
            f" ({raw / 1e6:,.1f} MB raw), {len(plan.leftover)} to remove"
        )
        for part in plan.todo:
            print(f"  {part.name}: {part.why}")
        for path in plan.leftover:
            print(f"  {path.name}: would be removed, its sources are gone")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _plan_facts(plan: ConversionPlan) -> dict[str, Any]:
    return {
        "dataset": plan.spec.name,
        "convert": [{"part": p.name, "why": p.why, "raw_bytes": p.raw_bytes} for p in plan.todo],
        "finished": [part.name for part in plan.parts if part.why is None],
        "remove": [str(path) for path in plan.leftover],
    }


def _show_reports(reports: Sequence[ConversionReport], *, as_json: bool) -> None:
    if as_json:
        _print_json([_report_facts(report) for report in reports])
        return
    for report in reports:
        made = [part for part in report.parts if part.converted]
        rejects = f", {report.rejects:,} rejects kept beside them" if report.rejects else ""
        removed = f", {len(report.removed)} removed" if report.removed else ""
        print(
            f"{report.dataset}: {_count(len(made), 'part')} converted, {len(report.parts) - len(made)} finished before"
            f"{removed}; {_count(report.rows, 'row')}, {report.ratio:.1f} times smaller{rejects}"
        )


def _report_facts(report: ConversionReport) -> dict[str, Any]:
    parts = [
        {
            "part": p.name,
            "rows": p.rows,
            "rejects": p.rejects,
            "converted": p.converted,
            "seconds": round(p.seconds, 3),
            "raw_bytes": p.raw_bytes,
            "parquet_bytes": p.parquet_bytes,
        }
        for p in report.parts
    ]
    return {**report.facts(), "folder": str(report.folder), "removed": list(report.removed), "part_list": parts}


def _add_verify(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, _verify)
    _add_dataset(parser)
    _add_jobs(parser)


def _verify(options: argparse.Namespace) -> int:
    from data_convert.progress import progress_on
    from data_convert.sources import find_sources
    from data_convert.verification.dataset_check import verify_dataset

    reports = []
    root = options.file.parent
    for spec in _with_raw_data(options):
        total = sum(source.size_bytes for source in find_sources(root, spec))
        with progress_on(sys.stderr, f"{spec.name}: reading again", total=total) as tick:
            reports.append(verify_dataset(spec, root=root, jobs=options.jobs, progress=tick))
        if not options.json:
            _show_verdict(reports[-1])
    if options.json:
        _print_json([report.facts() for report in reports])
    return 0 if all(report.is_clean for report in reports) else 1


def _show_verdict(report: VerifyReport) -> None:
    if report.is_clean:
        print(
            f"{report.dataset}: every value is there: {_count(report.values, 'value')} of {_count(report.rows, 'row')}"
            f" in {_count(report.parts, 'part')}, {_count(report.rejects, 'reject')}"
        )
        return
    print(f"{report.dataset}: NOT all of the raw data is in the Parquet:")
    for finding in report.findings:
        print(f"  {finding}")


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, _inspect)
    parser.add_argument("what", metavar="PATH|NAME", help="a folder, a file, or a dataset's name")
    parser.add_argument("--write", metavar="NAME", help="add a table of that name to datasets.toml")
    parser.add_argument("--replace", action="store_true", help="let --write replace the table of that name")


def _inspect(options: argparse.Namespace) -> int:
    from rich.console import Console

    from data_convert.inspection.dataset_inspection import inspect_dataset, inspect_path
    from data_convert.inspection.spec_text import write_table
    from data_convert.progress import progress_on
    from data_convert.spec_file import load_specs

    path, root = Path(options.what), options.file.parent
    specs = load_specs(options.file) if options.file.exists() else {}
    with progress_on(sys.stderr, f"{options.what}: reading all of it") as tick:
        if options.what in specs and not path.exists():
            inspection = inspect_dataset(specs[options.what], root=root, progress=tick)
        else:
            inspection = inspect_path(path, root=root, progress=tick)
    if options.json:
        _print_json(inspection.facts())
    else:
        Console().print(inspection.table())
    if options.write:
        write_table(options.file, options.write, inspection, replace=options.replace)
        print(
            f"Wrote [datasets.{options.write}] to {options.file}. Next: invoke data.compress --dataset {options.write}",
            file=sys.stderr,
        )
    return 0


def _add_report(parser: argparse.ArgumentParser) -> None:
    _add_common(parser, _report)
    _add_dataset(parser)
    parser.add_argument("--up", default="4.056Mbps", metavar="RATE", help="upload rate (%(default)s)")
    parser.add_argument("--down", default="24.518Mbps", metavar="RATE", help="download rate (%(default)s)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one self-contained page there")


def _report(options: argparse.Namespace) -> int:
    from rich.console import Console

    from data_convert.sizes.report_page import report_page
    from data_convert.sizes.size_report import size_report
    from data_convert.sizes.transfer import Rate
    from data_convert.spec_file import chosen, load_specs

    specs = chosen(load_specs(options.file), options.dataset)
    report = size_report(specs, options.file.parent, up=Rate.parse(options.up), down=Rate.parse(options.down))
    if options.json:
        _print_json(report.facts())
    else:
        Console().print(report.table())
        for spec in specs:
            if spec.name in (dataset.name for dataset in report.datasets):
                print(f"{spec.name}: {options.file.parent / spec.output}")
    if options.html is not None:
        options.html.parent.mkdir(parents=True, exist_ok=True)
        options.html.write_text(report_page(report), encoding="utf-8")
        print(f"Wrote {options.html}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

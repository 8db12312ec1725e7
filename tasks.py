"""Every command a person or a workflow types; each is a wrapper around a package or DVC."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from collections.abc import Iterable
from json import dumps, loads
from pathlib import Path
from typing import Any

from invoke import Collection, Context, Exit, Result, task

DATASETS_FILE = Path("data/datasets.toml")
STAGES_FILE = Path("data/dvc.yaml")
LOCK_FILE = Path("data/dvc.lock")


def _run(ctx: Context, command: list[str], *, is_for_programs: bool = False, **options: Any) -> None:
    """Run a command as it is; its exit code becomes ours."""
    result = _try(ctx, command, is_for_programs=is_for_programs, **options)
    if not result.ok:
        raise Exit(code=result.exited)


def _try(ctx: Context, command: list[str], *, is_for_programs: bool = False, **options: Any) -> Result:
    """Run a command on our terminal, if there is one and no program reads what it prints."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not is_for_programs
    result = ctx.run(
        shlex.join(command), warn=True, pty=is_terminal, in_stream=None if is_terminal else False, **options
    )
    if result is None:
        raise Exit(f"could not run {shlex.join(command)}", code=1)
    return result


def _module(name: str, *words: str, **flags: object) -> list[str]:
    """`python -m NAME WORDS --flag value`; a flag that is None, False or empty is left out."""
    command = ["python", "-m", name, *words]
    for flag, value in flags.items():
        option = "--" + flag.replace("_", "-")
        if value is True:
            command.append(option)
        elif isinstance(value, (list, tuple)):
            command += [piece for item in value for piece in (option, str(item))]
        elif value not in (None, False):
            command += [option, str(value)]
    return command


def _stages(names: Iterable[str]) -> list[str]:
    return [f"{STAGES_FILE}:compress@{name}" for name in names]


def _known(names: Iterable[str] | None, *, with_raw_data: bool = False) -> list[str]:
    """The named datasets, or all (with raw files here); what is wrong with the names ends the task."""
    from data_convert import errors, sources, spec_file

    try:
        specs = spec_file.chosen(spec_file.load_specs(DATASETS_FILE), list(names or []))
        if with_raw_data:
            specs, missing = sources.with_raw_data(specs, DATASETS_FILE.parent, wants_all=bool(names))
            for error in missing:
                print(f"{error.dataset}: no raw data in {error.folder}, skipped", file=sys.stderr)
    except errors.DataConvertError as error:
        raise Exit(f"error: {error}", code=error.exit_code) from None
    return [spec.name for spec in specs]


def _recorded(names: Iterable[str] | None) -> list[str]:
    """The named datasets, or all that data/dvc.lock knows; it must know each."""
    text = LOCK_FILE.read_text(encoding="utf-8") if LOCK_FILE.exists() else ""
    recorded = re.findall(r"^  compress@([a-z0-9_-]+):$", text, flags=re.MULTILINE)
    unknown = [name for name in _known(names) if name not in recorded] if names else []
    if unknown or not recorded:
        what = ", ".join(unknown) or "no dataset"
        raise Exit(
            f"error: {LOCK_FILE} records {what if not unknown else 'no version of ' + what}."
            " Make it from raw files with `invoke data.compress`, or pull the commit in which a colleague did.",
            code=2,
        )
    return list(names or recorded)


def _threads(jobs: object) -> str:
    """The number of threads as text, or none; DVC's stage would say what is wrong with it once per dataset."""
    text = "" if jobs is None else str(jobs)
    if text and (not text.isdecimal() or int(text) < 1):
        raise Exit(f"error: --jobs must be a number from 1, not {text!r}", code=2)
    return text


_DATASET = "only this dataset; may be repeated"
_JSON = "print one JSON document"


@task(
    iterable=["dataset"],
    help={"size": "of each dataset's sample", "seed": "another seed, other data", "dataset": _DATASET, "json": _JSON},
)
def sample(ctx, size="64MB", seed=0, dataset=None, json=False):  # type: ignore[no-untyped-def]
    """Write realistic raw files of each shipped format, so that there is something to compress.

    Never overwrites raw data that it did not write.

    Example: invoke data.sample --size 1GB --dataset climate
    """
    command = _module("data_sample", root="data", size=size, seed=str(seed), dataset=dataset, json=json)
    _run(ctx, command, is_for_programs=json)


@task(
    iterable=["dataset"],
    help={
        "dataset": _DATASET,
        "jobs": "threads (one per core); the result does not depend on it",
        "force": "convert what is finished again",
        "dry-run": "say what would be converted and why, write nothing",
        "json": _JSON,
    },
)
def compress(ctx, dataset=None, jobs=None, force=False, dry_run=False, json=False):  # type: ignore[no-untyped-def]
    """Turn raw CSV into Parquet through DVC, which ties it to its input, spec and code.

    What is finished stays: run it again after an interruption, or when raw files came or changed.

    Example: invoke data.compress --dataset pems-detector --jobs 4
    """
    if dry_run:
        command = _module("data_convert", "convert", dry_run=True, dataset=dataset, force=force, json=json)
        return _run(ctx, command, is_for_programs=json)
    present = _known(dataset, with_raw_data=True)
    settings = {"SHRINKWRAP_JOBS": _threads(jobs), "SHRINKWRAP_FORCE": "1" if force else ""}
    with tempfile.TemporaryDirectory() as folder:
        failures = Path(folder) / "failures"
        command = ["dvc", "repro", "-q", "--keep-going", *(["--force"] if force else []), *_stages(present)]
        settings["SHRINKWRAP_FAILURES"] = str(failures)
        result = _try(ctx, command, is_for_programs=json, env=settings, hide="out" if json else None)
        told = failures.read_text(encoding="utf-8").splitlines() if failures.exists() else []
    if not result.ok and not told:
        _run(ctx, [word for word in command if word != "-q"], is_for_programs=json, env=settings)
    if told:
        failures_told = [loads(line) for line in told]
        if json:
            print(dumps({"failures": failures_told}, indent=2))
        raise Exit(code=max(failure["exit_code"] for failure in failures_told))
    _run(ctx, _module("data_convert", "report", dataset=present, json=json), is_for_programs=json)
    return None


@task(
    positional=["what"],
    help={
        "what": "a folder, a file, or the name of a dataset",
        "write": "add a table of that name to data/datasets.toml",
        "replace": "let --write replace the table of that name",
        "json": _JSON,
    },
)
def inspect(ctx, what, write=None, replace=False, json=False):  # type: ignore[no-untyped-def]
    """Read raw files whole and say what is in them: dialect, types, nulls, sizes, traps.

    Your own data takes two commands: put the files in data/raw/csv/NAME, then

    invoke data.inspect data/raw/csv/NAME --write NAME
    invoke data.compress --dataset NAME
    """
    _run(ctx, _module("data_convert", "inspect", what, write=write, replace=replace, json=json), is_for_programs=json)


@task(iterable=["dataset"], help={"dataset": _DATASET, "jobs": "processes (one per core)", "json": _JSON})
def verify(ctx, dataset=None, jobs=None, json=False):  # type: ignore[no-untyped-def]
    """Prove, by a second and independent reading of the CSV, that every kept value is in the Parquet.

    Example: invoke data.verify --dataset climate
    """
    _run(ctx, _module("data_convert", "verify", dataset=dataset, jobs=jobs, json=json), is_for_programs=json)


@task(
    iterable=["dataset"],
    help={
        "dataset": _DATASET,
        "up": "upload rate",
        "down": "download rate",
        "html": "write one self-contained page to this file",
        "json": _JSON,
    },
)
def report(ctx, dataset=None, up="4.056Mbps", down="24.518Mbps", html=None, json=False):  # type: ignore[no-untyped-def]
    """Show raw and Parquet sizes, their ratio, and what sharing takes before and after.

    Example: invoke data.report --up 10Mbps --down 50Mbps --html build/report.html
    """
    command = _module("data_convert", "report", dataset=dataset, up=up, down=down, html=html, json=json)
    _run(ctx, command, is_for_programs=json)


@task(iterable=["dataset"], help={"dataset": _DATASET})
def push(ctx, dataset=None):  # type: ignore[no-untyped-def]
    """Send the Parquet to the DVC remote; raw files are never sent.

    Example: invoke data.push --dataset climate
    """
    _run(ctx, ["dvc", "push", *_stages(_recorded(dataset))])


@task(iterable=["dataset"], help={"dataset": _DATASET})
def pull(ctx, dataset=None):  # type: ignore[no-untyped-def]
    """Get the Parquet that this commit records from the DVC remote.

    Example: invoke data.pull --dataset climate
    """
    result = _try(ctx, ["dvc", "pull", *_stages(_recorded(dataset))])
    if not result.ok:
        raise Exit(
            "error: not all of it could be pulled (see above). If the remote lacks it, someone who has it"
            " runs `invoke data.push`; from raw files, `invoke data.compress` makes it anew.",
            code=1,
        )


@task(iterable=["dataset"], help={"dataset": _DATASET})
def status(ctx, dataset=None):  # type: ignore[no-untyped-def]
    """Say what changed since the last data.compress, and what the remote lacks.

    Example: invoke data.status
    """
    stages = _stages(_recorded(dataset))
    _run(ctx, ["dvc", "status", *stages])
    _run(ctx, ["dvc", "status", "--cloud", *stages])


namespace = Collection(data=Collection(compress, inspect, pull, push, report, sample, status, verify))

"""Brings datasets up to date whose output is in a bucket: without DVC, recorded in `data/buckets.lock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from data_convert import bucket_record
from dataset_spec import DATASETS_FILE, read_datasets
from shrinkwrap.buckets_lock import BUCKETS_LOCK, read_buckets_lock, record_dataset
from shrinkwrap.stages import StageOutcome, run_program, stage_outcome, stage_settings
from terminal import EXIT_DONE, EXIT_INTERRUPTED, ShrinkwrapError, note

Record: TypeAlias = Mapping[str, Any]


@dataclass(kw_only=True)
class BucketOutcome:
    """What became of the datasets.

    Attributes:
        records: The state of each dataset that is up to date now.
    """

    outcome: StageOutcome
    records: dict[str, Record] = field(default_factory=dict)


def current_in_buckets(root: Path, names: Sequence[str] | None) -> dict[str, Record]:
    """The records of those of the named datasets, or of all, that are in a bucket and as `data/buckets.lock` says.

    Source and output are listed once each; no object is read.
    """
    tables, recorded = read_datasets(root), read_buckets_lock(root)
    found: dict[str, Record] = {}
    for name in names or tables:
        if name in recorded and name in tables and tables[name].is_output_in_bucket:
            # What the server refuses is reported by the conversion of this dataset.
            with suppress(ShrinkwrapError):
                found[name] = bucket_record(root, name)
    return {name: record for name, record in found.items() if record == recorded[name]}


def convert_in_buckets(
    root: Path, names: Sequence[str], *, outcome: StageOutcome, jobs: int | None, force: bool, is_quiet: bool
) -> BucketOutcome:
    """Convert the datasets one after the other. One that fails does not stop the others; Ctrl-C does.

    Args:
        root: The project.
        outcome: What became of other datasets before.
        is_quiet: Print nothing on standard output.
    """
    result = BucketOutcome(outcome=outcome)
    for name in names:
        if result.outcome.exit_code == EXIT_INTERRUPTED:
            break
        try:
            before = bucket_record(root, name)
            one = _run(root, name, jobs=jobs, force=force, is_quiet=is_quiet)
            if one.exit_code == EXIT_DONE:
                result.records[name] = _record(root, name, before)
        except ShrinkwrapError as error:
            note(f"error: {error}")
            failure = {"exit_code": error.exit_code, "error": str(error), "datasets": [name]}
            one = StageOutcome(exit_code=error.exit_code, failures=(failure,))
        result.outcome = _both(result.outcome, one)
    return result


def _run(root: Path, name: str, *, jobs: int | None, force: bool, is_quiet: bool) -> StageOutcome:
    """Run the program of DVC's stages with the arguments that they have."""
    file = root / DATASETS_FILE
    words = ["data_convert", "convert", "--file", file.name, "--dataset", name, "--metrics", f"reports/{name}.json"]
    with stage_settings(jobs=jobs, force=force) as settings:
        return stage_outcome(run_program(file.parent, words, settings, is_quiet=is_quiet), settings)


def _record(root: Path, name: str, before: Record) -> Record:
    after = bucket_record(root, name)
    if after["source"] != before["source"]:
        note(
            f"{name}: raw files changed during the conversion, so {BUCKETS_LOCK} does not record it. Run it again to"
            " convert them."
        )
        return after
    record_dataset(root, name, after, known=[t.name for t in read_datasets(root).values() if t.is_output_in_bucket])
    return after


def _both(first: StageOutcome, second: StageOutcome) -> StageOutcome:
    return StageOutcome(exit_code=max(first.exit_code, second.exit_code), failures=(*first.failures, *second.failures))

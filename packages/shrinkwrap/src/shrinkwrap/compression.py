"""Brings datasets up to date, through DVC if their Parquet is local, and measures what they have become."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data_convert import DatasetSizes, SizeReport, size_report, source_listing
from data_share import STAGE_LIST, write_stage_list
from dataset_spec import read_datasets
from shrinkwrap.bucket_compression import BucketOutcome, Record, convert_in_buckets
from shrinkwrap.stage_state import StageState, bucket_state, folder_digest, remember, remembered_report, stage_state
from shrinkwrap.stages import StageOutcome, run_stages
from terminal import EXIT_DONE, ShrinkwrapError


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """The outcome of the stages.

    Attributes:
        report: The sizes of the datasets, if all stages succeeded.
        stale: The datasets that DVC was asked to bring up to date, because something of them had changed.
    """

    outcome: StageOutcome
    report: SizeReport | None = None
    stale: tuple[str, ...] = ()


def compress_datasets(
    root: Path,
    names: Sequence[str],
    *,
    current: Mapping[str, Record] | None = None,
    jobs: int | None = None,
    force: bool = False,
    is_quiet: bool = False,
) -> Compressed:
    """Convert the datasets that changed. DVC is started only if there may be one.

    Args:
        root: The project.
        current: The records of datasets in buckets that are up to date.
        jobs: Threads; by default one per core.
        force: Convert finished parts again.
        is_quiet: Print nothing on standard output.
    """
    if (root / STAGE_LIST).exists():
        write_stage_list(root)  # A dataset may have been removed from the description.
    tables, records = read_datasets(root), dict(current or {})
    in_folders = [name for name in names if not tables[name].is_output_in_bucket]
    before = _states(root, in_folders)
    known = {} if force else _known(root, {**before, **_bucket_states(records)})
    stale = [name for name in in_folders if name not in known]
    outcome = StageOutcome(exit_code=EXIT_DONE)
    if stale:
        outcome = run_stages(root, stale, jobs=jobs, force=force, is_quiet=is_quiet)
    in_buckets = [name for name in names if tables[name].is_output_in_bucket and name not in records]
    converted = BucketOutcome(outcome=outcome)
    if in_buckets:
        converted = convert_in_buckets(root, in_buckets, outcome=outcome, jobs=jobs, force=force, is_quiet=is_quiet)
    if converted.outcome.exit_code != EXIT_DONE:
        return Compressed(outcome=converted.outcome, stale=tuple(stale))
    report = size_report(root, names, known=known)
    after = {**_states(root, stale), **_bucket_states({**records, **converted.records})}
    for dataset in report.datasets:
        state = after.get(dataset.name)
        # A raw file that changed meanwhile may not be in the parts.
        if state is not None and state.raw == before.get(dataset.name, state).raw and dataset.name not in known:
            remember(root, dataset.name, state, asdict(dataset))
    return Compressed(outcome=converted.outcome, report=report, stale=tuple(stale))


def _states(root: Path, names: Sequence[str]) -> dict[str, StageState]:
    tables = read_datasets(root)
    return {name: stage_state(root, name, tables[name].source_path, _raw_digest(root, name)) for name in names}


def _raw_digest(root: Path, name: str) -> str:
    table = read_datasets(root)[name]
    if not table.is_source_in_bucket:
        return folder_digest(root / table.source_path)
    try:
        return source_listing(root, name).sha256
    except ShrinkwrapError:
        # A state that no other one equals: DVC's stage reports what the server refuses.
        return uuid.uuid4().hex


def _bucket_states(records: Mapping[str, Record]) -> dict[str, StageState]:
    return {name: bucket_state(record) for name, record in records.items()}


def _known(root: Path, states: Mapping[str, StageState]) -> dict[str, DatasetSizes]:
    records = {name: remembered_report(root, name, state) for name, state in states.items()}
    found = {name: DatasetSizes.from_record(record) for name, record in records.items() if record is not None}
    return {name: sizes for name, sizes in found.items() if sizes is not None}

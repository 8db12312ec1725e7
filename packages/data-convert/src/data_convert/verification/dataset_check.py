"""Proves that the Parquet of a dataset has every kept value of every raw row and no other."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

from data_convert.errors import FailedWorkError
from data_convert.reading.sources import find_sources, group_into_parts, with_raw_data
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs, select_specs
from data_convert.storage.opening import part_place, rejects_name, rejects_place, shown_rejects_place
from data_convert.storage.output_bucket import OutputBucket
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.verification.part_check import (
    SHOWN_FINDINGS,
    Finding,
    PartCheck,
    PartVerdict,
    without_garbage_collection,
)
from data_convert.verification.settled_columns import settled_columns
from data_convert.writing.provenance import read_provenance
from dataset_spec import DATASETS_FILE
from terminal import count_text, progress

_WORTH_A_PROCESS_BYTES: Final = 16 << 20
"""With fewer raw bytes, starting processes takes longer than reading."""

_SMALL_BYTES: Final = 1 << 17
"""A part of a bucket with fewer raw bytes waits for the server more than it is compared, and needs little memory."""

_SMALL_PARTS: Final = 256
_BUCKET_THREADS: Final = 16

_REPORT_EVERY_S: Final = 0.2

_done: Any = None
"""In a worker process: the shared count of raw bytes that were compared."""


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """The result of the second reading.

    Attributes:
        parts: Parts that should exist.
        rows: Rows that were compared.
        values: Cells that were compared.
        rejects: Rows that do not fit the spec.
        absent_rejects: Rejects whose files are not here, so only their number was compared.
        rejects_where: Where the rejects files are, for messages.
        findings: Differences between Parquet and raw files, at most SHOWN_FINDINGS.
    """

    dataset: str
    parts: int
    rows: int
    values: int
    rejects: int
    absent_rejects: int
    findings: tuple[Finding, ...]
    rejects_where: str = ""

    @property
    def is_clean(self) -> bool:
        """Whether the Parquet has every kept value of every row, and no other."""
        return not self.findings

    def facts(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "dataset": self.dataset,
            "is_clean": self.is_clean,
            "parts": self.parts,
            "rows": self.rows,
            "values": self.values,
            "rejects": self.rejects,
            "absent_rejects": self.absent_rejects,
            "findings": [finding.facts() for finding in self.findings],
        }


def verify_datasets(
    root: Path,
    names: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    on_report: Callable[[VerifyReport], None] = lambda _: None,
) -> list[VerifyReport]:
    """Verify the named datasets, or all that have raw files, and show progress on standard error.

    Args:
        root: The project.
        jobs: Processes; by default one per core.
        on_report: Called with the report of each dataset as soon as it is complete.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, a name is unknown, or raw data are missing.
    """
    data_folder = (root / DATASETS_FILE).parent
    specs = select_specs(load_specs(root / DATASETS_FILE), names)
    reports = []
    for spec in with_raw_data(specs, data_folder, is_each_required=bool(names)):
        size_bytes = sum(source.size_bytes for source in find_sources(data_folder, spec))
        with progress(f"{spec.name}: reading again", size_bytes) as on_bytes:
            reports.append(verify_dataset(spec, data_folder=data_folder, jobs=jobs, on_bytes=on_bytes))
        on_report(reports[-1])
    return reports


def verify_text(report: VerifyReport) -> str:
    """The report for the user: one line, or one line per finding."""
    if not report.is_clean:
        findings = "".join(f"\n  {finding}" for finding in report.findings)
        return f"{report.dataset}: NOT all of the raw data is in the Parquet:{findings}"
    return (
        f"{report.dataset}: every value is in the Parquet: {count_text(report.values, 'value')} of"
        f" {count_text(report.rows, 'row')} in {count_text(report.parts, 'part')},"
        f" {count_text(report.rejects, 'reject')}{_absence(report)}"
    )


def _absence(report: VerifyReport) -> str:
    if not report.absent_rejects:
        return ""
    return (
        f" ({report.absent_rejects:,} not in {report.rejects_where}, so only their number was compared;"
        f" `invoke data.compress --dataset {report.dataset} --force` writes them)"
    )


def verify_dataset(
    spec: DatasetSpec,
    *,
    data_folder: Path,
    jobs: int | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Read all raw files of the dataset again, and compare them with its Parquet.

    Args:
        data_folder: Folder of datasets.toml.
        jobs: Processes; by default one per core. A part is checked by one process.
        on_bytes: Called with the number of raw bytes compared since the previous call.

    Raises:
        DataConvertError: There are no raw files, or they cannot be grouped into parts.
    """
    output = part_place(data_folder, spec.output)
    rejects = rejects_place(data_folder, spec.name, spec.output)
    existing, kept_rejects = output.files(), rejects.files()
    sources = find_sources(data_folder, spec)
    spec, parts = settled_columns(spec, sources), group_into_parts(spec, sources)
    checks = [
        PartCheck(
            spec=spec,
            name=name,
            output=output,
            part=existing.get(name),
            rejects=rejects,
            rejects_file=kept_rejects.get(rejects_name(name)),
            sources=tuple(read),
        )
        for name, read in parts.items()
    ]
    verdicts = list(_verdicts(checks, jobs or os.cpu_count() or 1, on_bytes or (lambda _: None)))
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    findings += _obsolete(output, [file for name, file in existing.items() if name not in parts])
    return VerifyReport(
        dataset=spec.name,
        parts=len(checks),
        rows=sum(verdict.rows for verdict in verdicts),
        values=sum(verdict.values for verdict in verdicts),
        rejects=sum(verdict.rejects for verdict in verdicts),
        absent_rejects=sum(verdict.absent_rejects for verdict in verdicts),
        findings=tuple(findings[:SHOWN_FINDINGS]),
        rejects_where=shown_rejects_place(spec.name, spec.output),
    )


def _obsolete(output: OutputPlace, files: Sequence[OutputFile]) -> Iterator[Finding]:
    """Parts whose sources were removed: a program that reads the folder would read them too."""
    problem = "the raw files of this part were removed; `invoke data.compress` removes the part"
    for file in files:
        with output.open(file) as opened:
            if read_provenance(opened) is not None:
                yield Finding(part=file.name, problem=problem)


def _verdicts(checks: Sequence[PartCheck], jobs: int, on_bytes: Callable[[int], None]) -> Iterator[PartVerdict]:
    batches = list(_batches(_largest_first(checks)))
    size_bytes = sum(map(_raw_bytes, checks))
    if min(jobs, len(batches)) < 2 or size_bytes < _WORTH_A_PROCESS_BYTES:
        found = [verdict for batch in batches for verdict in _verdicts_of(batch, on_bytes)]
    else:
        found = _verdicts_of_processes(batches, jobs, on_bytes)
    verdicts = {verdict.part: verdict for verdict in found}
    yield from (verdicts[check.name] for check in checks)


def _verdicts_of_processes(
    batches: Sequence[Sequence[PartCheck]], jobs: int, on_bytes: Callable[[int], None]
) -> list[PartVerdict]:
    # Not "fork", which would copy the locks of Arrow's threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with _pool(min(jobs, len(batches)), context, counter) as pool:
        futures = [pool.submit(_verdicts_in_worker, batch) for batch in batches]
        _report_until_done(futures, counter, on_bytes)
        return [verdict for future in futures for verdict in future.result()]


def _batches(checks: Sequence[PartCheck]) -> Iterator[list[PartCheck]]:
    """Each part alone; small parts in a bucket together, so that they do not wait for the server one by one."""
    small = [check for check in checks if _raw_bytes(check) < _SMALL_BYTES and _is_in_bucket(check)]
    alone = {check.name for check in checks} - {check.name for check in small}
    yield from ([check] for check in checks if check.name in alone)
    for start in range(0, len(small), _SMALL_PARTS):
        yield small[start : start + _SMALL_PARTS]


def _verdicts_of(batch: Sequence[PartCheck], on_bytes: Callable[[int], None]) -> list[PartVerdict]:
    if len(batch) == 1:
        return [batch[0].verdict(on_bytes)]
    lock = Lock()

    def count(size_bytes: int) -> None:
        with lock:
            on_bytes(size_bytes)

    # Here and not by each thread, because it is one setting of the process.
    with without_garbage_collection(), ThreadPoolExecutor(_BUCKET_THREADS) as threads:
        return list(threads.map(lambda check: check.verdict(count), batch))


def _raw_bytes(check: PartCheck) -> int:
    return sum(source.size_bytes for source in check.sources)


def _is_in_bucket(check: PartCheck) -> bool:
    return isinstance(check.output, OutputBucket) or any(source.file.version for source in check.sources)


@contextmanager
def _pool(workers: int, context: Any, counter: Any) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_set_up_worker, initargs=(counter,))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise FailedWorkError(
            "a worker process was killed, probably because memory ran out. Run again with `--jobs 1`."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _set_up_worker(counter: Any) -> None:
    global _done
    _done = counter


def _verdicts_in_worker(batch: Sequence[PartCheck]) -> list[PartVerdict]:
    def count(size_bytes: int) -> None:
        with _done.get_lock():
            _done.value += size_bytes

    return _verdicts_of(batch, count)


def _largest_first(checks: Sequence[PartCheck]) -> list[PartCheck]:
    return sorted(checks, key=lambda check: -_raw_bytes(check))


def _report_until_done(
    futures: Sequence[Future[list[PartVerdict]]], counter: Any, on_bytes: Callable[[int], None]
) -> None:
    reported, is_waiting = 0, True
    while is_waiting:
        is_waiting = bool(wait(futures, timeout=_REPORT_EVERY_S).not_done)
        now = int(counter.value)
        on_bytes(now - reported)
        reported = now

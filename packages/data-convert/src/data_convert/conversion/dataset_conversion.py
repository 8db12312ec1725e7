"""Converts a dataset: every stale part, several in parallel, each written completely or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from data_convert.conversion.conversion_report import ConversionReport, PartReport
from data_convert.conversion.memory import keep_freed_memory
from data_convert.conversion.part_job import PartJob, convert_part
from data_convert.conversion.plan import ConversionPlan, plan_conversion
from data_convert.conversion.source_tables import ThreadedReader
from data_convert.errors import InterruptedConversionError, failed_parts_error
from data_convert.expectations.part_check import expectation_count
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.opening import rejects_name, shown_rejects_place
from data_convert.storage.output_folder import OutputFolder
from data_convert.writing.rejects_file import former_rejects_files, move_rejects_file
from terminal import OnBytes, ShrinkwrapError

_LARGE_PART_BYTES: Final = 32 << 20
"""Parts with more raw bytes are converted one after the other: each keeps all threads busy with its own blocks, and
has up to two row groups in memory (about 400 MB). Smaller parts are converted in parallel."""

RunParts: TypeAlias = Callable[[ConversionPlan], Sequence[PartReport | ShrinkwrapError]]
"""Converts all stale parts of a plan; a part that fails does not stop the others."""


def convert_dataset(
    spec: DatasetSpec,
    *,
    data_folder: Path,
    jobs: int | None = None,
    force: bool = False,
    on_bytes: OnBytes | None = None,
    plan: ConversionPlan | None = None,
    run_parts: RunParts | None = None,
) -> ConversionReport:
    """Bring the dataset's Parquet up to date with its raw files.

    Finished parts stay; parts whose sources were removed are removed; a failing part does not affect the others.

    Args:
        data_folder: Folder of datasets.toml; `spec.source` and `spec.output` are relative to it.
        jobs: Threads; by default one per core. The result does not depend on it.
        force: Convert finished parts again.
        on_bytes: Called with the number of raw bytes read since the previous call, from any thread.
        plan: The result of `plan_conversion`, if the caller has it already.
        run_parts: Converts the stale parts; by default threads of this process do.

    Raises:
        DataConvertError: Wrong input or failed work; finished parts stay.
    """
    keep_freed_memory()
    jobs = jobs or os.cpu_count() or 1
    plan = plan or plan_conversion(spec, data_folder, force=force, jobs=jobs)
    with plan.output.exclusive_use():
        _remove_leftovers(plan)
        _move_former_rejects(plan)
        run_parts = run_parts or _ThreadedRun(jobs=jobs, on_bytes=on_bytes or (lambda _: None)).outcomes
        return _report(plan, run_parts(plan))


def _remove_leftovers(plan: ConversionPlan) -> None:
    """Remove what a killed conversion left, and parts and rejects files whose sources were removed."""
    plan.output.remove_leftovers()
    plan.rejects.remove_leftovers()
    plan.output.remove(plan.obsolete)
    plan.rejects.remove(plan.obsolete_rejects)


def _move_former_rejects(plan: ConversionPlan) -> None:
    """Move the rejects files out of the output folder, where the conversion wrote them until format 2."""
    if not isinstance(plan.output, OutputFolder) or not isinstance(plan.rejects, OutputFolder):
        return
    targets = {part.name: plan.rejects.path(rejects_name(part.name)) for part in plan.parts}
    for part, path in former_rejects_files(plan.output.folder):
        if part in targets:
            move_rejects_file(path, targets[part])
        else:
            path.unlink()


def _report(plan: ConversionPlan, outcomes: Sequence[PartReport | ShrinkwrapError]) -> ConversionReport:
    failures = [outcome for outcome in outcomes if isinstance(outcome, ShrinkwrapError)]
    if failures:
        raise failed_parts_error(failures, len(plan.stale))
    kept = [
        PartReport.of(part.name, part.provenance, size_bytes=part.size_bytes, is_converted=False)
        for part in plan.parts
        if part.provenance is not None
    ]
    converted = [outcome for outcome in outcomes if isinstance(outcome, PartReport)]
    return ConversionReport(
        dataset=plan.spec.name,
        where=plan.output.where,
        rejects_where=shown_rejects_place(plan.spec.name, plan.spec.output),
        parts=tuple(sorted(kept + converted, key=lambda part: part.name)),
        removed=tuple(PurePosixPath(name).name for name in plan.obsolete),
        expectations=expectation_count(plan.spec),
    )


@dataclass(kw_only=True)
class _ThreadedRun:
    """The conversion of parts in threads of this process."""

    jobs: int
    on_bytes: OnBytes
    is_stopped: threading.Event = field(default_factory=threading.Event)
    large_part: threading.Lock = field(default_factory=threading.Lock)

    def outcomes(self, plan: ConversionPlan) -> list[PartReport | ShrinkwrapError]:
        # Two pools: a part waits for its blocks, so parts and blocks in one pool could wait for each other forever.
        with ThreadPoolExecutor(self.jobs) as parsers, ThreadPoolExecutor(self.jobs) as parts:
            futures: list[Future[PartReport]] = []
            try:
                futures += (parts.submit(self._convert, plan.job(part), parsers) for part in plan.stale)
                return [_outcome(future) for future in futures]
            except KeyboardInterrupt:
                self.is_stopped.set()
                finished = sum(f.done() and f.exception() is None for f in futures)
                before = len(plan.parts) - len(plan.stale)
                raise InterruptedConversionError(before + finished, len(plan.parts)) from None

    def _convert(self, job: PartJob, parsers: ThreadPoolExecutor) -> PartReport:
        if job.raw_bytes <= _LARGE_PART_BYTES:
            return self._convert_now(job, parsers)
        with self.large_part:
            return self._convert_now(job, parsers)

    def _convert_now(self, job: PartJob, parsers: ThreadPoolExecutor) -> PartReport:
        self._check_stop()

        def reader(on_bytes: OnBytes, own: Executor | None) -> ThreadedReader:
            return ThreadedReader(
                parsers=own or parsers, jobs=self.jobs, on_bytes=on_bytes, check_stop=self._check_stop
            )

        return convert_part(job, reader, on_bytes=self.on_bytes, check_stop=self._check_stop)

    def _check_stop(self) -> None:
        if self.is_stopped.is_set():
            raise InterruptedConversionError(0, 1)


def _outcome(future: Future[PartReport]) -> PartReport | ShrinkwrapError:
    try:
        return future.result()
    # Also what the server of a bucket refuses: one object of many may be denied.
    except ShrinkwrapError as error:
        return error

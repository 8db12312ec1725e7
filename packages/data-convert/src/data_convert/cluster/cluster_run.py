"""Runs the parts of a conversion on a cluster, and takes the outcomes as they come."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from data_convert.cluster.batches import Capacity, batches
from data_convert.cluster.errors import ClusterError, Failure
from data_convert.cluster.tasks import Batch, Outcome, await_idle, run_batch
from data_convert.cluster.versions import check_workers, code_versions
from data_convert.cluster.work_progress import WorkProgress
from data_convert.conversion.conversion_report import PartReport
from data_convert.conversion.part_job import PartJob
from data_convert.conversion.plan import ConversionPlan
from data_convert.errors import InterruptedConversionError
from data_convert.storage.local_file import LocalFile
from data_convert.storage.output_folder import OutputFolder
from terminal import EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError, count_text, size_text

_STOP_TIMEOUT_S: Final = 30


@dataclass(kw_only=True)
class ClusterRun:
    """The conversion of one dataset on the workers of a client.

    Attributes:
        data_folder: Folder of datasets.toml, for messages.
    """

    client: Any
    data_folder: Path
    progress: WorkProgress
    _topic: str = field(default_factory=lambda: f"shrinkwrap-{uuid.uuid4().hex}")
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _is_retried: set[str] = field(default_factory=set)

    def outcomes(self, plan: ConversionPlan) -> list[PartReport | ShrinkwrapError]:
        """Convert all stale parts.

        Raises:
            ClusterError: The scheduler is lost, or a worker runs other code.
            InterruptedConversionError: The user stopped the conversion.
        """
        jobs = [_absolute(plan.job(part)) for part in plan.stale]
        if not jobs:
            return []
        check_workers(self.client)
        self.client.subscribe_topic(self._topic, self.progress.on_event)
        tasks = batches(jobs, capacity=self._capacity(), topic=self._topic)
        try:
            self._run(tasks)
        except KeyboardInterrupt:
            raise InterruptedConversionError(self._finished(plan), len(plan.parts)) from None
        except _SchedulerLost as error:
            raise ClusterError(
                f"the scheduler at {self.client.scheduler.address} is lost ({error}): {self._finished(plan)} of"
                f" {len(plan.parts)} parts are finished and stay. Run the same command again to convert the others."
            ) from error
        finally:
            self.progress.end()
        return [self._result(self._outcomes[job.name]) for job in jobs]

    def _capacity(self) -> Capacity:
        return Capacity.of(self.client.scheduler_info(n_workers=-1)["workers"])

    def _finished(self, plan: ConversionPlan) -> int:
        converted = sum(isinstance(outcome, PartReport) for outcome in self._outcomes.values())
        return len(plan.parts) - len(plan.stale) + converted

    def _run(self, tasks: Iterable[Batch]) -> None:
        from distributed import as_completed

        running = {self._submit(batch): batch for batch in tasks}
        completed = as_completed(list(running), loop=self.client.loop)
        try:
            for future in completed:
                batch = running.pop(future)
                for again in self._taken(batch, future):
                    task = self._submit(again)
                    running[task] = again
                    completed.add(task)
        finally:
            if running:
                self._stop(list(running))

    def _submit(self, batch: Batch) -> Any:
        return self.client.submit(run_batch, pickle.dumps(batch), code_versions(), pure=False)

    def _taken(self, batch: Batch, future: Any) -> list[Batch]:
        """Take the outcomes of a task; return the tasks that replace it."""
        if future.status == "finished":
            for job, outcome in zip(batch.jobs, future.result(), strict=True):
                self._outcomes[job.name] = outcome
                if isinstance(outcome, PartReport):
                    self.progress.finish(job.name, job.raw_bytes, outcome.rows)
            return []
        if future.status != "error":
            raise _SchedulerLost(future.status)
        error = future.exception()
        if isinstance(error, ShrinkwrapError):
            raise error
        if len(batch.jobs) > 1:
            # One part of them may be what the worker had not enough memory for.
            return [replace(batch, jobs=(job,)) for job in batch.jobs]
        (job,) = batch.jobs
        if isinstance(error, MemoryError) and job.name not in self._is_retried:
            self._is_retried.add(job.name)
            return [batch]
        self._outcomes[job.name] = Failure(text=_failure_text(job, error), exit_code=EXIT_FAILED)
        return []

    def _stop(self, futures: list[Any]) -> None:
        """Cancel the tasks, and wait until no worker writes any more."""
        with suppress(Exception):
            self.client.cancel(futures, force=True)
            self.client.run(await_idle, _STOP_TIMEOUT_S, on_error="ignore")

    def _result(self, outcome: Outcome) -> PartReport | ShrinkwrapError:
        if isinstance(outcome, PartReport):
            return outcome
        if outcome.exit_code == EXIT_INTERRUPTED:
            return ClusterError(outcome.text)
        return replace(outcome, text=self._local_text(outcome.text)).error()

    def _local_text(self, text: str) -> str:
        """The message with the paths that the user knows: workers are in other folders, so they have absolute ones."""
        return text.replace(f"{self.data_folder.absolute()}/", str(self.data_folder / "x")[:-1])


class _SchedulerLost(Exception):
    """The connection to the scheduler is closed."""


def _absolute(job: PartJob) -> PartJob:
    sources = tuple(
        replace(source, file=replace(source.file, path=source.file.path.absolute()))
        if isinstance(source.file, LocalFile)
        else source
        for source in job.sources
    )
    return replace(job, sources=sources, output=_absolute_place(job.output), rejects=_absolute_place(job.rejects))


def _absolute_place(place: Any) -> Any:
    return replace(place, folder=place.folder.absolute()) if isinstance(place, OutputFolder) else place


def _failure_text(job: PartJob, error: BaseException) -> str:
    """Why a task could not be run, without traceback."""
    place = f"{job.name} ({size_text(job.raw_bytes)} of raw files in {count_text(len(job.sources), 'file')})"
    worker = getattr(error, "last_worker", None)
    if worker is not None:
        limit = getattr(worker, "memory_limit", 0)
        memory = f", which may use {size_text(limit)} of memory" if limit else ""
        return (
            f"{place}: two or more workers died while they converted it, the last one {worker.address}{memory}."
            " Probably it needs more memory: start workers with more (`--memory-limit`) or fewer threads."
        )
    if isinstance(error, MemoryError):
        return (
            f"{place}: a worker had not enough memory for it, twice ({error}). Start workers with more memory"
            " (`--memory-limit`) or fewer threads."
        )
    return f"{place}: a worker failed: {error!r}"

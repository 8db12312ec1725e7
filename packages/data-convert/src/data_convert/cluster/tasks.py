"""What a worker runs: one or more parts, one after the other."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeAlias

from data_convert.cluster.errors import Failure
from data_convert.cluster.split_reader import SPLIT_BYTES, SplitReader
from data_convert.cluster.versions import Versions, check_worker, code_versions
from data_convert.conversion.conversion_report import PartReport
from data_convert.conversion.memory import keep_freed_memory
from data_convert.conversion.part_job import PartJob, convert_part
from data_convert.conversion.source_tables import MakeReader, ThreadedReader
from data_convert.errors import InterruptedConversionError
from terminal import OnBytes, ShrinkwrapError

Outcome: TypeAlias = PartReport | Failure

_SPLIT_PRIORITY: Final = 10
"""Ranges come before parts, because a part waits for them."""

_REPORT_EVERY_S: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Parts that one task converts.

    Attributes:
        topic: Where the task reports its progress.
        ahead: How many ranges of a long file are in progress at the same time; 0 if it is not split.
        machine_tasks: How many tasks share the cores of the machine.
    """

    jobs: tuple[PartJob, ...]
    topic: str
    ahead: int = 0
    machine_tasks: int = 1

    @property
    def raw_bytes(self) -> int:
        """Bytes of the sources of all parts."""
        return sum(job.raw_bytes for job in self.jobs)


def run_batch(payload: bytes, expected: Versions) -> list[Outcome]:
    """Convert the parts of a pickled Batch.

    It is unpickled only after the versions were compared: other code may not know its classes.

    Raises:
        ClusterError: This worker runs other code than the client.
    """
    from distributed import get_worker

    worker = get_worker()
    check_worker(worker.address, code_versions(), expected)
    keep_freed_memory()
    batch: Batch = pickle.loads(payload)
    threads = max(1, (os.cpu_count() or 1) // batch.machine_tasks)
    task = _RunningTask(worker=worker, key=_task_key(), topic=batch.topic, threads=threads)
    with _running():
        return [task.converted(job, batch.ahead) for job in batch.jobs]


_running_tasks = 0
_count_lock = threading.Lock()


@contextmanager
def _running() -> Iterator[None]:
    """Count this task among those of the process."""
    global _running_tasks
    with _count_lock:
        _running_tasks += 1
    try:
        yield
    finally:
        with _count_lock:
            _running_tasks -= 1


async def await_idle(timeout_s: float) -> bool:
    """Wait in the worker until no task runs any more: Dask does not wait for tasks that it cancels."""
    end = time.monotonic() + timeout_s
    while _running_tasks and time.monotonic() < end:
        await asyncio.sleep(0.02)
    return not _running_tasks


def _task_key() -> str:
    from distributed.worker import thread_state

    return str(thread_state.key)


@dataclass(kw_only=True)
class _RunningTask:
    """The task that this thread runs.

    Attributes:
        threads: How many blocks it parses at the same time.
    """

    worker: Any
    key: str
    topic: str
    threads: int
    _bytes: int = 0
    _reported_at: float = field(default_factory=time.monotonic)

    def converted(self, job: PartJob, ahead: int) -> Outcome:
        self._bytes = 0
        on_bytes = partial(self._add_bytes, job.name)
        try:
            self.check_stop()
            with ThreadPoolExecutor(self.threads) as parsers, self._reader(parsers, ahead) as reader:
                report = convert_part(job, reader, on_bytes=on_bytes, check_stop=self.check_stop)
        except ShrinkwrapError as error:
            return Failure.of(error)
        self._report(job.name, job.raw_bytes, report.rows)
        return report

    @contextmanager
    def _reader(self, parsers: ThreadPoolExecutor, ahead: int) -> Iterator[MakeReader]:
        def threaded(on_bytes: OnBytes, own: Executor | None) -> ThreadedReader:
            return ThreadedReader(
                parsers=own or parsers, jobs=self.threads, on_bytes=on_bytes, check_stop=self.check_stop
            )

        if not ahead:
            yield threaded
            return
        from distributed import worker_client

        # The task leaves its slot to the ranges that it waits for.
        with worker_client() as client:
            yield lambda on_bytes, own: SplitReader(
                submit=partial(client.submit, pure=False, priority=_SPLIT_PRIORITY),
                ahead=ahead,
                smaller=threaded(on_bytes, own),
                on_bytes=on_bytes,
                check_stop=self.check_stop,
                split_bytes=SPLIT_BYTES,
            )

    def check_stop(self) -> None:
        """End the task once it is cancelled or its client is gone: a thread cannot be stopped from outside."""
        state = self.worker.state.tasks.get(self.key)
        if state is None or state.state == "cancelled":
            raise InterruptedConversionError(0, 1)

    def _add_bytes(self, part: str, size_bytes: int) -> None:
        self._bytes += size_bytes
        if time.monotonic() - self._reported_at >= _REPORT_EVERY_S:
            self._report(part, self._bytes, 0)

    def _report(self, part: str, size_bytes: int, rows: int) -> None:
        self._reported_at = time.monotonic()
        # Totals and not steps, so that a part that is converted again is not counted twice.
        self.worker.log_event(self.topic, {"part": part, "bytes": size_bytes, "rows": rows})

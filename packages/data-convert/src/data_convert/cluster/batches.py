"""Divides the parts of a conversion into tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from data_convert.cluster.split_reader import SPLIT_BYTES, can_be_split
from data_convert.cluster.tasks import Batch
from data_convert.conversion.part_job import PartJob

_BATCH_BYTES: Final = 16 << 20
_BATCH_PARTS: Final = 64
"""A task costs some milliseconds on the scheduler; many small parts share them."""

_RANGES_AHEAD: Final = 2
"""Ranges in progress or waiting, for each worker: more would only take memory."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a cluster can run at the same time.

    Attributes:
        machine_tasks: Most tasks that one of its machines runs at the same time.
    """

    workers: int
    machines: int = 1
    machine_tasks: int = 1

    @classmethod
    def of(cls, workers: Mapping[str, Any]) -> Self:
        """The capacity of the workers that a scheduler lists: address -> its `host` and `nthreads`."""
        tasks: Counter[str] = Counter()
        for worker in workers.values():
            tasks[worker["host"]] += worker["nthreads"]
        return cls(
            workers=max(1, len(workers)), machines=max(1, len(tasks)), machine_tasks=max(tasks.values(), default=1)
        )


def batches(jobs: Sequence[PartJob], *, capacity: Capacity, topic: str) -> list[Batch]:
    """The tasks, those with the most bytes first, so that the last ones to run are short."""
    total = sum(job.raw_bytes for job in jobs)
    # Several batches for each worker, so that all have work until the end.
    limit = min(_BATCH_BYTES, total // (4 * capacity.workers))
    found = [_batch(group, total // capacity.workers, capacity, topic) for group in _groups(jobs, limit)]
    return sorted(found, key=lambda batch: -batch.raw_bytes)


def _batch(group: tuple[PartJob, ...], share: int, capacity: Capacity, topic: str) -> Batch:
    """A task. If its part is more than the share of a worker, others have no work at its end."""
    is_longest = max(job.raw_bytes for job in group) > share
    return Batch(
        jobs=group,
        topic=topic,
        ahead=_ahead(group, share, capacity),
        machine_tasks=1 if is_longest else capacity.machine_tasks,
    )


def _groups(jobs: Sequence[PartJob], limit: int) -> Iterator[tuple[PartJob, ...]]:
    group: list[PartJob] = []
    for job in sorted(jobs, key=lambda job: -job.raw_bytes):
        if group and (len(group) == _BATCH_PARTS or sum(j.raw_bytes for j in group) + job.raw_bytes > limit):
            yield tuple(group)
            group = []
        group.append(job)
    if group:
        yield tuple(group)


def _ahead(group: Sequence[PartJob], share: int, capacity: Capacity) -> int:
    """How many ranges are in progress; 0 if splitting the part would not end the conversion earlier."""
    if capacity.machines == 1:
        # Threads of the worker that writes the part use the cores of its machine, without a transfer of rows.
        return 0
    longest = max(
        (source.size_bytes for job in group for source in job.sources if can_be_split(source, job.spec.dialect)),
        default=0,
    )
    return _RANGES_AHEAD * capacity.workers if longest >= SPLIT_BYTES and longest > share else 0

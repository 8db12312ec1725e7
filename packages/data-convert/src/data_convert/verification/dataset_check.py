"""Proves that the Parquet of a dataset holds every kept value of every raw row and nothing else, or says where not."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data_convert.errors import LostWorkerError
from data_convert.provenance import read_provenance
from data_convert.sources import Source, find_sources, group_into_parts
from data_convert.spec import DatasetSpec
from data_convert.verification.part_check import SHOWN_FINDINGS, Finding, PartCheck, PartVerdict

_WORTH_A_PROCESS_BYTES: Final = 16 << 20
"""Raw bytes below which starting processes takes longer than reading."""

_LOOK_EVERY_S: Final = 0.2

_done: Any = None
"""In a worker: the shared count of raw bytes dealt with."""


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """What the second reading found.

    Attributes:
        parts: Parts that there should be.
        rows: Rows that were compared.
        values: Cells that were compared.
        rejects: Rows that do not fit the spec.
        findings: Where Parquet and raw files differ, at most SHOWN_FINDINGS.
    """

    dataset: str
    parts: int
    rows: int
    values: int
    rejects: int
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every kept value of every row is in the Parquet, and nothing else."""
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
            "findings": [finding.facts() for finding in self.findings],
        }


def verify_dataset(
    spec: DatasetSpec,
    *,
    root: Path,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Read all raw files of the dataset again, and compare them with its Parquet.

    Args:
        root: Folder of datasets.toml.
        jobs: Processes; by default one per core. A part is checked by one process.
        progress: Told of raw bytes as they are dealt with.

    Raises:
        DataConvertError: There are no raw files, or they do not map to parts.
    """
    folder = root / spec.output
    parts = group_into_parts(spec, find_sources(root, spec))
    checks = [PartCheck(spec=spec, path=folder / name, name=name, sources=tuple(s)) for name, s in parts.items()]
    verdicts = list(_verdicts(checks, jobs or os.cpu_count() or 1, progress or (lambda _: None)))
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    findings += _foreign(folder, {check.path for check in checks})
    return VerifyReport(
        dataset=spec.name,
        parts=len(checks),
        rows=sum(verdict.rows for verdict in verdicts),
        values=sum(verdict.values for verdict in verdicts),
        rejects=sum(verdict.rejects for verdict in verdicts),
        findings=tuple(findings[:SHOWN_FINDINGS]),
    )


def _foreign(folder: Path, wanted: set[Path]) -> list[Finding]:
    """Parts of earlier runs whose sources are gone: whoever reads the folder reads them too."""
    return [
        Finding(
            part=path.relative_to(folder).as_posix(),
            says="no raw file stands for this part any more; `invoke data.compress` removes it",
        )
        for path in sorted(folder.rglob("*.parquet"))
        if path not in wanted and read_provenance(path) is not None
    ]


def _verdicts(checks: Sequence[PartCheck], jobs: int, progress: Callable[[int], None]) -> Iterator[PartVerdict]:
    size_bytes = sum(source.size_bytes for check in checks for source in check.sources)
    if min(jobs, len(checks)) < 2 or size_bytes < _WORTH_A_PROCESS_BYTES:
        yield from (check.verdict(progress) for check in checks)
        return
    context = multiprocessing.get_context("spawn")  # a fork copies Arrow's threads in the middle of their work
    counter = context.Value("q", 0)
    with _pool(min(jobs, len(checks)), context, counter) as pool:
        futures = [pool.submit(_verdict_in_worker, check) for check in _largest_first(checks)]
        _tell_until_done(futures, counter, progress)
        verdicts = {verdict.part: verdict for verdict in (future.result() for future in futures)}
    yield from (verdicts[check.name] for check in checks)


@contextmanager
def _pool(workers: int, context: Any, counter: Any) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_set_up_worker, initargs=(counter,))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise LostWorkerError from error
    finally:
        pool.shutdown(cancel_futures=True)


def _set_up_worker(counter: Any) -> None:
    global _done
    _done = counter


def _verdict_in_worker(check: PartCheck) -> PartVerdict:
    def count(size_bytes: int) -> None:
        with _done.get_lock():
            _done.value += size_bytes

    return check.verdict(count)


def _largest_first(checks: Sequence[PartCheck]) -> list[PartCheck]:
    def size_bytes(sources: Sequence[Source]) -> int:
        return sum(source.size_bytes for source in sources)

    return sorted(checks, key=lambda check: -size_bytes(check.sources))


def _tell_until_done(futures: Sequence[Future[PartVerdict]], counter: Any, progress: Callable[[int], None]) -> None:
    told, waiting = 0, True
    while waiting:
        waiting = bool(wait(futures, timeout=_LOOK_EVERY_S).not_done)
        now = int(counter.value)
        progress(now - told)
        told = now

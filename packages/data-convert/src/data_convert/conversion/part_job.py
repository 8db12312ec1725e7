"""One part as a unit of work: what it is made from, and where it goes. It can be sent to another process."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from data_convert.conversion.conversion_report import PartReport
from data_convert.conversion.inline_executor import InlineExecutor
from data_convert.conversion.part_conversion import PartConversion
from data_convert.conversion.source_tables import MakeReader, ReadSource
from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.opening import rejects_name
from data_convert.storage.output_place import OutputPlace
from data_convert.writing.part_writer import PartWriter, first_readable
from data_convert.writing.rejects_file import RejectsFile
from terminal import OnBytes

_SMALL_PART_BYTES: Final = 1 << 20
"""Parts with fewer raw bytes have one block each, so threads of their own make them no faster."""


@dataclass(frozen=True, kw_only=True)
class PartJob:
    """One part to convert.

    Attributes:
        spec: The description for the files of today.
        name: Its path below the output.
        output: Where the part goes.
        rejects: Where its rejects file goes.
    """

    spec: DatasetSpec
    name: str
    sources: tuple[Source, ...]
    output: OutputPlace
    rejects: OutputPlace

    @property
    def raw_bytes(self) -> int:
        """Bytes of its sources on disk."""
        return sum(source.size_bytes for source in self.sources)


def convert_part(job: PartJob, reader: MakeReader, *, on_bytes: OnBytes, check_stop: Callable[[], None]) -> PartReport:
    """Convert one part, completely or not at all.

    Args:
        on_bytes: Called with the number of raw bytes read since the previous call, from any thread.
        check_stop: Raises InterruptedConversionError once the user has interrupted the conversion.

    Raises:
        ShrinkwrapError: A source or the output cannot be used, or rows are not what the dataset expects.
    """
    progress = _Attempts(on_bytes)

    def attempt(without_delta: frozenset[str]) -> PartReport:
        progress.start_again()
        return _attempt(job, without_delta, partial(reader, progress), check_stop)

    return first_readable(attempt)


def _attempt(
    job: PartJob,
    without_delta: frozenset[str],
    reader: Callable[[Executor | None], ReadSource],
    check_stop: Callable[[], None],
) -> PartReport:
    started = time.perf_counter()
    is_small = job.raw_bytes <= _SMALL_PART_BYTES
    with (
        PartWriter(
            job.output.pending(job.name, check_stop=check_stop), job.spec, without_delta=without_delta
        ) as writer,
        RejectsFile(job.rejects, rejects_name(job.name)) as rejects,
        InlineExecutor() if is_small else ThreadPoolExecutor(1) as encoder,
    ):
        conversion = PartConversion(
            part=job.name,
            spec=job.spec,
            writer=writer,
            rejects=rejects,
            encoder=encoder,
            read_source=reader(encoder if is_small else None),
        )
        provenance = conversion.convert(job.sources)
    return PartReport.of(
        job.name,
        provenance,
        size_bytes=writer.size_bytes,
        is_converted=True,
        seconds=time.perf_counter() - started,
        examples=tuple(str(example) for found in conversion.changes for example in found.examples),
    )


class _Attempts:
    """Passes on the bytes of the present attempt, and takes back those of the one before."""

    def __init__(self, on_bytes: OnBytes) -> None:
        self._on_bytes = on_bytes
        self._total = 0

    def start_again(self) -> None:
        if self._total:
            self._on_bytes(-self._total)
        self._total = 0

    def __call__(self, size_bytes: int) -> None:
        self._total += size_bytes
        self._on_bytes(size_bytes)

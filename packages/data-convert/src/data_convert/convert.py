"""Converts a dataset: every part that is not finished, side by side, each whole or not at all."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from data_convert.blocks import BlockParser, RawLayout
from data_convert.errors import (
    DataConvertError,
    FailedPartsError,
    HeaderError,
    InterruptedConversionError,
    OutputError,
    Reject,
    RejectedRowsError,
    SourceError,
)
from data_convert.header import declared_layout, header_layout
from data_convert.parquet import TEMPORARY_PREFIX, PartWriter, rejects_path
from data_convert.plan import ConversionPlan, PlannedPart, plan_conversion
from data_convert.provenance import Provenance
from data_convert.records import Block, cut_blocks
from data_convert.report import ConversionReport, PartReport
from data_convert.rows import split_header
from data_convert.sources import Progress, Source, SourceFacts, open_source, telling
from data_convert.spec import DatasetSpec

SHOWN_REJECTS: Final = 20
"""How many rows that do not fit are told before a part is given up."""

_LARGE_PART_BYTES: Final = 32 << 20
"""Parts with more raw bytes are converted one after the other: each keeps all threads busy with its own blocks, and
holds up to two row groups in memory (about 400 MB). Smaller parts are converted side by side."""


_BLOCKS_AHEAD: Final = 4
"""Blocks of one part that are parsed side by side at most: more would cost memory, and reading is no faster."""


def convert_dataset(
    spec: DatasetSpec,
    *,
    root: Path,
    jobs: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
    plan: ConversionPlan | None = None,
) -> ConversionReport:
    """Bring the dataset's Parquet up to date with its raw files.

    Finished parts stay; parts whose sources are gone are removed; a part that fails leaves the others alone.

    Args:
        root: Folder of datasets.toml; `spec.source` and `spec.output` are relative to it.
        jobs: Threads; by default one per core. The result does not depend on it.
        force: Convert finished parts again.
        progress: Told of raw bytes read.
        plan: What `plan_conversion` said, if it has been asked already.

    Raises:
        DataConvertError: Wrong input or failed work; what was finished stays.
    """
    jobs = jobs or os.cpu_count() or 1
    plan = plan or plan_conversion(spec, root, force=force, jobs=jobs)
    with _alone_in(plan.folder):
        _remove_traces(plan)
        return _Run(plan=plan, jobs=jobs, progress=progress or (lambda _: None)).report()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Holds the output folder against a second conversion."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise DataConvertError(f"another conversion is writing to {folder}. Wait for it to end.") from None
    finally:
        os.close(descriptor)


def _remove_traces(plan: ConversionPlan) -> None:
    """Deletes half-written files of a killed run and parts whose sources are gone."""
    for path in (*plan.folder.rglob(f"{TEMPORARY_PREFIX}*"), *plan.leftover):
        path.unlink(missing_ok=True)
        if path in plan.leftover:
            rejects_path(path).unlink(missing_ok=True)


@dataclass(kw_only=True)
class _Run:
    """One conversion under way."""

    plan: ConversionPlan
    jobs: int
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    large: threading.Lock = field(default_factory=threading.Lock)

    def report(self) -> ConversionReport:
        todo = self.plan.todo
        kept = [PartReport.of(p, p.made, converted=False) for p in self.plan.parts if p.made is not None]
        with ThreadPoolExecutor(self.jobs) as parsers, ThreadPoolExecutor(self.jobs) as parts:
            futures: list[Future[PartReport]] = []
            try:
                futures += (parts.submit(self._convert, part, parsers) for part in todo)
                outcomes = [_outcome(future) for future in futures]
            except KeyboardInterrupt:
                self.stop.set()
                finished = len(kept) + sum(f.done() and f.exception() is None for f in futures)
                raise InterruptedConversionError(finished, len(self.plan.parts)) from None
        failures = [outcome for outcome in outcomes if isinstance(outcome, DataConvertError)]
        if failures:
            raise failures[0] if len(failures) == 1 else FailedPartsError(failures, len(todo))
        done = [outcome for outcome in outcomes if isinstance(outcome, PartReport)]
        return ConversionReport(
            dataset=self.plan.spec.name,
            folder=self.plan.folder,
            parts=tuple(sorted(kept + done, key=lambda part: part.name)),
            removed=tuple(path.name for path in self.plan.leftover),
        )

    def _convert(self, part: PlannedPart, parsers: ThreadPoolExecutor) -> PartReport:
        if part.raw_bytes <= _LARGE_PART_BYTES:
            return self._convert_now(part, parsers)
        with self.large:
            return self._convert_now(part, parsers)

    def _convert_now(self, part: PlannedPart, parsers: ThreadPoolExecutor) -> PartReport:
        self._check_stop()
        started = time.perf_counter()
        with PartWriter(part.path, self.plan.spec) as writer, ThreadPoolExecutor(1) as encoder:
            made = _PartConversion(run=self, writer=writer, parsers=parsers, encoder=encoder).convert(part)
        return PartReport.of(part, made, converted=True, seconds=time.perf_counter() - started)

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise InterruptedConversionError(0, len(self.plan.parts))


def _outcome(future: Future[PartReport]) -> PartReport | DataConvertError:
    try:
        return future.result()
    except DataConvertError as error:
        return error


@dataclass(kw_only=True)
class _PartConversion:
    """Reads one part's sources in order; parses their blocks ahead; encodes row groups behind."""

    run: _Run
    writer: PartWriter
    parsers: ThreadPoolExecutor
    encoder: ThreadPoolExecutor
    rejects: list[Reject] = field(default_factory=list)
    encoding: Future[None] | None = None

    @property
    def spec(self) -> DatasetSpec:
        return self.run.plan.spec

    def convert(self, part: PlannedPart) -> Provenance:
        parser = BlockParser(spec=self.spec)
        facts = [self._read(source, parser) for source in part.sources]
        self._encode(self.writer.rest())
        self._await_encoder()
        if self.rejects and self.spec.on_reject == "error":
            raise RejectedRowsError(self.spec.name, self.rejects[:SHOWN_REJECTS])
        return self.writer.finish(facts, _rejects_text(self.rejects))

    def _read(self, source: Source, parser: BlockParser) -> SourceFacts:
        ahead: deque[Future[tuple[pa.Table, list[Reject]]]] = deque()
        try:
            with open_source(source) as stream:
                for block, layout in self._laid_out(source, stream.read):
                    ahead.append(self.parsers.submit(parser.parse, block, layout, source=source.name))
                    if len(ahead) > min(self.run.jobs, _BLOCKS_AHEAD):
                        self._take(ahead.popleft())
                while ahead:
                    self._take(ahead.popleft())
                return stream.facts()
        finally:
            for future in ahead:
                future.cancel()

    def _laid_out(self, source: Source, read: Callable[[int], bytes]) -> Iterator[tuple[Block, RawLayout]]:
        """The source's blocks without the header, with where the kept columns stand in them."""
        layout = None if self.spec.dialect.header else declared_layout(self.spec)
        is_empty = True
        told = telling(read, source, self.run.progress)
        for block in cut_blocks(told, self.spec.dialect, source=str(source.path)):
            self.run._check_stop()
            is_empty = False
            if layout is None:
                header, block = split_header(block, self.spec.dialect)
                if header is None:
                    continue
                if header.fault is not None:
                    raise HeaderError(source.path, f"line {header.line}: the header: {header.fault}")
                layout = header_layout(self.spec, header.cells, source=source.path)
            if block.text:
                yield block, layout
        if is_empty or layout is None:
            raise SourceError(source.path, "the file is empty. Get it again, or remove it.")

    def _take(self, parsed: Future[tuple[pa.Table, list[Reject]]]) -> None:
        table, rejects = parsed.result()
        self.rejects += rejects
        if self.spec.on_reject == "error" and len(self.rejects) >= SHOWN_REJECTS:
            raise RejectedRowsError(self.spec.name, self.rejects[:SHOWN_REJECTS])
        self._encode(self.writer.add(table))

    def _encode(self, row_group: pa.Table | None) -> None:
        if row_group is not None:
            self._await_encoder()
            self.encoding = self.encoder.submit(self._write, [row_group])

    def _write(self, held: list[pa.Table]) -> None:
        """Writes the one row group of `held`, which a future would keep in memory while it is encoded."""
        self.writer.write_row_group(held.pop())

    def _await_encoder(self) -> None:
        if self.encoding is not None:
            self.encoding.result()


def _rejects_text(rejects: Sequence[Reject]) -> list[str]:
    """The rejects file, a text per row: where each row was, why it was refused, and the row as it stood."""
    texts: list[str] = []
    for reject in rejects:
        buffer = io.StringIO()
        # Before Python 3.13 a bare CR is quoted only if it is part of the writer's line end.
        writer = csv.writer(buffer, lineterminator="\r\n")
        if not texts:
            buffer.write("source,line,column,reason,row\n")
        writer.writerow([reject.source, reject.line, reject.column or "", reject.says, reject.raw])
        texts.append(buffer.getvalue().removesuffix("\r\n") + "\n")
    return texts

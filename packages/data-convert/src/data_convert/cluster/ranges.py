"""Parses a range of a long file: all blocks that end between two places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from data_convert.cluster.errors import Failure
from data_convert.cluster.packed_table import PackedTable
from data_convert.cluster.range_start import guessed_start
from data_convert.conversion.source_tables import CheckingParser
from data_convert.errors import SourceChangedError, SourceError
from data_convert.expectations.part_check import CheckedSource
from data_convert.reading.layout import RawLayout
from data_convert.reading.skips import Skips, total_skips
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.reading.table_blocks import TableBlocks, TableMiddle
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.local_file import LocalFile
from data_convert.storage.stored_file import OpenedFile
from terminal import ShrinkwrapError

_PIECE_BYTES: Final = 8 << 20


@dataclass(frozen=True, kw_only=True)
class RangeJob:
    """A range to parse. It is a value, and can be sent to another process.

    Attributes:
        checked: The source as the check of its part knows it.
        layout: The layout of the rows; None at the start of the source, which has the header.
        first_byte: Where the first chunk of the range starts.
        end_byte: Where its last chunk ends; None for the end of the source.
        start: Where the record starts that is incomplete at `first_byte`; None if it has to be guessed.
        line: The line of that record. Other lines are counted from it.
    """

    spec: DatasetSpec
    source: Source
    checked: CheckedSource
    layout: RawLayout | None
    first_byte: int
    end_byte: int | None
    start: int | None = None
    line: int = 1


@dataclass(frozen=True, kw_only=True)
class ParsedRange:
    """The result of a RangeJob.

    Attributes:
        start: Where it started.
        end: Where the record starts that is incomplete at its end.
        read_to: Where the last chunk ended.
        line: The line of its first record, as the job had it.
        lines: Number of its physical lines.
        layout: The layout of its rows; None if the header was not complete.
        skipped: What is skipped before the first row.
        stamp: Identifies the content of the file.
    """

    start: int
    end: int
    read_to: int
    line: int
    lines: int
    tables: tuple[PackedTable, ...]
    layout: RawLayout | None
    skipped: Skips
    stamp: str


def parse_range(job: RangeJob) -> ParsedRange | Failure:
    """Parse one range, in any process."""
    try:
        return _parsed(job)
    except ShrinkwrapError as error:
        return Failure.of(error)


def _parsed(job: RangeJob) -> ParsedRange:
    stamp = file_stamp(job.source)
    found = _parsed_start(job, stamp) if job.layout is None else _parsed_middle(job, job.layout, stamp)
    if file_stamp(job.source) != stamp:
        raise SourceChangedError(job.source.file.where)
    return found


def file_stamp(source: Source) -> str:
    """What changes with the content of the file. An object is requested by its ETag anyway."""
    if not isinstance(source.file, LocalFile):
        return str(source.file.version)
    try:
        found = source.file.path.stat()
    except OSError as error:
        raise SourceError(source.file.where, f"cannot be read: {error.strerror or error}") from error
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


def _parsed_start(job: RangeJob, stamp: str) -> ParsedRange:
    blocks = TableBlocks(spec=job.spec, source=job.source)
    with open_source(job.source) as stream:
        place = _Place(0)
        tables = tuple(_tables(job, blocks, place.counting(stream.read)))
    return _result(job, blocks, 0, place, tables, stamp)


def _parsed_middle(job: RangeJob, layout: RawLayout, stamp: str) -> ParsedRange:
    try:
        opened = job.source.file.open()
    except OSError as error:
        raise SourceError(job.source.file.where, f"cannot be read: {error.strerror or error}") from error
    with opened:
        start = job.start
        if start is None:
            start = guessed_start(lambda low, high: _text(opened, low, high), job.first_byte, job.spec.dialect)
        middle = TableMiddle(layout=layout, rest=_text(opened, start, job.first_byte), line=job.line)
        blocks = TableBlocks(spec=job.spec, source=job.source, middle=middle)
        place = _Place(job.first_byte)
        tables = tuple(_tables(job, blocks, place.counting(lambda size: _read(opened, size))))
        opened.check_unchanged()
    return _result(job, blocks, start, place, tables, stamp)


@dataclass
class _Place:
    """Where the reading of a source is."""

    byte: int

    def counting(self, read: Callable[[int], bytes]) -> _CountingRead:
        return _CountingRead(self, read)


@dataclass
class _CountingRead:
    place: _Place
    read: Callable[[int], bytes]

    def __call__(self, size: int) -> bytes:
        data = self.read(size)
        self.place.byte += len(data)
        return data


def _tables(job: RangeJob, blocks: TableBlocks, read: _CountingRead) -> Iterator[PackedTable]:
    parser = CheckingParser(spec=job.spec)
    end = job.end_byte
    for block, layout in blocks.read_until(read, lambda: end is not None and read.place.byte >= end):
        yield PackedTable.of(parser.parse(block, layout, job.checked))


def _result(
    job: RangeJob, blocks: TableBlocks, start: int, place: _Place, tables: tuple[PackedTable, ...], stamp: str
) -> ParsedRange:
    return ParsedRange(
        start=start,
        end=place.byte - blocks.rest_bytes,
        read_to=place.byte,
        line=job.line,
        lines=blocks.next_line - job.line,
        tables=tables,
        layout=blocks.layout,
        skipped=total_skips([blocks.skipped, *(table.without_rows.parsed.skipped for table in tables)]),
        stamp=stamp,
    )


def _text(opened: OpenedFile, low: int, high: int) -> bytes:
    opened.raw.seek(low)
    return _read(opened, high - low)


def _read(opened: OpenedFile, size: int) -> bytes:
    """Read exactly `size` bytes; fewer only at the end of the file."""
    pieces = []
    while size > 0 and (piece := opened.raw.read(min(size, _PIECE_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)

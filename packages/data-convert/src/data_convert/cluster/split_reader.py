"""Reads a long file in ranges that other processes parse, and takes their rows in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Final, Protocol

from data_convert.cluster.errors import Failure
from data_convert.cluster.ranges import ParsedRange, RangeJob, file_stamp, parse_range
from data_convert.conversion.source_tables import CheckedTable, CheckingParser, ReadSource, SourceTables
from data_convert.errors import SourceChangedError
from data_convert.expectations.part_check import CheckedSource
from data_convert.reading import table_blocks
from data_convert.reading.compression import OPENERS
from data_convert.reading.grammar import is_classic
from data_convert.reading.skips import Skips, total_skips
from data_convert.reading.sources import Source
from data_convert.reading.streams import SourceFacts, digest_of
from data_convert.spec.dataset_spec import Dialect
from terminal import OnBytes, ShrinkwrapError

SPLIT_BYTES: Final = 128 << 20
"""Shorter files are not split: their ranges would be more work than they save."""

RANGE_CHUNKS: Final = 8
_UTF8: Final = ("utf-8", "utf-8-sig", "ascii")


class Pending(Protocol):
    """The result of a function that runs elsewhere."""

    def result(self) -> Any: ...

    def cancel(self) -> Any: ...


Submit = Callable[..., Pending]
"""Starts a function with its arguments elsewhere."""


def can_be_split(source: Source, dialect: Dialect) -> bool:
    """Whether any place in the middle of the file is a place in its text, where any reader may begin."""
    is_plain = PurePosixPath(source.name).suffix.lower() not in OPENERS
    return is_plain and dialect.encoding.lower().replace("_", "-") in _UTF8 and is_classic(dialect)


def range_bytes() -> int:
    """Bytes of a range."""
    return RANGE_CHUNKS * table_blocks.CHUNK_BYTES


@dataclass(kw_only=True)
class SplitReader:
    """Reads the sources of a part.

    Attributes:
        submit: Runs a function in another process.
        ahead: How many ranges are parsed or waiting at the same time.
        smaller: Reads the sources that are not split.
        split_bytes: See SPLIT_BYTES.
        redone: How many ranges were parsed twice, because their start was guessed wrong.
    """

    submit: Submit
    ahead: int
    smaller: ReadSource
    on_bytes: OnBytes
    check_stop: Callable[[], None]
    split_bytes: int = SPLIT_BYTES
    redone: int = 0

    def __call__(self, source: Source, checked: CheckedSource, parser: CheckingParser) -> SourceTables:
        """Read one source."""
        is_long = source.size_bytes >= max(self.split_bytes, 2 * range_bytes())
        if not is_long or not can_be_split(source, parser.spec.dialect):
            return self.smaller(source, checked, parser)
        return _SplitTables(reader=self, source=source, checked=checked, parser=parser)


@dataclass(kw_only=True)
class _SplitTables:
    reader: SplitReader
    source: Source
    checked: CheckedSource
    parser: CheckingParser
    _facts: SourceFacts = field(init=False)
    _done: int = 0

    def facts(self) -> SourceFacts:
        return self._facts

    def tables(self) -> Generator[CheckedTable]:
        stamp = file_stamp(self.source)
        digest = self.reader.submit(digest_or_failure, self.source)
        try:
            job = self._job(0, None)
            first = _known(self.reader.submit(parse_range, job).result())
            if first.layout is None or first.read_to != job.end_byte:
                # The lines before the rows are longer than the first range.
                tables = self.reader.smaller(self.source, self.checked, self.parser)
                yield from tables.tables()
                self._facts = tables.facts()
                return
            skipped: list[Skips] = []
            for found in self._ranges(first):
                if found.stamp != stamp:
                    raise SourceChangedError(self.source.file.where)
                skipped.append(found.skipped)
                yield from (table.checked() for table in found.tables)
            facts = _known(digest.result())
            if file_stamp(self.source) != stamp:
                raise SourceChangedError(self.source.file.where)
            self._facts = replace(facts, text_bytes=facts.size_bytes, skipped=total_skips(skipped))
        finally:
            digest.cancel()

    def _ranges(self, first: ParsedRange) -> Iterator[ParsedRange]:
        """All ranges in order, with the lines of the file."""
        jobs = (self._job(number, first) for number in range(1, self._count))
        pending: deque[tuple[RangeJob, Pending]] = deque()
        found = first
        try:
            while True:
                while len(pending) < self.reader.ahead and (job := next(jobs, None)) is not None:
                    pending.append((job, self.reader.submit(parse_range, job)))
                self.reader.on_bytes(min(range_bytes(), self.source.size_bytes - range_bytes() * self._done))
                self._done += 1
                end, line = found.end, found.line + found.lines
                yield found
                if not pending:
                    return
                self.reader.check_stop()
                # The memory of a range is free before the next one is taken.
                del found
                found = self._next_range(*pending.popleft(), end, line)
        finally:
            for _, future in pending:
                future.cancel()

    def _next_range(self, job: RangeJob, future: Pending, start: int, line: int) -> ParsedRange:
        """The range as it is with its true start and line."""
        guessed: ParsedRange | Failure = future.result()
        if isinstance(guessed, ParsedRange) and guessed.start == start:
            found = guessed
        else:
            # The text of an error has lines, and after a wrong guess everything is wrong.
            self.reader.redone += 1
            found = _known(self.reader.submit(parse_range, replace(job, start=start, line=line)).result())
        lines = line - found.line
        return replace(found, line=line, tables=tuple(table.further_down(lines) for table in found.tables))

    @property
    def _count(self) -> int:
        return -(-self.source.size_bytes // range_bytes())

    def _job(self, number: int, first: ParsedRange | None) -> RangeJob:
        return RangeJob(
            spec=self.parser.spec,
            source=self.source,
            checked=self.checked,
            layout=None if first is None else first.layout,
            first_byte=number * range_bytes(),
            end_byte=None if number + 1 >= self._count else (number + 1) * range_bytes(),
        )


def digest_or_failure(source: Source) -> SourceFacts | Failure:
    """The digest of a source, in any process."""
    try:
        return digest_of(source)
    except ShrinkwrapError as error:
        return Failure.of(error)


def _known(found: Any) -> Any:
    """The result.

    Raises:
        DataConvertError: It is a failure.
    """
    if isinstance(found, Failure):
        raise found.error()
    return found

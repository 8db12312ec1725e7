"""The parsed rows of a source, block by block in the order of its text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, TypeAlias

from data_convert.expectations.part_check import BlockFindings, CheckedSource, check_block
from data_convert.reading.block_parser import ParsedTable
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block
from data_convert.reading.skips import Skips, total_skips
from data_convert.reading.sources import Source
from data_convert.reading.streams import SourceFacts, open_source, with_progress
from data_convert.reading.table_blocks import TableBlocks
from data_convert.reading.table_parser import TableParser
from data_convert.spec.dataset_spec import DatasetSpec
from terminal import OnBytes

# More blocks in flight would use memory, and reading them is no faster.
_BLOCKS_AHEAD: Final = 4


@dataclass(frozen=True, kw_only=True)
class CheckedTable:
    """The rows of a block, and what they violate."""

    parsed: ParsedTable
    findings: BlockFindings


@dataclass(kw_only=True)
class CheckingParser:
    """Parses and checks the blocks of a part; may be called from several threads."""

    spec: DatasetSpec
    _parser: TableParser = field(init=False)

    def __post_init__(self) -> None:
        self._parser = TableParser(spec=self.spec)

    def parse(self, block: Block, layout: RawLayout, source: CheckedSource) -> CheckedTable:
        """Parse a block and check its rows."""
        parsed = self._parser.parse(block, layout, source=source.name)
        return CheckedTable(parsed=parsed, findings=check_block(self.spec, parsed, block, layout, source))


class SourceTables(Protocol):
    """All rows of one source."""

    def tables(self) -> Generator[CheckedTable]:
        """The tables of its blocks, in order."""

    def facts(self) -> SourceFacts:
        """What was read; call it once all tables were taken."""


ReadSource: TypeAlias = Callable[[Source, CheckedSource, CheckingParser], SourceTables]

MakeReader: TypeAlias = Callable[[OnBytes, Executor | None], ReadSource]
"""Makes what reads the sources of a part. It reports its progress to the function, and if there is an executor, it
parses the blocks in it."""


@dataclass(kw_only=True)
class ThreadedReader:
    """Reads sources of a part in this process, and parses their blocks in threads.

    Attributes:
        parsers: Threads that parse blocks, shared by all parts of the dataset.
        jobs: How many threads the user allows.
        check_stop: Raises InterruptedConversionError once the user has interrupted the conversion.
    """

    parsers: Executor
    jobs: int
    on_bytes: OnBytes
    check_stop: Callable[[], None]

    def __call__(self, source: Source, checked: CheckedSource, parser: CheckingParser) -> SourceTables:
        """Read one source."""
        return _ThreadedTables(reader=self, source=source, checked=checked, parser=parser)


@dataclass(kw_only=True)
class _ThreadedTables:
    reader: ThreadedReader
    source: Source
    checked: CheckedSource
    parser: CheckingParser
    _facts: SourceFacts = field(init=False)

    def tables(self) -> Generator[CheckedTable]:
        # Results are taken in the order of the blocks, so the number of threads does not change the output.
        ahead: deque[Future[CheckedTable]] = deque()
        blocks = TableBlocks(spec=self.parser.spec, source=self.source)
        skipped: list[Skips] = []
        try:
            with open_source(self.source) as stream:
                for block, layout in blocks.read(with_progress(stream.read, self.source, self.reader.on_bytes)):
                    self.reader.check_stop()
                    ahead.append(self.reader.parsers.submit(self.parser.parse, block, layout, self.checked))
                    if len(ahead) > min(self.reader.jobs, _BLOCKS_AHEAD):
                        yield _taken(ahead, skipped)
                while ahead:
                    yield _taken(ahead, skipped)
                self._facts = replace(stream.facts(), skipped=total_skips([blocks.skipped, *skipped]))
        finally:
            for future in ahead:
                future.cancel()

    def facts(self) -> SourceFacts:
        return self._facts


def _taken(ahead: deque[Future[CheckedTable]], skipped: list[Skips]) -> CheckedTable:
    table = ahead.popleft().result()
    skipped.append(table.parsed.skipped)
    return table

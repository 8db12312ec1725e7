"""Converts one part: takes the parsed rows of its sources in order, and encodes row groups meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from data_convert.conversion.memory import return_freed_memory
from data_convert.conversion.reject_limit import check_reject_limit
from data_convert.conversion.source_tables import CheckedTable, CheckingParser, ReadSource
from data_convert.errors import RejectedRowsError
from data_convert.expectations.part_check import PartCheck
from data_convert.reading.reject_reasons import RejectTally
from data_convert.reading.rejects import ChangedValues, Reject, total_changes
from data_convert.reading.sources import Source
from data_convert.reading.streams import SourceFacts
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.opening import shown_rejects_place
from data_convert.writing.part_writer import PartWriter
from data_convert.writing.provenance import Provenance
from data_convert.writing.rejects_file import RejectsFile

SHOWN_REJECTS: Final = 20
"""With `on_reject = "error"`, a part is given up after this many rows that do not fit; the error shows them."""

_LARGE_ROW_GROUP_BYTES: Final = 32 << 20


@dataclass(kw_only=True)
class PartConversion:
    """The conversion of one part in progress.

    Attributes:
        part: Its name.
        encoder: One thread, so that row groups are written in order.
        read_source: Parses the rows of a source.
        rows: Rows that fit so far.
        tally: Rows that do not fit and are in the rejects file, by reason.
        refused: Rows that do not fit and fail the part.
    """

    part: str
    spec: DatasetSpec
    writer: PartWriter
    rejects: RejectsFile
    encoder: Executor
    read_source: ReadSource
    rows: int = 0
    tally: RejectTally = field(default_factory=RejectTally)
    refused: list[Reject] = field(default_factory=list)
    changes: list[ChangedValues] = field(default_factory=list)
    encoding: Future[None] | None = None
    _check: PartCheck = field(init=False)

    def __post_init__(self) -> None:
        self._check = PartCheck(spec=self.spec)

    def convert(self, sources: tuple[Source, ...]) -> Provenance:
        """Write the part and its rejects file.

        Raises:
            DataConvertError: A source cannot be read, has rows that do not fit and are not kept, or is not what the
                dataset expects.
        """
        try:
            return self._convert(sources)
        finally:
            self._check.close()

    def _convert(self, sources: tuple[Source, ...]) -> Provenance:
        parser = CheckingParser(spec=self.spec)
        facts = [self._read(source, parser) for source in sources]
        self._encode(self.writer.rest())
        self._await_encoder()
        if self.refused:
            raise self._refusal()
        check_reject_limit(self.spec, self.part, self.tally, self.rows)
        self._check.finish(self.part)
        changed = {found.column: found.count for found in self.changes}
        return self.writer.finish(facts, self.rejects, changed)

    def _read(self, source: Source, parser: CheckingParser) -> SourceFacts:
        reading = self.read_source(source, self._check.start_source(source.name), parser)
        # Closed at once after an error, so that the source is not read any further.
        with closing(reading.tables()) as tables:
            for checked in tables:
                self._add(checked)
        return reading.facts()

    def _add(self, checked: CheckedTable) -> None:
        """Take the rows and rejects of a block."""
        parsed = checked.parsed
        self._check.add(checked.findings)
        self._add_rejects(parsed.rejects)
        self.changes = total_changes([*self.changes, *parsed.changed])
        self.rows += parsed.table.num_rows
        self._encode(self.writer.add(parsed.table))

    def _refusal(self) -> RejectedRowsError:
        where = shown_rejects_place(self.spec.name, self.spec.output)
        return RejectedRowsError(self.spec.name, self.refused, where=where)

    def _add_rejects(self, rejects: Sequence[Reject]) -> None:
        if self.spec.on_reject == "keep":
            self.tally.add(rejects)
            self.rejects.add(rejects)
            return
        self.refused += rejects[: SHOWN_REJECTS - len(self.refused)]
        if len(self.refused) == SHOWN_REJECTS:
            raise self._refusal()

    def _encode(self, row_group: pa.Table | None) -> None:
        if row_group is not None:
            # At most two row groups are in memory: one being encoded and one being filled.
            self._await_encoder()
            # In a list, because a future keeps its arguments, and with them the row group, in memory until it ends.
            self.encoding = self.encoder.submit(self._write, [row_group])

    def _write(self, row_groups: list[pa.Table]) -> None:
        is_large = row_groups[0].nbytes >= _LARGE_ROW_GROUP_BYTES
        self.writer.write_row_group(row_groups.pop())
        if is_large:
            return_freed_memory()

    def _await_encoder(self) -> None:
        if self.encoding is not None:
            self.encoding.result()

"""Writes a part and its rejects file, completely or not at all: sorted row groups, then the footer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Final, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.errors import OutputError, UnreadableDeltaError
from data_convert.reading.fast_parser import table_schema
from data_convert.reading.streams import SourceFacts
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.output_place import PendingFile
from data_convert.writing.effort import effort_of
from data_convert.writing.encodings import chosen_encodings, unreadable_deltas, with_dictionaries
from data_convert.writing.order import sorted_rows
from data_convert.writing.provenance import FOOTER_KEY, Provenance
from data_convert.writing.rejects_file import RejectsFile
from data_convert.writing.temporary_part import TemporaryPart

_T = TypeVar("_T")

ROW_GROUP_BYTES: Final = 64 << 20
"""Bytes of values after which a row group is closed: a day of a PeMS district (1.1 million rows) fits in one."""

_PAGE_BYTES: Final = 1 << 20
"""Arrow's limit for the values of a page. A row group with fewer bytes is the only one of its part, and each of its
columns has one page."""


class PartWriter:
    """Collects tables in the order of the raw rows and writes them as sorted row groups to a pending file.

    `finish` makes the part of it. Leaving the context without it discards the file.

    Args:
        file: The part that is written.
        without_delta: Columns that are not delta-encoded, because an earlier attempt found values that do not allow it.
    """

    def __init__(self, file: PendingFile, spec: DatasetSpec, *, without_delta: AbstractSet[str] = frozenset()) -> None:
        self._file = file
        self._spec = spec
        self._without_delta = without_delta
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._part: TemporaryPart | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._part is not None:
            self._part.discard()
        else:
            self._file.discard()
        if isinstance(error, OSError):
            raise OutputError(self._file.where, error) from error

    @property
    def size_bytes(self) -> int:
        """Bytes of the part so far."""
        return self._file.size_bytes

    def add(self, table: pa.Table) -> pa.Table | None:
        """Add the next rows; return a complete row group for `write_row_group` once there are enough of them."""
        self._pending.append(table)
        self._pending_bytes += row_group_weight(table)
        return self.rest() if self._pending_bytes >= ROW_GROUP_BYTES else None

    def rest(self) -> pa.Table | None:
        """The rows that were added since the last complete row group, or None."""
        tables, self._pending, self._pending_bytes = self._pending, [], 0
        joined = pa.concat_tables(tables) if tables else None
        return joined if joined is not None and joined.num_rows else None

    def write_row_group(self, table: pa.Table) -> None:
        """Sort and write one row group. The first one decides the encodings of all.

        Raises:
            UnreadableDeltaError: The values do not allow these encodings; the part has to be written again.
        """
        # Two statements: the blocks' memory is free before the sorted copy needs as much.
        table = table.combine_chunks()
        table = sorted_rows(table, self._spec.sort)
        part = self._opened(table)
        if columns := unreadable_deltas(table, part.encodings):
            raise UnreadableDeltaError(columns)
        part.append(table)
        self.rows += table.num_rows

    def _opened(self, first: pa.Table) -> TemporaryPart:
        if self._part is None:
            effort = effort_of(self._spec)
            chosen = with_dictionaries(chosen_encodings(first, effort), self._without_delta)
            # The least and largest keys of a single page are in the footer too, so its index would say nothing new.
            has_pages = first.num_rows > effort.page_rows or row_group_weight(first) >= _PAGE_BYTES
            self._part = TemporaryPart(self._file, self._spec, chosen, has_page_index=has_pages)
        return self._part

    def finish(
        self,
        sources: Sequence[SourceFacts],
        rejects: RejectsFile | None = None,
        changed: Mapping[str, int] | None = None,
    ) -> Provenance:
        """Write the footer, make the part and its rejects file durable, and let them appear under their names."""
        part = self._opened(table_schema(self._spec).empty_table())
        provenance = Provenance(
            spec=self._spec.digest,
            sources=tuple(sources),
            rows=self.rows,
            rejects=rejects.count if rejects else 0,
            rejects_sha256=rejects.sha256 if rejects else None,
            zones={c.name: c.zone for c in self._spec.columns if c.zone not in (None, "UTC")},
            exact=tuple(c.name for c in self._spec.columns if c.exact is not None and c.type == str(c.exact)),
            changed=dict(changed or {}),
            pages_bytes=part.pages_bytes,
            pages_sha256=part.pages_sha256,
        )
        part.close_durably({FOOTER_KEY: provenance.to_json()})
        # The rejects file first: a part that exists always has its rejects, also after a crash between the two.
        if rejects:
            rejects.complete()
        self._file.complete()
        return provenance


def first_readable(attempt: Callable[[frozenset[str]], _T]) -> _T:
    """The result of the first attempt to write a part whose encodings all readers can decode.

    Args:
        attempt: Writes the complete part; called with the columns that may not be delta-encoded.
    """
    without_delta: frozenset[str] = frozenset()
    while True:
        try:
            return attempt(without_delta)
        except UnreadableDeltaError as error:
            # Every attempt excludes another column, so this ends.
            without_delta |= set(error.columns)


def row_group_weight(table: pa.Table) -> int:
    """Bytes of the values, which decide where a row group ends.

    Not `nbytes`, which counts validity bitmaps: whether Arrow makes one depends on how a block was parsed, which may
    differ between runs, and the same input must produce the same bytes.
    """
    weight = 0
    for column in table.columns:
        if pa.types.is_string(column.type):
            weight += 4 * len(column) + (pc.sum(pc.binary_length(column)).as_py() or 0)
        else:
            # A decimal weighs as much as a float64, so that `decimals` does not change where a row group ends.
            weight += len(column) * min(64, column.type.bit_width) // 8
    return weight

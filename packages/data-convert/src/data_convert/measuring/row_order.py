"""Finds the order of the rows that makes the Parquet smallest, by encoding a sample in many orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.writing.effort import Effort, effort_of
from data_convert.writing.encodings import encoded_bytes
from data_convert.writing.order import row_order

_SAMPLE_CELLS: Final = 1_000_000
_MEASURED_CELLS: Final = 4_000_000
_SAMPLE_SOURCES: Final = 3
_ROUGH_SHARE: Final = 8

_MOST_KEYS: Final = 4
_MOST_COLUMNS: Final = 24
_SHORTLIST: Final = 8
_COMPARED: Final = 3

_LEAST_ROWS: Final = 100

_REPEATED: Final = 4
"""Rows per distinct value, on average, of a column that may be a key."""

# A key is worth its line in datasets.toml if it saves one percent, an order if it saves two.
_WORTHWHILE_KEY: Final = 0.99
_WORTHWHILE_ORDER: Final = 0.98


@dataclass(frozen=True, kw_only=True)
class RowOrder:
    """An order of the rows that is smaller than the order of the raw rows.

    Attributes:
        sort: The columns to sort by.
        saved_share: Share of the bytes that it saves.
        rows: Rows on which this was measured.
    """

    sort: tuple[str, ...]
    saved_share: float
    rows: int


def smallest_order(spec: DatasetSpec, tables: Sequence[pa.Table]) -> RowOrder | None:
    """The best order for these tables of one dataset; None if the raw order is as good.

    Keys are columns with few values, one after the other as long as they save bytes, and behind them a time. The
    result depends on the tables alone.
    """
    samples = _samples(tables, _SAMPLE_CELLS)
    if sum(table.num_rows for table in samples) < _LEAST_ROWS:
        return None
    effort = effort_of(spec)
    sort = _Search.of(samples, effort).best(_few_valued(samples), _times(samples))
    measured = _Search.of(_samples(tables, _MEASURED_CELLS), effort)
    if not measured.is_moved(sort):
        return None
    raw_bytes, sorted_bytes = measured.size(()), measured.size(sort)
    if sorted_bytes > raw_bytes * _WORTHWHILE_ORDER:
        return None
    rows = sum(table.num_rows for table in measured.samples)
    return RowOrder(sort=sort, saved_share=1 - sorted_bytes / raw_bytes, rows=rows)


@dataclass(frozen=True, kw_only=True)
class _Search:
    """A search for the best keys: all candidates on few rows, and the best of them on all rows of the samples.

    Attributes:
        even: The columns with one value. Their bytes are the same in any order, so they are encoded once.
    """

    effort: Effort
    samples: Sequence[pa.Table]
    even: frozenset[str]
    known: dict[tuple[bool, tuple[str, ...]], int] = field(default_factory=dict)
    known_even: dict[bool, int] = field(default_factory=dict)

    @classmethod
    def of(cls, samples: Sequence[pa.Table], effort: Effort) -> Self:
        """A search on these samples."""
        names = samples[0].column_names
        even = frozenset(name for name in names if all(_is_even(table[name]) for table in samples))
        return cls(effort=effort, samples=samples, even=even)

    def best(self, columns: Sequence[str], times: Sequence[str]) -> tuple[str, ...]:
        last = min(times, key=lambda name: self.size((name,)), default=None)
        keys: tuple[str, ...] = ()
        while len(keys) < _MOST_KEYS:
            left = [name for name in columns if name not in (*keys, last)]
            left.sort(key=lambda name: self.size(_joined(keys, name, last), is_rough=True))
            columns = left[:_SHORTLIST]
            found = min(left[:_COMPARED], key=lambda name: self.size(_joined(keys, name, last)), default=None)
            current = min(self.size(_joined(keys, None, last)), self.size(()))
            if found is None or self.size(_joined(keys, found, last)) > current * _WORTHWHILE_KEY:
                break
            keys = (*keys, found)
        return _joined(keys, None, last)

    def size(self, sort: tuple[str, ...], *, is_rough: bool = False) -> int:
        """Bytes of the samples in this order."""
        key = is_rough, sort
        if key not in self.known:
            tables = self._rows(is_rough=is_rough)
            orders = [row_order(table, sort) if sort else None for table in tables]
            if sort and all(order is None for order in orders):
                self.known[key] = self.size((), is_rough=is_rough)
            else:
                names = [name for name in tables[0].column_names if name not in self.even]
                rows = [_in_order(table.select(names), order) for table, order in zip(tables, orders, strict=True)]
                self.known[key] = self._bytes(rows) + self._even_bytes(is_rough=is_rough)
        return self.known[key]

    def is_moved(self, sort: tuple[str, ...]) -> bool:
        """Whether this order is another one than that of the raw rows."""
        return bool(sort) and any(row_order(table, sort) is not None for table in self.samples)

    def _even_bytes(self, *, is_rough: bool) -> int:
        if is_rough not in self.known_even:
            tables = [table.select(sorted(self.even)) for table in self._rows(is_rough=is_rough)]
            self.known_even[is_rough] = self._bytes(tables)
        return self.known_even[is_rough]

    def _rows(self, *, is_rough: bool) -> Sequence[pa.Table]:
        if not is_rough:
            return self.samples
        return [table.slice(0, max(_LEAST_ROWS, table.num_rows // _ROUGH_SHARE)) for table in self.samples]

    def _bytes(self, tables: Sequence[pa.Table]) -> int:
        return sum(encoded_bytes(table, self.effort) for table in tables if table.num_columns)


def _in_order(table: pa.Table, order: pa.Array | None) -> pa.Table:
    return table if order is None else table.take(order)


def _is_even(column: pa.ChunkedArray) -> bool:
    """Whether all rows have the same value, or none has one."""
    if column.null_count:
        return bool(column.null_count == len(column))
    return bool(pc.count_distinct(column).as_py() <= 1)


def _joined(keys: tuple[str, ...], name: str | None, last: str | None) -> tuple[str, ...]:
    return tuple(key for key in (*keys, name, last) if key is not None)


def _samples(tables: Sequence[pa.Table], cells: int) -> list[pa.Table]:
    """The beginnings of the first, the middle and the last table."""
    filled = [table for table in tables if table.num_rows]
    count = min(_SAMPLE_SOURCES, len(filled))
    chosen = [filled[place * (len(filled) - 1) // max(1, count - 1)] for place in range(count)]
    return [table.slice(0, max(_LEAST_ROWS, cells // table.num_columns // count)).combine_chunks() for table in chosen]


def _few_valued(samples: Sequence[pa.Table]) -> list[str]:
    """Columns whose values repeat. Measured numbers are no keys, because an order by them scatters what is related."""
    return [
        field.name
        for field in samples[0].schema
        if (pa.types.is_integer(field.type) or pa.types.is_string(field.type) or pa.types.is_date(field.type))
        and any(_is_few_valued(table[field.name]) for table in samples)
    ][:_MOST_COLUMNS]


def _is_few_valued(column: pa.ChunkedArray) -> bool:
    if not _is_filled(column):
        return False
    return bool(1 < pc.count_distinct(column, mode="all").as_py() <= len(column) // _REPEATED)


def _times(samples: Sequence[pa.Table]) -> list[str]:
    return [
        field.name
        for field in samples[0].schema
        if pa.types.is_temporal(field.type) and all(_is_filled(table[field.name]) for table in samples)
    ]


def _is_filled(column: pa.ChunkedArray) -> bool:
    """Whether few values are missing; a column that most rows lack orders nothing."""
    return bool(column.null_count <= len(column) // _REPEATED)

"""Reads the cells of columns with compiled kernels: numbers as numbers, other cells as texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.kernels.compiled import address_of, address_of_text, kernel
from data_convert.kernels.places import CODES, COUNT, DECIMALS, NULLS, TEXTS
from data_convert.kernels.structure import TextScan, scratch
from data_convert.spec.dataset_spec import Dialect

CODE_LIMIT: Final = 4096
"""A column with more distinct texts in a block is not coded."""

_FIRST_SLOTS: Final = 256
_SLOTS: Final = 4 * CODE_LIMIT
"""The hash table grows by a factor of four from one to the other."""

_NO_QUOTE: Final = 256
_CR: Final = 13
_INT64_MAX: Final = 2**63 - 1
_POWERS: Final = np.array([float(10**exponent) for exponent in range(23)])

_Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Places of texts in a block."""

    scan: TextScan
    quote: str | None
    starts: _Int32s
    sizes: _Int32s

    def gathered(self) -> pa.StringArray:
        """The texts as an array."""
        count = len(self.starts)
        offsets = np.empty(count + 1, dtype=np.int32)
        data = np.empty(int(self.sizes.sum()), dtype=np.uint8)
        kernel("gather_texts")(
            address_of_text(self.scan.text),
            address_of(self.starts),
            address_of(self.sizes),
            count,
            address_of(offsets),
            address_of(data),
        )
        texts = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
        if self.quote is not None and self.scan.has_doubled:
            # All quotes are inside quoted cells and doubled.
            texts = pc.replace_substring(texts, 2 * self.quote, self.quote)
        return texts


@dataclass(kw_only=True)
class NumberColumn:
    """A column of plain numbers: integers within bounds, or decimals (`bounds` is None).

    Attributes:
        place: Its place in a row.
        empty_is_null: Whether an empty cell is null.
        values: The numbers; 0 for a null and for a cell that is something else.
        is_valid: 0 for a null, else 1.
        nulls: Number of nulls.
        others: The rows whose cells are something else.
    """

    place: int
    dtype: npt.DTypeLike
    bounds: tuple[int, int] | None
    empty_is_null: bool
    values: npt.NDArray[Any] = field(init=False)
    is_valid: npt.NDArray[np.uint8] = field(init=False)
    nulls: int = field(default=0, init=False)
    others: _Int32s = field(init=False)

    def description(self, rows: int) -> list[int]:
        """The column's numbers for the kernel."""
        self.values = np.empty(rows, dtype=self.dtype)
        self.is_valid = scratch.array(f"valid {self.place}", rows, np.uint8)
        self.others = scratch.array(f"others {self.place}", rows, np.int32)
        kind = DECIMALS if self.bounds is None else self.values.itemsize
        low, high = self.bounds or (0, 0)
        values, is_valid, others = map(address_of, (self.values, self.is_valid, self.others))
        return [
            self.place,
            kind,
            values,
            is_valid,
            low,
            min(high, _INT64_MAX),
            int(self.empty_is_null),
            others,
            *[0] * 6,
        ]

    def take(self, result: Sequence[int]) -> None:
        """Take what the kernel found."""
        self.nulls, self.others = result[NULLS], self.others[: result[COUNT]]

    def replace_others(self, numbers: pa.Array) -> None:
        """Let the cells that are something else have these numbers."""
        present = numbers.is_valid().to_numpy(zero_copy_only=False)
        self.values[self.others] = numbers.fill_null(0).to_numpy(zero_copy_only=False)
        self.is_valid[self.others] = present
        self.nulls += int(len(present) - present.sum())

    def array(self) -> pa.Array:
        """The column; null entries are those of `is_valid`."""
        rows = len(self.values)
        bitmap = pa.py_buffer(np.packbits(self.is_valid[:rows], bitorder="little")) if self.nulls else None
        type_ = pa.from_numpy_dtype(self.values.dtype)
        return pa.Array.from_buffers(type_, rows, [bitmap, pa.py_buffer(self.values)])


@dataclass(kw_only=True)
class TextColumn:
    """A column of texts.

    Attributes:
        is_coded: Whether to number its distinct texts, in the order of their first rows.
        codes: The number of the text of each row, if it is coded; None if there are more than CODE_LIMIT texts.
        starts: Where each text starts: the distinct ones if it is coded, else that of each row.
        sizes: Size of each text in bytes.
        firsts: The first row of each text, if it is coded.
        counts: Number of rows of each text, if it is coded.
    """

    place: int
    is_coded: bool
    codes: _Int32s | None = field(default=None, init=False)
    starts: _Int32s = field(init=False)
    sizes: _Int32s = field(init=False)
    firsts: _Int32s = field(init=False)
    counts: npt.NDArray[np.int64] = field(init=False)

    def description(self, rows: int) -> list[int]:
        """The column's numbers for the kernel."""
        entries = min(CODE_LIMIT, rows) if self.is_coded else rows
        self.starts, starts = self._scratch("starts", entries, np.int32)
        self.sizes, sizes = self._scratch("sizes", entries, np.int32)
        if not self.is_coded:
            return [self.place, TEXTS, starts, sizes, *[0] * 10]
        self.codes = np.empty(rows, dtype=np.int32)
        table_size = _FIRST_SLOTS if entries < _FIRST_SLOTS // 2 else _SLOTS
        slots, table = scratch.addressed(f"slots {self.place}", table_size, np.int32)
        slots[:_FIRST_SLOTS] = -1
        _, words = self._scratch("words", entries, np.uint64)
        _, hashes = self._scratch("hashes", entries, np.int64)
        self.firsts, firsts = self._scratch("firsts", entries, np.int32)
        self.counts, counts = self._scratch("counts", entries, np.int64)
        places = [self.place, CODES, address_of(self.codes), table, _FIRST_SLOTS - 1, CODE_LIMIT, starts, sizes, 0, 0]
        return [*places, words, hashes, firsts, counts]

    def _scratch(self, name: str, entries: int, dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], int]:
        array, address = scratch.addressed(f"{name} {self.place}", entries, dtype)
        return array[:entries], address

    def take(self, result: Sequence[int]) -> None:
        """Take what the kernel found."""
        if not self.is_coded:
            return
        count = result[COUNT]
        if count < 0:
            self.codes = None
        else:
            self.starts, self.sizes = self.starts[:count], self.sizes[:count]
            self.firsts, self.counts = self.firsts[:count], self.counts[:count]


def read_columns(scan: TextScan, dialect: Dialect, width: int, columns: Sequence[NumberColumn | TextColumn]) -> bool:
    """Read the columns; return False if some row does not have `width` cells.

    Results are valid until the same thread reads other columns.
    """
    if scan.cells != scan.rows * width or scan.has_lone_returns:
        return False
    described = np.array([column.description(scan.rows) for column in columns], dtype=np.int64)
    quote = _NO_QUOTE if dialect.quote is None else ord(dialect.quote)
    block = np.array(
        [
            address_of_text(scan.text),
            len(scan.text),
            address_of(scan.room) + scan.room.itemsize,
            scan.rows,
            width,
            quote,
            scan.line_end[0],
            scan.has_returns,
            address_of(_POWERS),
        ],
        dtype=np.int64,
    )
    is_regular = kernel("read_columns")(address_of(block), address_of(described), len(columns))
    for column, result in zip(columns, described.tolist(), strict=True):
        column.take(result)
    return bool(is_regular)


def texts_of_rows(scan: TextScan, dialect: Dialect, width: int, place: int, rows: _Int32s) -> pa.StringArray:
    """The cells of a column in some rows."""
    cells = rows.astype(np.int64) * width + place
    starts, ends = scan.room[cells] + np.int32(1), scan.room[cells + 1].copy()
    buffer = np.frombuffer(scan.text, dtype=np.uint8)
    if scan.has_returns and place == width - 1:
        ends -= (ends > starts) & (buffer[ends - 1] == _CR)
    if dialect.quote is not None:
        is_quoted = (ends > starts) & (buffer[np.minimum(starts, len(buffer) - 1)] == ord(dialect.quote))
        starts, ends = starts + is_quoted, ends - is_quoted
    starts = starts.astype(np.int32)
    sizes = (ends - starts).astype(np.int32)
    return Texts(scan=scan, quote=dialect.quote, starts=starts, sizes=sizes).gathered()

"""Cuts a block of text into cells, all of them at once, where every row has its cells and every quote its pair.

A quote is counted, not parsed: a delimiter or line end is inside of a quoted cell where an odd number of quotes
stands before it. That is right if each opening quote starts a cell and each closing quote ends one, which is checked.
Any other block is left to the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.spec.dataset_spec import Dialect
from data_convert.verification.raw.quote_bits import QuoteBits

_WORD_BYTES: Final = 8
_COLUMNS_AT_ONCE: Final = 16
_ROWS_AT_ONCE: Final = 256
_LF: Final = ord("\n")
_CR: Final = ord("\r")
_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_WORD_BYTES + 1)], dtype=np.uint64)

Key = int | bytes
"""The bytes of a text; those of a short one as an integer, because arrays of integers are compared faster."""

_EMPTY_WORD: Final = pa.array([0], pa.uint64())
_EMPTY_TEXT: Final = pa.array([b""], pa.binary())

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class CodedTexts:
    """The cells of a column.

    Attributes:
        codes: For each row the place of its text in `keys`.
        texts: The distinct texts as bytes, or those of up to eight bytes as integers.
    """

    codes: npt.NDArray[Any]
    texts: pa.BinaryArray | pa.UInt64Array

    @cached_property
    def keys(self) -> list[Key]:
        """The distinct texts."""
        keys = self.texts.to_pylist()
        return keys if pa.types.is_uint64(self.texts.type) else [key_of(key) for key in keys]


def key_of(text: bytes) -> Key:
    """The key of a text."""
    is_short = len(text) <= _WORD_BYTES and b"\0" not in text
    return int.from_bytes(text, "little") if is_short else text


def bytes_of(key: Key) -> bytes:
    """The text of a key."""
    return key if isinstance(key, bytes) else key.to_bytes((key.bit_length() + 7) // 8, "little")


@dataclass(kw_only=True)
class TableCut:
    """The cells of a regular block.

    Attributes:
        size: Bytes of the block that form complete rows.
        lines: Physical lines of these.
        ends: Position behind each cell, row by row.
    """

    text: bytes
    data: npt.NDArray[np.uint8]
    size: int
    lines: int
    quote: int | None
    has_doubled_quotes: bool
    has_carriage_returns: bool
    ends: Positions = field(repr=False)
    _columns: dict[int, Positions] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.ends)

    @cached_property
    def _row_starts(self) -> Positions:
        starts = np.zeros(self.rows, dtype=np.intp)
        starts[1:] = self.ends[:-1, -1] + 1
        return starts

    def line_of(self, row: int) -> int:
        """The physical line of the block, from 0, on which the row starts."""
        return self.text.count(b"\n", 0, self._row_starts[row])

    def raw(self, row: int) -> bytes:
        """The text of the row with its line end."""
        return self.text[self._row_starts[row] : min(int(self.ends[row, -1]) + 1, self.size)]

    def coded(self, place: int) -> CodedTexts:
        """The cells of the column at `place`."""
        starts, ends = self._cells(place)
        lengths = ends - starts
        count = np.count_nonzero(lengths)
        if 4 * count > self.rows:
            return self._coded(starts, lengths)
        # Sparse columns are frequent, and the empty text has the key 0.
        codes = np.zeros(self.rows, dtype=np.int32)
        if not count:
            return CodedTexts(codes=codes, texts=_EMPTY_WORD)
        filled = np.flatnonzero(lengths)
        others = self._coded(starts[filled], lengths[filled])
        codes[filled] = others.codes + 1
        empty = _EMPTY_WORD if pa.types.is_uint64(others.texts.type) else _EMPTY_TEXT
        return CodedTexts(codes=codes, texts=pa.concat_arrays([empty, others.texts]))

    def _coded(self, starts: Positions, lengths: Positions) -> CodedTexts:
        if lengths.max() > _WORD_BYTES:
            return self._coded_long(starts, lengths)
        coded = pa.array(self._words[starts] & _MASKS[lengths]).dictionary_encode()
        texts = coded.dictionary
        if self.has_doubled_quotes:
            texts = pa.array([key_of(self._unquoted(bytes_of(key))) for key in texts.to_pylist()], pa.uint64())
        return CodedTexts(codes=coded.indices.to_numpy(), texts=texts)

    def _coded_long(self, starts: Positions, lengths: Positions) -> CodedTexts:
        firsts = self._first_of_runs(starts, lengths)
        coded = self._byte_texts(starts[firsts], lengths[firsts]).dictionary_encode()
        texts, codes = coded.dictionary, coded.indices.to_numpy()
        if self.has_doubled_quotes:
            texts = pa.array([self._unquoted(text) for text in texts.to_pylist()], pa.binary())
        return CodedTexts(codes=np.repeat(codes, np.diff(firsts, append=len(starts))), texts=texts)

    def _first_of_runs(self, starts: Positions, lengths: Positions) -> Positions:
        """The rows whose text differs from the one before it; all rows if this is not frequent."""
        width = int(lengths.max())
        if int(lengths.min()) < width:
            return np.arange(len(starts))
        is_first = np.zeros(len(starts), dtype=np.bool_)
        is_first[0] = True
        # From the last bytes to the first ones, because times and numbered names often start alike.
        for place in (width - _WORD_BYTES, *range(0, width - _WORD_BYTES, _WORD_BYTES)):
            words = self._words[starts + place]
            is_first[1:] |= words[1:] != words[:-1]
            if 2 * np.count_nonzero(is_first) > len(starts):
                return np.arange(len(starts))
        return np.flatnonzero(is_first)

    @cached_property
    def _words(self) -> npt.NDArray[np.uint64]:
        """The eight bytes from each place on."""
        return np.lib.stride_tricks.as_strided(
            self.data[:_WORD_BYTES].view("<u8"), shape=(self.size + 1,), strides=(1,), writeable=False
        )

    def _cells(self, place: int) -> tuple[Positions, Positions]:
        """Start and end of each cell, without its quotes."""
        starts = self._row_starts if place == 0 else self._column_ends(place - 1) + 1
        ends = self._column_ends(place)
        if self.has_carriage_returns and place == self.ends.shape[1] - 1:
            ends = ends - ((self.data[ends - 1] == _CR) & (ends > starts))
        if self.quote is not None:
            is_quoted = self.data[starts] == self.quote
            starts, ends = starts + is_quoted, ends - is_quoted
        return starts, ends

    def _column_ends(self, place: int) -> Positions:
        """Position behind each cell of a column. Neighbouring columns share cache lines, so they are copied at once."""
        number = place // _COLUMNS_AT_ONCE
        columns = self._columns.get(number)
        if columns is None:
            some = self.ends[:, number * _COLUMNS_AT_ONCE : (number + 1) * _COLUMNS_AT_ONCE]
            columns = self._columns[number] = np.empty(some.shape[::-1], dtype=np.intp)
            for row in range(0, self.rows, _ROWS_AT_ONCE):
                rows = slice(row, row + _ROWS_AT_ONCE)
                columns[:, rows] = some[rows].T
        column: Positions = columns[place % _COLUMNS_AT_ONCE]
        return column

    def _byte_texts(self, starts: Positions, lengths: Positions) -> pa.BinaryArray:
        offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        # In the joined text, each cell is moved by the same distance.
        positions = np.arange(offsets[-1])
        positions += np.repeat(starts - offsets[:-1], lengths)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.data[positions])]
        return pa.BinaryArray.from_buffers(pa.binary(), len(lengths), buffers)

    def _unquoted(self, text: bytes) -> bytes:
        one = b"" if self.quote is None else bytes([self.quote])
        return text.replace(2 * one, one)


def cut_table(text: bytes, dialect: Dialect, *, width: int, is_last: bool) -> TableCut | None:
    """The rows of a text that starts with a row and may end within one; None if anything in it is irregular.

    There may be no row (`size` is 0): then the text is too short.

    Args:
        width: Cells of a row.
        is_last: Whether the text ends the file.
    """
    if not is_last and text.endswith(b"\r"):
        text = text[:-1]
    has_carriage_returns = b"\r" in text
    if b"\0" in text or (has_carriage_returns and text.count(b"\r") != text.count(b"\r\n")):
        return None
    data = np.frombuffer(_with_room(text, is_last=is_last), dtype=np.uint8)
    used = data[: len(text) + (is_last and not text.endswith(b"\n"))]
    is_line_end, is_end = used == _LF, used == ord(dialect.delimiter)
    is_end |= is_line_end
    lines, quotes = is_line_end, None
    if dialect.quote is not None and dialect.quote.encode() in text:
        quotes = QuoteBits.of(used == ord(dialect.quote), is_end, used == _CR if has_carriage_returns else None)
        is_outside = quotes.is_outside()
        is_end &= is_outside
        lines = is_line_end & is_outside
    ends, rows = np.flatnonzero(is_end), np.count_nonzero(lines)
    # All line ends are counted, so if each row's last cell has one, no other cell has one.
    last_ends = ends[width - 1 : rows * width : width]
    size = int(last_ends[-1]) + 1 if len(last_ends) else 0
    if len(last_ends) < rows or (data[last_ends] != _LF).any() or (is_last and size < len(used)):
        return None
    if quotes is not None and not quotes.are_regular(size):
        return None
    return TableCut(
        text=text,
        data=data,
        size=min(size, len(text)),
        lines=int(np.count_nonzero(is_line_end[:size])),
        quote=ord(dialect.quote) if quotes is not None and dialect.quote else None,
        has_doubled_quotes=quotes is not None and quotes.are_doubled(),
        has_carriage_returns=has_carriage_returns,
        ends=ends[: rows * width].reshape(-1, width),
    )


def _with_room(text: bytes, *, is_last: bool) -> bytes:
    """The text with a line end at the end of the file, and enough bytes behind its last row to read them as a word."""
    if not is_last and len(text) - text.rfind(b"\n") > _WORD_BYTES:
        return text
    return text + b"\n" + bytes(_WORD_BYTES)

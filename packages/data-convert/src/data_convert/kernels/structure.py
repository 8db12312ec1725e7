"""Where the cells of a text end, and how it uses quotes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from data_convert.kernels.compiled import address_of, address_of_text, kernel
from data_convert.spec.dataset_spec import Dialect

_LF: Final = b"\n"
_CR: Final = b"\r"
_NO_BYTE: Final = 256
_SPARE: Final = 80


class Scratch(threading.local):
    """Arrays that a thread uses again for each block, because fresh memory costs as much as parsing."""

    def __init__(self) -> None:
        self._arrays: dict[str, tuple[npt.NDArray[Any], int]] = {}

    def array(self, name: str, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """An array of at least that size with arbitrary content."""
        return self.addressed(name, size, dtype)[0]

    def addressed(self, name: str, size: int, dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], int]:
        """The array and its address, which takes longer to find than most kernels need for a column of few rows."""
        found = self._arrays.get(name)
        if found is None or len(found[0]) < size:
            array = np.empty(size, dtype=dtype)
            found = self._arrays[name] = array, address_of(array)
        return found


scratch = Scratch()


@dataclass(frozen=True, kw_only=True)
class TextScan:
    """The cells of a text in a dialect of RFC 4180, if each of its quotes opens and closes a cell in turn.

    Attributes:
        text: The text.
        room: An entry of -1, the places where cells end, and entries without meaning.
        cells: Number of ends: delimiters and line ends outside of quotes.
        complete_cells: Number of ends in the complete records.
        rows: Number of line ends outside of quotes.
        lines: Number of physical lines, as line ends.
        is_inside: Whether the text ends inside a quoted cell.
        first_odd: Place of the first quote that is not at a border of its cell, len(text) if there is none; everything
            after it is guesswork.
        record_end: Where the last line ends that is not inside a quoted cell.
        has_many_lines: Whether a line ends inside a quoted cell.
        has_doubled: Whether a quoted cell holds quotes.
        has_returns: Whether the text has carriage returns besides LF.
        has_lone_returns: Whether some carriage return is neither in a quoted cell nor before a LF.
        line_end: LF if the text has any, else CR.
        is_ascii: Whether all bytes of the scanned text are ASCII.
    """

    text: bytes
    room: npt.NDArray[np.int32]
    cells: int
    complete_cells: int
    rows: int
    lines: int
    is_inside: bool
    first_odd: int
    record_end: int
    has_many_lines: bool
    has_doubled: bool
    has_returns: bool
    has_lone_returns: bool
    line_end: bytes
    is_ascii: bool

    @classmethod
    def of(cls, text: bytes, dialect: Dialect, *, size: int | None = None) -> Self:
        """Scan the text, or its first `size` bytes."""
        size = len(text) if size is None else size
        line_end = _LF if _LF in text else _CR
        quote = _NO_BYTE if dialect.quote is None else ord(dialect.quote)
        other = _CR[0] if line_end == _LF else _NO_BYTE
        facts = np.zeros(18, dtype=np.int64)
        facts[:6] = (
            size,
            address_of(scratch.array("tail", 64, np.uint8)),
            ord(dialect.delimiter),
            quote,
            line_end[0],
            other,
        )
        # Cells of one byte are rare.
        for entries in (size // 2 + _SPARE, size + _SPARE):
            room = np.empty(entries + 1, dtype=np.int32)
            room[0] = -1
            facts[6:8] = address_of(room) + room.itemsize, entries
            cells = kernel("scan_text")(address_of_text(text), address_of(facts))
            if cells >= 0:
                break
        is_inside, first_odd, record_end, many_lines, doubled, returns, lines, rows, complete, high = facts[8:].tolist()
        return cls(
            text=text,
            room=room,
            cells=cells,
            complete_cells=complete,
            rows=rows,
            lines=lines,
            is_inside=bool(is_inside),
            first_odd=first_odd,
            record_end=record_end,
            has_many_lines=bool(many_lines),
            has_doubled=bool(doubled),
            has_returns=returns > 0,
            has_lone_returns=returns > 1,
            line_end=line_end,
            is_ascii=not high,
        )

    def of_records(self, text: bytes) -> Self:
        """The scan of the complete records, which are `text`."""
        return self if text is self.text else replace(self, text=text, cells=self.complete_cells)

    def closed(self) -> Self:
        """The scan, with one more cell that ends there if the last line of the text has no end."""
        if not self.text or self.record_end == len(self.text):
            return self
        self.room[self.cells + 1] = len(self.text)
        return replace(self, cells=self.cells + 1, rows=self.rows + 1, record_end=len(self.text))

"""Reads the blocks of a source that hold rows: behind the preamble, the header and the rows after the header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from data_convert.errors import HeaderError, SourceError
from data_convert.reading.header import declared_layout, header_layout
from data_convert.reading.layout import RawLayout
from data_convert.reading.preamble import Preamble, empty_text, skipped_lines
from data_convert.reading.records import BLOCK_BYTES, Block, BlockCutter, utf8_reader
from data_convert.reading.rows import Row, line_count, read_records
from data_convert.reading.skipped_rows import SkippedRowCheck
from data_convert.reading.skips import COMMENTS, LINES, ROWS_AFTER_HEADER, Skips, total_skips
from data_convert.reading.sources import Source
from data_convert.reading.table_start import TableStart
from data_convert.spec.dataset_spec import DatasetSpec
from terminal import count_text

CHUNK_BYTES: Final = BLOCK_BYTES
"""Text that is read for each block. All places between two chunks are multiples of it."""


@dataclass(frozen=True, kw_only=True)
class TableMiddle:
    """A place between two rows, from which the rest of a source can be read.

    Attributes:
        rest: The text from there to the next chunk.
        line: The line of that place, from which lines are counted.
    """

    layout: RawLayout
    rest: bytes
    line: int = 1


@dataclass(kw_only=True)
class TableBlocks:
    """The blocks of one source, each with the places of the kept columns.

    Attributes:
        middle: Where the reading starts, if that is not the start of the source. The text must be UTF-8.
    """

    spec: DatasetSpec
    source: Source
    middle: TableMiddle | None = None
    _preamble: Preamble = field(default=Preamble(text=b"", lines=0, rest=b""), init=False)
    _layout: RawLayout | None = field(default=None, init=False)
    _cutter: BlockCutter = field(init=False)
    _first_text: bytes = field(default=b"", init=False)
    _is_empty: bool = field(default=True, init=False)
    _comments: int = field(default=0, init=False)
    _rows_after_header: int = field(default=0, init=False)

    @property
    def skipped(self) -> Skips:
        """What was skipped before the rows, as far as the source was read."""
        if self.middle is not None:
            return {}
        return total_skips(
            [{LINES: self._preamble.lines, COMMENTS: self._comments, ROWS_AFTER_HEADER: self._rows_after_header}]
        )

    @property
    def header(self) -> tuple[str, ...]:
        """The cells of the header; empty until it has been read."""
        return self._layout.header if self._layout is not None else ()

    def read(self, read: Callable[[int], bytes]) -> Iterator[tuple[Block, RawLayout]]:
        """The blocks of the text that `read(size)` returns.

        Raises:
            SourceError: The source has no header or no text, or what is skipped is a row.
            HeaderError: The header does not fit the declared columns.
        """
        yield from self.read_until(read, lambda: False)
        if (self._is_empty and not self._has_all_skipped_lines) or self._layout is None:
            raise SourceError(self.source.file.where, self._empty_text())

    def read_until(self, read: Callable[[int], bytes], is_end: Callable[[], bool]) -> Iterator[tuple[Block, RawLayout]]:
        """The same up to a place between two chunks, or up to the end of the source.

        Args:
            is_end: Whether this place is reached. The record that is incomplete there is not among the blocks.
        """
        utf8 = self._start(read)
        self._cutter = BlockCutter(
            dialect=self.spec.dialect,
            source=self.source.file.where,
            rest=self._preamble.rest,
            line=self._preamble.lines + 1 if self.middle is None else self.middle.line,
        )
        while not is_end():
            chunk = utf8(CHUNK_BYTES)
            for block in self._cutter.blocks(chunk) if chunk else self._cutter.last_block():
                yield from self._rows_of(block)
            if not chunk:
                break

    @property
    def rest_bytes(self) -> int:
        """Length of the incomplete record at the end of what was read."""
        return len(self._cutter.rest)

    @property
    def next_line(self) -> int:
        """Physical line of that record."""
        return self._cutter.line

    @property
    def layout(self) -> RawLayout | None:
        """The layout of the rows, once the header and all rows after it have been read."""
        return self._layout if self._is_complete else None

    def _start(self, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """Read what is before the rows; return a reader of the text behind it."""
        if self.middle is not None:
            self._layout, self._preamble = self.middle.layout, Preamble(text=b"", lines=0, rest=self.middle.rest)
            self._rows_after_header = self.spec.dialect.rows_after_header
            return read
        utf8 = self._remember_first_text(utf8_reader(read, self.spec.dialect.encoding, self.source.file.where))
        self._preamble = self._read_preamble(utf8)
        if not self.spec.dialect.header:
            self._take_layout(declared_layout(self.spec))
        return utf8

    def _rows_of(self, block: Block) -> Iterator[tuple[Block, RawLayout]]:
        self._is_empty = False
        # A small compressed file may hold gigabytes of line ends.
        if _is_blank(block) and (self._layout is None or self._layout.width > 1):
            return
        rows = block if self._is_complete else self._behind_header(block)
        if rows.text and self._layout is not None:
            yield rows, self._layout

    def _remember_first_text(self, utf8: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            text = utf8(size)
            self._first_text = self._first_text or text[:1]
            return text

        return read

    def _read_preamble(self, utf8: Callable[[int], bytes]) -> Preamble:
        dialect = self.spec.dialect
        start = TableStart(spec=self.spec, source=self.source, utf8=utf8)
        if dialect.skip_to == "header":
            return start.header()
        if dialect.skip_to == "row":
            return start.row(declared_layout(self.spec))
        return skipped_lines(utf8, dialect.skip_lines, size=BLOCK_BYTES, source=self.source.file.where)

    @property
    def _is_complete(self) -> bool:
        """Whether the header and all rows after it have been read."""
        return self._layout is not None and self._rows_after_header == self.spec.dialect.rows_after_header

    @property
    def _has_all_skipped_lines(self) -> bool:
        """Whether a text without rows has the declared lines before them: a table of no rows, not an empty file."""
        dialect = self.spec.dialect
        return not dialect.header and 0 < dialect.skip_lines == self._preamble.lines

    def _behind_header(self, block: Block) -> Block:
        """The block without the header and the rows after it."""
        size = lines = 0
        for record in read_records(block, self.spec.dialect):
            if self._is_complete:
                break
            self._comments += record.is_comment
            row = record.row if self._layout is None else record.row_of(self._layout.width)
            if row is not None:
                self._take(row)
            size += len(record.text.encode("utf-8", errors="surrogateescape"))
            lines += line_count(record.text)
        return replace(block, text=block.text[size:], first_line=block.first_line + lines)

    def _take(self, row: Row) -> None:
        if self._layout is not None:
            self._check(self._layout).check_row_after_header(row)
            self._rows_after_header += 1
        elif row.fault is not None:
            raise HeaderError(self.source.file.where, f"line {row.line}: the header: {row.fault}")
        else:
            self._take_layout(header_layout(self.spec, row.cells, source=self.source.file.where))

    def _take_layout(self, layout: RawLayout) -> None:
        self._layout = layout
        if self.spec.dialect.skip_to != "row":
            self._check(layout).check_preamble(self._preamble)

    def _check(self, layout: RawLayout) -> SkippedRowCheck:
        return SkippedRowCheck(source=self.source, spec=self.spec, layout=layout)

    def _empty_text(self) -> str:
        if self._comments:
            return f"the file has only comments (`dialect.comment = {self.spec.dialect.comment!r}`)."
        if self._preamble.lines:
            return (
                f"the file has nothing behind the {count_text(self._preamble.lines, 'line')} before the table"
                f" (`dialect.skip_lines = {self.spec.dialect.skip_lines}`). Fix that number, or remove the file."
            )
        return empty_text(self._first_text)


def _is_blank(block: Block) -> bool:
    # `isspace` ends at the first other character, and `strip` would copy the text.
    return block.text.isspace() and not block.text.strip(b"\r\n")

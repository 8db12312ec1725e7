"""Cuts text into blocks of complete records, so that blocks can be parsed in parallel."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from data_convert.errors import SourceError
from data_convert.kernels.structure import TextScan
from data_convert.reading.grammar import complete_records_size, has_more_cells, has_only_lines, is_classic
from data_convert.reading.preamble import Preamble, skipped_lines
from data_convert.spec.dataset_spec import Dialect

BLOCK_BYTES: Final = 4 << 20
"""Text per block. It is fixed, because block ends decide where row groups end, and the same input must produce the
same bytes."""

RECORD_LIMIT_BYTES: Final = 64 << 20
"""A longer record means that a quote was never closed."""

CELL_LIMIT: Final = 1_000_000
"""No table has more columns. Millions of empty cells would take a hundred times the memory of their text."""

_LF, _CR = b"\n", b"\r"
_BOM: Final = codecs.BOM_UTF8


class Quoting(Enum):
    """How a block uses quotes.

    Unless it is IRREGULAR, every quote opens or closes a cell and all cells are closed, so any RFC 4180 parser reads
    the block in the same way. Only `rows.read_rows` can read an irregular block; all blocks are irregular in dialects
    that RFC 4180 does not have.
    """

    ONE_LINE = "no cell holds a line end"
    MANY_LINES = "some cells hold line ends"
    IRREGULAR = "some quotes are inside unquoted cells or are never closed, or the dialect is not that of RFC 4180"


@dataclass(frozen=True, kw_only=True)
class Block:
    """Complete records of one source, as UTF-8.

    Attributes:
        text: The records with their line ends. Bytes that were not valid in the file's encoding stay invalid.
        first_line: Physical line of the first record, from 1.
        quoting: What its quotes mean to a parser.
        scan: The cells of the text if they are known already; see `scan_of`.
    """

    text: bytes
    first_line: int
    quoting: Quoting
    scan: TextScan | None = None

    def scan_of(self, dialect: Dialect) -> TextScan:
        """The cells of the text, which must not be irregular."""
        # A block with another text may have been made of this one.
        if self.scan is not None and self.scan.text is self.text:
            return self.scan.closed()
        return TextScan.of(self.text, dialect).closed()


def cut_blocks(
    read: Callable[[int], bytes], dialect: Dialect, *, source: str, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The text that `read(size)` returns, cut at record ends.

    Raises:
        SourceError: A record is longer than RECORD_LIMIT_BYTES, or the text is not in the encoding at all.
    """
    utf8 = utf8_reader(read, dialect.encoding, source)
    preamble = skipped_lines(utf8, dialect.skip_lines, size=block_bytes, source=source)
    yield from cut_text(utf8, preamble, dialect, source=source, block_bytes=block_bytes)


def cut_text(
    utf8: Callable[[int], bytes], preamble: Preamble, dialect: Dialect, *, source: str, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The text behind the preamble that `utf8(size)` returns, cut at record ends.

    Raises:
        SourceError: A record is longer than RECORD_LIMIT_BYTES, or the text is not in the encoding at all.
    """
    cutter = BlockCutter(dialect=dialect, source=source, rest=preamble.rest, line=preamble.lines + 1)
    while chunk := utf8(block_bytes):
        yield from cutter.blocks(chunk)
    yield from cutter.last_block()


@dataclass(kw_only=True)
class BlockCutter:
    """Cuts text that arrives in chunks. A block depends on `rest` and its chunk alone.

    Attributes:
        rest: The incomplete record at the end of the text so far, which is the start of the next block.
        line: Physical line on which it starts, from 1.
    """

    dialect: Dialect
    source: str
    rest: bytes
    line: int = 1

    def blocks(self, chunk: bytes) -> Iterator[Block]:
        """The complete records of the text so far, if there are any.

        Raises:
            SourceError: The record at the end is too long.
        """
        text = self.rest + chunk
        yield from self._taken(text, _complete_records(text, self.dialect))
        if len(self.rest) > RECORD_LIMIT_BYTES:
            raise _endless_record_error(self.source, self.line, self.dialect, self.rest)
        if has_more_cells(self.rest, self.dialect, CELL_LIMIT):
            problem = f"line {self.line}: a record starts here that has more than {CELL_LIMIT:,} cells."
            raise SourceError(self.source, problem)

    def last_block(self) -> Iterator[Block]:
        """The records at the end of the source, if there are any."""
        yield from self._taken(self.rest, _all_records(self.rest, self.dialect))

    def _taken(self, text: bytes, cut: _Cut) -> Iterator[Block]:
        first_line, records = self.line, text[: cut.size]
        scan = None if cut.scan is None else cut.scan.of_records(records)
        self.rest = text[cut.size :]
        self.line += _line_count(records) if cut.scan is None else cut.scan.lines - _line_count(self.rest)
        if records:
            # The number of the first line, so that parallel parsers report the lines of the file.
            yield Block(text=records, first_line=first_line, quoting=cut.quoting, scan=scan)


def _endless_record_error(source: str, line: int, dialect: Dialect, text: bytes) -> SourceError:
    """The error for a record that does not end within RECORD_LIMIT_BYTES; `text` is its start."""
    if dialect.quote is not None and dialect.quote.encode() in text:
        reason = "a quote was probably opened and never closed."
    else:
        reason = "it has no line end. The file is probably no table of text."
    return SourceError(
        source,
        f"line {line}: a record starts here that does not end within {RECORD_LIMIT_BYTES >> 20} MiB; {reason}",
    )


def utf8_reader(read: Callable[[int], bytes], encoding: str, source: str) -> Callable[[int], bytes]:
    """A reader of UTF-8 without the leading byte order mark; it returns b"" at the end."""
    name = codecs.lookup(encoding).name
    is_utf8 = name in ("utf-8", "utf-8-sig", "ascii")
    # Undecodable bytes become surrogates, so that the error names the row and the cell instead of the file.
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape")
    state: dict[str, Any] = {"start": True}

    def utf8(size: int) -> bytes:
        data = read(size)
        # A decoder may return no text for some bytes, such as half of a character; b"" would mean the end.
        while True:
            text = data if is_utf8 else _transcoded(decoder, data, source, encoding)
            if text or not data:
                break
            data = read(size)
        if state["start"] and text:
            state["start"] = False
            text = text.removeprefix(_BOM)
        return text

    return utf8


def _transcoded(decoder: codecs.IncrementalDecoder, data: bytes, source: str, encoding: str) -> bytes:
    try:
        return decoder.decode(data, final=not data).encode("utf-8", errors="surrogateescape")
    except UnicodeError as error:
        raise SourceError(source, f"is not {encoding}: {error}. Fix `dialect.encoding`.") from error


def _line_count(text: bytes) -> int:
    if _CR not in text:
        return text.count(_LF)
    # CRLF is one line end.
    return text.count(_CR) + text.count(_LF) - text.count(_CR + _LF)


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """The complete records at the start of a text.

    Attributes:
        size: Their length.
        scan: The scan of the text; None if the records are irregular.
    """

    size: int
    quoting: Quoting
    scan: TextScan | None = None


def _complete_records(text: bytes, dialect: Dialect) -> _Cut:
    """The complete records at the start of a text that may continue."""
    if not is_classic(dialect):
        size = _last_line_end(text) if has_only_lines(text, dialect) else complete_records_size(text, dialect)
        return _Cut(size=size, quoting=Quoting.IRREGULAR)
    # A CR at the end of the text may be half of a CRLF, so it does not count.
    is_half = text.endswith(_CR) and _LF not in text
    scan = TextScan.of(text, dialect, size=len(text) - is_half)
    if scan.first_odd < scan.record_end:
        return _Cut(size=_exact_record_end(text, dialect), quoting=Quoting.IRREGULAR)
    scan = replace(scan, lines=scan.lines + is_half)
    return _Cut(size=scan.record_end, quoting=_regular(scan), scan=scan)


def _all_records(text: bytes, dialect: Dialect) -> _Cut:
    """The last records of a source."""
    if is_classic(dialect):
        scan = TextScan.of(text, dialect)
        if not scan.is_inside and scan.first_odd == len(text):
            return _Cut(size=len(text), quoting=_regular(scan), scan=scan.closed())
    return _Cut(size=len(text), quoting=Quoting.IRREGULAR)


def quoting_of(text: bytes, dialect: Dialect) -> Quoting:
    """How complete records use quotes."""
    return _all_records(text, dialect).quoting


def _regular(scan: TextScan) -> Quoting:
    return Quoting.MANY_LINES if scan.has_many_lines else Quoting.ONE_LINE


def _last_line_end(text: bytes) -> int:
    """Where the last line ends. A CR at the end of the text may be half of a CRLF, so it does not count."""
    line_feed = text.rfind(_LF)
    return (line_feed if line_feed >= 0 else text.rfind(_CR, 0, max(len(text) - 1, 0))) + 1


def _exact_record_end(text: bytes, dialect: Dialect) -> int:
    """The same, cell by cell, for text in which some quotes are inside unquoted cells."""
    end = 0
    for match in _cell_pattern(dialect).finditer(text):
        if match.end() == len(text):
            # The cell, or its CRLF, may continue in text that was not read yet.
            break
        if match["end"] and match["end"] != dialect.delimiter.encode():
            end = match.end()
    return end


def _cell_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    quote, delimiter = re.escape(dialect.quote or '"').encode(), re.escape(dialect.delimiter).encode()
    return re.compile(
        rb"(?:%(q)s(?:[^%(q)s]|%(q)s%(q)s)*(?:%(q)s|\Z))?[^%(d)s\r\n]*(?P<end>%(d)s|\r\n|\r|\n|\Z)"
        % {b"q": quote, b"d": delimiter}
    )

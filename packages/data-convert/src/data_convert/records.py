"""Cuts text into blocks of whole records, so that blocks can be parsed side by side."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from data_convert.errors import SourceError
from data_convert.spec import Dialect

BLOCK_BYTES: Final = 4 << 20
"""Text per block. Fixed: block ends decide where row groups end, and the same input gives the same bytes."""

RECORD_LIMIT_BYTES: Final = 64 << 20
"""A record longer than this is a quote that was never closed."""

_WINDOW_BYTES: Final = 256 << 10
"""Text looked at together when quotes are counted: small enough for a processor's cache."""

_Bytes = npt.NDArray[np.uint8]
_LF, _CR = b"\n", b"\r"
_BOM: Final = codecs.BOM_UTF8
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


class Quoting(Enum):
    """How a block uses quotes.

    Unless IRREGULAR, every quote opens or closes a cell and all are closed: any RFC 4180 parser reads the block
    alike. An irregular block is for `rows.read_rows` only.
    """

    ONE_LINE = "no cell holds a line end"
    MANY_LINES = "some cells hold line ends"
    IRREGULAR = "some quotes stand inside bare cells or are never closed"


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole records of one source, as UTF-8.

    Attributes:
        text: The records with their line ends. Bytes that were not valid in the file's encoding stay invalid.
        first_line: Physical line of the first record, from 1.
        quoting: What its quotes mean to a parser.
    """

    text: bytes
    first_line: int
    quoting: Quoting


def cut_blocks(
    read: Callable[[int], bytes], dialect: Dialect, *, source: str, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The text that `read(size)` gives, cut at record ends.

    Raises:
        SourceError: A record is longer than RECORD_LIMIT_BYTES, or the text is not in the encoding at all.
    """
    utf8 = _utf8_reader(read, dialect.encoding, source)
    carry, line = _skipped(utf8, block_bytes, dialect.skip_lines)
    at_end = False
    while not at_end:
        chunk = utf8(block_bytes)
        at_end = not chunk
        text = carry + chunk
        size, quoting = (len(text), _quoting(text, dialect)) if at_end else _record_end(text, dialect)
        if size:
            block = Block(text=text[:size], first_line=line, quoting=quoting)
            yield block
            line += _line_count(block.text)
        carry = text[size:]
        if len(carry) > RECORD_LIMIT_BYTES:
            raise SourceError(
                source,
                f"line {line}: a record starts here that does not end within {RECORD_LIMIT_BYTES >> 20} MiB;"
                " a quote was probably opened and never closed.",
            )


def _utf8_reader(read: Callable[[int], bytes], encoding: str, source: str) -> Callable[[int], bytes]:
    """A reader of UTF-8, without a leading byte order mark; b"" at the end."""
    name = codecs.lookup(encoding).name
    is_utf8 = name in ("utf-8", "utf-8-sig", "ascii")
    decoder = codecs.getincrementaldecoder(encoding)(errors="surrogateescape")
    state: dict[str, Any] = {"start": True}

    def utf8(size: int) -> bytes:
        data = read(size)
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
        raise SourceError(source, f"is not {encoding}: {error}. Mend `dialect.encoding`.") from error


def _skipped(read: Callable[[int], bytes], size: int, lines: int) -> tuple[bytes, int]:
    """The first text behind so many physical lines, and the number of the line it starts with."""
    text, end = read(size), 0
    for _ in range(lines):
        # A CR that ends the text may be half of a CRLF.
        while (match := _LINE_END.search(text, end)) is None or match.end() == len(text):
            more = read(size)
            if not more:
                break
            text, end = text[end:] + more, 0
        if match is None:
            return b"", lines + 1
        end = match.end()
    return text[end:], lines + 1


def _line_count(text: bytes) -> int:
    buffer = np.frombuffer(text, dtype=np.uint8)  # numpy counts faster than bytes.count, and without the GIL
    if _CR not in text:
        return int(np.count_nonzero(buffer == _LF[0]))
    is_return, is_feed = buffer == _CR[0], buffer == _LF[0]
    pairs = np.count_nonzero(is_return[:-1] & is_feed[1:])
    return int(np.count_nonzero(is_return) + np.count_nonzero(is_feed) - pairs)


def _record_end(text: bytes, dialect: Dialect) -> tuple[int, Quoting]:
    """Length of the whole records at the start of `text`, and how they use quotes."""
    if dialect.quote is None or dialect.quote.encode() not in text:
        return _last_line_end(text), Quoting.ONE_LINE
    scan = _QuoteScan.of(text, dialect)
    if scan.first_odd < scan.record_end:
        return _exact_record_end(text, dialect), Quoting.IRREGULAR
    return scan.record_end, scan.quoting


def _quoting(text: bytes, dialect: Dialect) -> Quoting:
    """How the last block of a source uses quotes."""
    if dialect.quote is None or dialect.quote.encode() not in text:
        return Quoting.ONE_LINE
    scan = _QuoteScan.of(text, dialect)
    return Quoting.IRREGULAR if scan.is_inside or scan.first_odd < len(text) else scan.quoting


def _last_line_end(text: bytes) -> int:
    """Where the last line ends; a CR that ends the text may be half of a CRLF."""
    line_feed = text.rfind(_LF)
    return (line_feed if line_feed >= 0 else text.rfind(_CR, 0, max(len(text) - 1, 0))) + 1


@dataclass(kw_only=True)
class _QuoteScan:
    """What a walk over all quotes of a text found, taking each in turn as opening and closing a cell.

    Attributes:
        is_inside: Whether the text ends inside a quoted cell.
        first_odd: Place of the first quote that does not stand at a border of its cell; everything behind it
            is guesswork. len(text) if there is none.
        record_end: Where the last line ends that is not inside a quoted cell.
        quoting: Whether a line ends inside a quoted cell.
    """

    is_inside: bool = False
    first_odd: int
    record_end: int = 0
    quoting: Quoting = Quoting.ONE_LINE

    @classmethod
    def of(cls, text: bytes, dialect: Dialect) -> Self:
        buffer = np.frombuffer(text, dtype=np.uint8)
        quote = ord(dialect.quote or '"')
        is_border = np.zeros(256, dtype=np.bool_)
        is_border[[ord(dialect.delimiter), _LF[0], _CR[0], quote]] = True
        end, other = (_LF, _CR if _CR in text else b"") if _LF in text else (_CR, b"")
        scan = cls(first_odd=len(text))
        for start in range(0, len(buffer), _WINDOW_BYTES):
            window = buffer[start : start + _WINDOW_BYTES]
            quotes = np.flatnonzero(window == quote)
            scan._take_lines(text, start, quotes, end, other)
            scan._take_quotes(buffer, start, quotes, is_border)
        return scan

    def _take_lines(self, text: bytes, start: int, quotes: npt.NDArray[np.intp], end: bytes, other: bytes) -> None:
        """Notes where lines end with `end`; that they end with `other` ("" if none does) matters inside cells only."""
        window = np.frombuffer(text, dtype=np.uint8)[start : start + _WINDOW_BYTES]
        ends = np.flatnonzero(window == end[0])
        if end == _CR and start + len(window) == len(text) and text.endswith(_CR):
            ends = ends[:-1]  # it may be half of a CRLF
        is_outside = self._are_outside(ends, quotes)
        if is_outside.any():
            self.record_end = start + int(ends[is_outside][-1]) + 1
        if other:
            is_outside = np.append(is_outside, self._are_outside(np.flatnonzero(window == other[0]), quotes))
        if not is_outside.all():
            self.quoting = Quoting.MANY_LINES

    def _are_outside(self, places: npt.NDArray[np.intp], quotes: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        return np.asarray((np.searchsorted(quotes, places) + self.is_inside) % 2 == 0)

    def _take_quotes(
        self, buffer: _Bytes, start: int, quotes: npt.NDArray[np.intp], is_border: npt.NDArray[np.bool_]
    ) -> None:
        places = quotes + start
        opens, closes = places[int(self.is_inside) :: 2], places[1 - int(self.is_inside) :: 2]
        before = opens[1:] if len(opens) and opens[0] == 0 else opens
        behind = closes[:-1] if len(closes) and closes[-1] == len(buffer) - 1 else closes
        odd = [*before[~is_border[buffer[before - 1]]][:1], *behind[~is_border[buffer[behind + 1]]][:1]]
        self.first_odd = min(self.first_odd, *(int(place) for place in odd)) if odd else self.first_odd
        self.is_inside ^= bool(len(quotes) % 2)


def _exact_record_end(text: bytes, dialect: Dialect) -> int:
    """The same by walking cell by cell, for text in which some quotes stand inside bare cells."""
    end = 0
    for match in _cell_pattern(dialect).finditer(text):
        if match.end() == len(text):
            break  # the cell, or its CRLF, may go on in what was not read yet
        if match["end"] and match["end"] != dialect.delimiter.encode():
            end = match.end()
    return end


def _cell_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    quote, delimiter = re.escape(dialect.quote or '"').encode(), re.escape(dialect.delimiter).encode()
    return re.compile(
        rb"(?:%(q)s(?:[^%(q)s]|%(q)s%(q)s)*(?:%(q)s|\Z))?[^%(d)s\r\n]*(?P<end>%(d)s|\r\n|\r|\n|\Z)"
        % {b"q": quote, b"d": delimiter}
    )

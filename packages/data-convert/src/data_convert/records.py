"""Cuts text into blocks of whole records, so that blocks can be parsed side by side."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from data_convert.errors import SourceError
from data_convert.spec import Dialect

BLOCK_BYTES: Final = 8 << 20
"""Text per block. Fixed: block ends decide where row groups end, and the same input gives the same bytes."""

RECORD_LIMIT_BYTES: Final = 64 << 20
"""A record longer than this is a quote that was never closed."""

_LF, _CR = b"\n", b"\r"
_BOM: Final = codecs.BOM_UTF8


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
    carry, line = _skipped(utf8(block_bytes), dialect.skip_lines)
    at_end = False
    while not at_end:
        chunk = utf8(block_bytes)
        at_end = not chunk
        text = carry + chunk
        size, quoting = (len(text), _quoting(text, dialect)) if at_end else _record_end(text, dialect)
        if size:
            yield Block(text=text[:size], first_line=line, quoting=quoting)
            line += _line_count(text[:size])
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


def _skipped(text: bytes, lines: int) -> tuple[bytes, int]:
    """The text without its first physical lines, and the number of the line it then starts with."""
    end = 0
    for _ in range(lines):
        match = re.compile(rb"\r\n|\r|\n").search(text, end)
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
    quotes = _quote_places(text, dialect)
    end = _last_line_end(text, len(text))
    while end and (inside := int(np.searchsorted(quotes, end))) % 2:
        end = _last_line_end(text, int(quotes[inside - 1]))
    quoting = _quoting_of(text[:end], quotes[: np.searchsorted(quotes, end)], dialect)
    return (_exact_record_end(text, dialect) if quoting is Quoting.IRREGULAR else end), quoting


def _quote_places(text: bytes, dialect: Dialect) -> npt.NDArray[np.intp]:
    if dialect.quote is None or dialect.quote.encode() not in text:
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord(dialect.quote))


def _quoting(text: bytes, dialect: Dialect) -> Quoting:
    return _quoting_of(text, _quote_places(text, dialect), dialect)


def _last_line_end(text: bytes, before: int) -> int:
    """Where the last line that ends before `before` ends; a final CR may be half of a CRLF."""
    line_feed = text.rfind(_LF, 0, before)
    return (line_feed if line_feed >= 0 else text.rfind(_CR, 0, max(before - 1, 0))) + 1


def _quoting_of(text: bytes, quotes: npt.NDArray[np.intp], dialect: Dialect) -> Quoting:
    if not len(quotes):
        return Quoting.ONE_LINE
    buffer = np.frombuffer(text, dtype=np.uint8)
    if len(quotes) % 2 or not _quotes_stand_at_borders(buffer, quotes, dialect):
        return Quoting.IRREGULAR
    line_ends = np.flatnonzero((buffer == _LF[0]) | (buffer == _CR[0]))
    is_inside = np.searchsorted(quotes, line_ends) % 2
    return Quoting.MANY_LINES if is_inside.any() else Quoting.ONE_LINE


def _quotes_stand_at_borders(
    buffer: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp], dialect: Dialect
) -> bool:
    """Whether quotes open right behind a delimiter, line end or quote, and close right before one."""
    borders = np.zeros(256, dtype=np.bool_)
    borders[[ord(dialect.delimiter), _LF[0], _CR[0], ord(dialect.quote or '"')]] = True
    opens, closes = quotes[0::2], quotes[1::2]
    before = buffer[opens[int(opens[0] == 0) :] - 1]
    behind = buffer[closes[: len(closes) - int(closes[-1] == len(buffer) - 1)] + 1]
    return bool(borders[before].all() and borders[behind].all())


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

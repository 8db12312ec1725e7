"""Reads raw files a second time, with the standard library alone, to check what the conversion made of them.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import math
import string
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final, cast

import zstandard

from data_convert.spec import INTEGER_RANGES, ColumnSpec, DatasetSpec, Dialect

ROWS_AT_ONCE: Final = 2048

_SPACE: Final = " \t\n\r\v\f"
_FLAG_LETTERS: Final = string.ascii_letters + "*#?!$"
_FLAG_LIMIT: Final = 8
_TRUE: Final = {"true", "t", "yes", "y", "1"}
_FALSE: Final = {"false", "f", "no", "n", "0"}
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)

Values = tuple[Any, ...]
"""What a text should be in the Parquet: int, float, str, bool or None; microseconds or days since 1970 for times."""


class UnlikeHeaderError(Exception):
    """The header does not hold the declared columns; a finding, so it never leaves this package."""


UNREADABLE: Final = (
    UnlikeHeaderError,
    OSError,
    EOFError,
    UnicodeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zstandard.ZstdError,
)
"""What reading a file that is not what it claims to be may raise."""


@dataclass(frozen=True, kw_only=True)
class RawRow:
    """A row that is not as wide as it should be, or not quoted as it should be."""

    line: int
    raw: str


@dataclass(frozen=True, kw_only=True)
class RawRows:
    """Some consecutive rows of a source.

    Attributes:
        cells: The cells of each well-formed row.
        lines: Physical line on which each of them starts, from 1.
        raws: The text of each of them, with its line end.
        misshapen: The other rows among them.
    """

    cells: Sequence[Sequence[str]]
    lines: Sequence[int]
    raws: Sequence[str]
    misshapen: Sequence[RawRow]


class SecondReading:
    """The rows of one source, in order.

    Attributes:
        width: Cells that a row should have.
        places: For each kept column its place in a row, or None where an optional one is absent.
    """

    def __init__(self, spec: DatasetSpec, binary: IO[bytes]) -> None:
        self._dialect = spec.dialect
        self._binary = binary
        self._text = _text_of(binary, spec.dialect)  # kept: it closes the file when it is collected
        first = self._text.readline().removeprefix("\ufeff")
        self._lines = chain([first] if first else [], self._text)
        self._line = 1
        for _ in islice(self._lines, spec.dialect.skip_lines):
            self._line += 1
        headers = self._header(spec) if spec.dialect.header else list(spec.raw_headers)
        self.width = len(headers)
        self.places = [headers.index(c.header) if c.header in headers else None for c in spec.columns]

    @property
    def text_bytes(self) -> int:
        """Decompressed bytes read so far."""
        return self._binary.tell()

    def __iter__(self) -> Iterator[RawRows]:
        while lines := list(islice(self._lines, ROWS_AT_ONCE)):
            quote = self._dialect.quote
            if quote is not None and quote in "".join(lines):
                yield self._rows_with_quotes(lines)
            else:
                yield self._rows_of_one_line(lines)

    def _header(self, spec: DatasetSpec) -> list[str]:
        cells: Sequence[str] = ()
        while not cells and (row := self._next_row(self._lines)) is not None:
            cells, _, is_well_quoted = row
            if not is_well_quoted:
                raise UnlikeHeaderError("the header's quotes are not in pairs")
        names = [f"{cell}#{cells[: i + 1].count(cell)}" if cell in cells[:i] else cell for i, cell in enumerate(cells)]
        needed = [c.header for c in spec.columns if not c.optional]
        if absent := [name for name in needed if name not in names]:
            raise UnlikeHeaderError(f"the header lacks {', '.join(map(repr, absent[:5]))}")
        return names

    def _rows_of_one_line(self, lines: list[str]) -> RawRows:
        rows = list(csv.reader(lines, **_csv_format(self._dialect)))
        first, self._line = self._line, self._line + len(lines)
        if set(map(len, rows)) == {self.width}:
            return RawRows(cells=rows, lines=range(first, self._line), raws=lines, misshapen=())
        return self._sifted([(row, first + i, lines[i], True) for i, row in enumerate(rows)])

    def _rows_with_quotes(self, lines: list[str]) -> RawRows:
        """The rows that start in `lines`; the last one may need some more."""
        feed, end, rows = chain(lines, self._lines), self._line + len(lines), []
        while self._line < end and (row := self._next_row(feed)) is not None:
            cells, taken, is_well_quoted = row
            rows.append((cells, self._line - len(taken), "".join(taken), is_well_quoted))
        return self._sifted(rows)

    def _sifted(self, rows: Sequence[tuple[list[str], int, str, bool]]) -> RawRows:
        good, misshapen = [], []
        for cells, line, raw, is_well_quoted in rows:
            if not cells and self.width != 1:
                continue  # a blank line
            if is_well_quoted and len(cells or [""]) == self.width:
                good.append((cells or [""], line, raw))
            else:
                misshapen.append(RawRow(line=line, raw=raw))
        cells_, lines, raws = zip(*good, strict=True) if good else ((), (), ())
        return RawRows(cells=cells_, lines=lines, raws=raws, misshapen=misshapen)

    def _next_row(self, feed: Iterator[str]) -> tuple[list[str], list[str], bool] | None:
        """Cells, the physical lines they were read from, and whether the quotes are as RFC 4180 has them."""
        taken: list[str] = []

        def tape() -> Iterator[str]:
            for line in feed:
                taken.append(line)
                yield line

        options, is_well_quoted = _csv_format(self._dialect), True
        try:
            cells = next(csv.reader(tape(), strict=True, **options), None)
        except csv.Error:  # read again from the row's start, as leniently as the module does by default
            cells, is_well_quoted = next(csv.reader(chain(taken.copy(), tape()), **options)), False
        self._line += len(taken)
        return None if cells is None else (cells, taken, is_well_quoted)


def without_line_end(raw: str) -> str:
    """The text of a row without its one line end."""
    return raw[:-2] if raw.endswith("\r\n") else raw[:-1] if raw.endswith(("\n", "\r")) else raw


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file as it is on disk, and its decompressed bytes."""
    openers: dict[str, Callable[[IO[bytes]], Any]] = {
        ".gz": lambda raw: gzip.GzipFile(fileobj=raw),
        ".bz2": bz2.BZ2File,
        ".xz": lzma.LZMAFile,
        ".zst": lambda raw: zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True),
        ".zip": lambda raw: stack.enter_context(_one_member(stack.enter_context(zipfile.ZipFile(raw)))),
    }
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        opener = openers.get(path.suffix.lower())
        yield raw, raw if opener is None else opener(raw)


def _one_member(archive: zipfile.ZipFile) -> IO[bytes]:
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        raise zipfile.BadZipFile(f"{len(names)} members")
    return archive.open(names[0])


def _text_of(binary: IO[bytes], dialect: Dialect) -> io.TextIOWrapper:
    """The text, with its line ends (LF, CR or CRLF) as they are; undecodable bytes become surrogates."""
    name = codecs.lookup(dialect.encoding).name
    encoding = "utf-8" if name in ("ascii", "utf-8-sig") else name
    return io.TextIOWrapper(cast(Any, binary), encoding=encoding, errors="surrogateescape", newline="")


def _csv_format(dialect: Dialect) -> dict[str, Any]:
    csv.field_size_limit(2**31 - 1)
    if dialect.quote is None:
        return {"delimiter": dialect.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote}


def values_of(column: ColumnSpec, text: str) -> Values | None:
    """What the Parquet should hold for the text (two values for a flagged number); None if it does not fit."""
    if text in column.nulls:
        return (None, None) if column.type == "flagged_number" else (None,)
    if any("\udc80" <= character <= "\udcff" for character in text):
        return None
    if column.type == "flagged_number":
        return _flagged(text)
    value = _plain_value(column, text)
    return None if value is None else (value,)


def _plain_value(column: ColumnSpec, text: str) -> Any:
    if column.type in INTEGER_RANGES:
        return _integer(text, *INTEGER_RANGES[column.type])
    if column.type == "float64":
        return _float(text)
    if column.type == "bool":
        word = text.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if column.type in ("date", "timestamp"):
        return _moment(column, text)
    return text


def _number_text(text: str) -> str | None:
    """The text without space around it, if int() and float() read nothing but ASCII digits in it."""
    text = text.strip(_SPACE)
    return text if text.isascii() and "_" not in text and text == text.strip() else None


def _integer(text: str, low: int, high: int) -> int | None:
    number = _number_text(text) or ""
    digits = number.removeprefix("-" if number.startswith("-") else "+")
    significant = digits.lstrip("0")
    if not digits.isdecimal() or len(significant) > len(str(low)):
        return None
    value = int(significant or "0") * (-1 if number.startswith("-") else 1)
    return value if low <= value <= high else None


def _float(text: str) -> float | None:
    """The float, if the number that the text spells is its shortest form."""
    number = _number_text(text) or ""
    try:
        value = float(number)
        return value if math.isfinite(value) and Decimal(number) == Decimal(repr(value)) else None
    except (ValueError, InvalidOperation):
        return None


def _flagged(text: str) -> Values | None:
    if (value := _float(text)) is not None:
        return value, None
    number = text.rstrip(_FLAG_LETTERS)
    flag = text[len(number) :]
    if not 1 <= len(flag) <= _FLAG_LIMIT or number.strip(_SPACE) != number:
        return None
    if not number:
        return None, flag
    value = _float(number)
    return None if value is None or "e" in number.lower() else (value, flag)


def _moment(column: ColumnSpec, text: str) -> int | None:
    """Microseconds (timestamp) or days (date) since 1970 of the first format that fits."""
    for format_ in column.formats:
        try:
            moment = datetime.strptime(text, format_)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError):
            continue
        if column.type == "timestamp":
            return (moment - _EPOCH) // _MICROSECOND
        return (moment - _EPOCH).days if moment.time() == datetime.min.time() else None
    return None

"""Infers how a file is written from its beginning: encoding, delimiter, quote, preamble, header."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from data_convert.errors import NotATableError
from data_convert.rows import csv_format
from data_convert.spec import Dialect

HEAD_BYTES: Final = 1 << 20
"""How much of a file is looked at. What comes later can still disprove the encoding, see `inspection`."""

ENCODINGS: Final = ("utf-8", "cp1252", "latin-1")
"""Tried in this order; the last takes every byte."""

_SAMPLE_CHARACTERS: Final = 96 << 10
_SAMPLE_ROWS: Final = 1000
_PREAMBLE_LIMIT: Final = 50

_DELIMITERS: Final = {",": 1.0, "\t": 1.0, ";": 1.0, "|": 1.0, " ": 0.5}
"""How far each is trusted: a space also stands between words."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER: Final = re.compile(r"\s*[-+]?[$€£]?([0-9]+([.,][0-9]+)*[.,]?|\.[0-9]+)([eE][-+]?[0-9]+)?\s*%?", re.ASCII)
_MOMENT: Final = re.compile(
    r"([0-9]{1,4}([-/.])[0-9]{1,2}\2[0-9]{1,4})?([T ]?[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[AaPp][Mm])?)?"
    r"(Z|[-+][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)
_WORD: Final = re.compile(r"[^\W_]([\w .:/&@#%()+*'’\"!?=<>-]|,(?! ?\Z)){0,79}")
_NO_VALUE: Final = frozenset({"", "NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "-", "--", ".", "?"})


@dataclass(frozen=True, kw_only=True)
class SniffedDialect:
    """A dialect, the cells of a row under it, and what about it should be looked at."""

    dialect: Dialect
    width: int
    notes: tuple[str, ...]


def sniffed_dialect(head: bytes, *, source: str, is_whole: bool, encoding: str | None = None) -> SniffedDialect:
    """The dialect of a file that begins with `head`.

    Args:
        is_whole: Whether the file ends with `head`.
        encoding: What it is, if that is known already.

    Raises:
        NotATableError: It is empty or binary.
    """
    if not head.strip():
        raise NotATableError(source, "the file is empty. Get it again, or remove it.")
    encoding = encoding or sniffed_encoding(head, is_whole=is_whole)
    text = _decoded(head, encoding)
    if _is_binary(text):
        raise NotATableError(source, "this is not text: it holds control characters. Is it a binary file?")
    sample = _whole_lines(text, is_whole=is_whole)
    dialect = max(_candidates(sample, encoding), key=lambda candidate: _score(sample, candidate))
    rows = list(_numbered_rows(sample, dialect))
    width = _usual_width(rows)
    skipped = _preamble(rows, width)
    body = [cells for _, cells in rows if cells][len([1 for line, cells in rows if cells and line <= skipped]) :]
    dialect = Dialect(
        header=has_header(body),
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        encoding=encoding,
        skip_lines=skipped,
    )
    return SniffedDialect(
        dialect=dialect,
        width=len(body[0]) if dialect.header else width,
        notes=tuple(_notes(sample, dialect)),
    )


def sniffed_encoding(head: bytes, *, is_whole: bool) -> str:
    """By byte order mark, by the zero bytes of UTF-16, or the first of ENCODINGS that decodes all of it."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) * 0.2 and min(even, odd) < len(head) * 0.02:
        return "utf-16-be" if even > odd else "utf-16-le"
    return next(name for name in ENCODINGS if _decodes(head, name, is_whole=is_whole))


def _decodes(head: bytes, encoding: str, *, is_whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(head: bytes, encoding: str) -> str:
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head, final=False)
    return text.removeprefix("\ufeff")


def _is_binary(text: str) -> bool:
    control = sum(count for sign, count in Counter(text).items() if sign < " " and sign not in "\t\n\r\f\v")
    return control > 2 + len(text) * 0.01


def _whole_lines(text: str, *, is_whole: bool) -> str:
    if is_whole and len(text) <= _SAMPLE_CHARACTERS:
        return text
    text = text[:_SAMPLE_CHARACTERS]
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text[:end] if end else text


def _candidates(sample: str, encoding: str) -> Iterator[Dialect]:
    """Likelier ones first: of equal scores the first wins."""
    for delimiter, quote in itertools.product(_DELIMITERS, _quotes(sample)):
        if delimiter == "," or delimiter in sample:
            yield Dialect(delimiter=delimiter, quote=quote, encoding=encoding)


def _quotes(sample: str) -> list[str | None]:
    quotes: list[str | None] = ['"']
    if re.search(r"(^|[,;\t| ])'[^'\r\n]*'([,;\t| ]|$)", sample, re.MULTILINE):
        quotes.append("'")
    if '"' in sample:
        quotes.append(None)
    return quotes


def _numbered_rows(sample: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which each ends; blank lines are rows without cells."""
    reader = csv.reader(io.StringIO(sample, newline=""), **csv_format(dialect))
    for cells in itertools.islice(reader, _SAMPLE_ROWS):
        yield reader.line_num, cells


def _score(sample: str, dialect: Dialect) -> float:
    """How table-like the sample is under the dialect: regular rows, times cells that look like values.

    After van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns" (2019).
    """
    rows = [cells for _, cells in _numbered_rows(sample, dialect) if cells]
    if not rows:
        return 0.0
    counts = Counter(map(len, rows))
    regular = sum(n * max(0.001, (width - 1) / width) for width, n in counts.items()) / len(counts)
    cells = Counter(cell for row in rows for cell in row)
    likely = sum(_likelihood(cell) * n for cell, n in cells.items()) / cells.total()
    return regular * likely * _DELIMITERS[dialect.delimiter]


def _likelihood(cell: str) -> float:
    if cell in _NO_VALUE or _NUMBER.fullmatch(cell) or _MOMENT.fullmatch(cell):
        return 1.0
    if _WORD.fullmatch(cell):
        return 0.9
    if cell[0] in "\"'" or cell[-1] in "\"'," or any(sign in cell for sign in ";|\t"):
        return 0.1
    return 0.6


def _usual_width(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    counts = Counter(len(cells) for _, cells in rows if cells)
    return max(counts, key=lambda width: (counts[width], width))


def _preamble(rows: Sequence[tuple[int, Sequence[str]]], width: int) -> int:
    """Physical lines before the table: rows clearly narrower than it, or with one cell filled before a header."""
    if width < 2:
        return 0
    narrow = list(itertools.takewhile(lambda row: len(row[1]) != width, rows))
    widths = [len(cells) for _, cells in narrow if cells]
    is_clear = bool(widths) and max(widths) <= max(1, width - 2) and len(narrow) <= _PREAMBLE_LIMIT
    end = len(narrow) if is_clear else 0
    titles = list(itertools.takewhile(lambda row: sum(map(bool, row[1])) <= 1, rows[end:]))
    body = [cells for _, cells in rows[end + len(titles) :] if cells]
    if width > 2 and any(cells for _, cells in titles) and body and all(body[0]) and has_header(body):
        end += len(titles)
    return rows[end - 1][0] if end else 0


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns, rather than being one of the rows below it.

    A column votes for a header where words stand above numbers or moments, and against one where such a value
    stands above such values. Without any vote, it is a header if its cells are short, different and not repeated.
    """
    first, body = rows[0], rows[1:]
    votes = [_vote(cell, [row[place] for row in body if place < len(row)]) for place, cell in enumerate(first)]
    if any(votes):
        return sum(votes) > 0
    filled = [cell for cell in first if cell.strip()]
    repeated = any(
        cell and cell in {row[place] for row in body if place < len(row)} for place, cell in enumerate(first)
    )
    is_word = all(len(cell) <= 64 and not _is_value(cell) for cell in filled)
    return bool(filled) and is_word and len(set(filled)) == len(filled) and not repeated


def _vote(cell: str, below: Sequence[str]) -> int:
    if cell in _NO_VALUE:
        return 0
    values = [text for text in below if text not in _NO_VALUE]
    typed = sum(map(_is_value, values))
    if _is_value(cell):
        return -1 if not values or typed > len(values) / 2 else 0
    return int(bool(values) and typed > len(values) * 0.8)


def _is_value(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or (text and _MOMENT.fullmatch(text)))


def _notes(sample: str, dialect: Dialect) -> Iterator[str]:
    if dialect.encoding in ENCODINGS[1:]:
        yield encoding_note(dialect.encoding)
    if dialect.skip_lines:
        lines = io.StringIO(sample, newline="").readlines()[: dialect.skip_lines]
        shown = " / ".join(line.strip()[:60] for line in lines if line.strip())
        yield (
            f"the first {len(lines)} line{'s' if len(lines) != 1 else ''} of each file will be skipped,"
            f" since the table begins behind: {shown[:200]}"
        )
    if not dialect.header:
        yield "no header: the first row looks like data. Name the columns in data/datasets.toml."
    if dialect.delimiter == " " and re.search(r"\S {2,}\S", sample):
        yield "runs of spaces stand between values, and each space ends a cell; a fixed-width file needs another tool."
    if re.search(r'\\"', sample) and dialect.quote == '"':
        yield r"some quotes stand behind a backslash (\"), which escapes nothing in the dialects that can be declared."


def encoding_note(encoding: str) -> str:
    """What is said of an encoding that nothing but the absence of UTF-8 speaks for."""
    return (
        f"the text is not UTF-8 and is read as {encoding}, which is a guess:"
        " look at some accented letters, and mend `dialect.encoding` if they are wrong."
    )

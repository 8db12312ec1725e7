"""Rewrites a block in a dialect of RFC 4180, which the fast parser reads, if that is cheap and surely right."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from data_convert.reading.grammar import faultless_pattern, has_only_lines
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import Block, Quoting, quoting_of
from data_convert.reading.rows import csv_format
from data_convert.reading.skips import COMMENTS, REPEATED_HEADERS, Skips, total_skips
from data_convert.spec.dataset_spec import Dialect

_SEPARATOR: Final = "\x1f"
"""The ASCII unit separator replaces longer delimiters. Text that has it already is not rewritten."""

_LINE_START, _LINE_END = r"(?:\A|(?<=[\r\n]))", r"(?:\r\n|\r|\n|\Z)"


@dataclass(frozen=True, kw_only=True)
class PlainBlock:
    """A block without what is skipped, in the dialect `plain_dialect`. Its line numbers are not those of the file."""

    block: Block
    skipped: Skips


def plain_dialect(dialect: Dialect) -> Dialect:
    """The dialect of RFC 4180 in which blocks are rewritten."""
    delimiter = dialect.delimiter if len(dialect.delimiter) == 1 else _SEPARATOR
    return Dialect(header=dialect.header, delimiter=delimiter, quote=dialect.quote)


def plain_block(block: Block, dialect: Dialect, layout: RawLayout) -> PlainBlock | None:
    """The block with other delimiters and without what is skipped; None if only the exact reader may read it."""
    text, plain = block.text, plain_dialect(dialect)
    if has_only_lines(text, dialect):
        return _plain_lines(block, dialect, layout)
    # With quotes or escapes, a longer delimiter and the start of a comment may be data.
    if len(dialect.delimiter) > 1 or _has_comments(text, dialect):
        return None
    if dialect.skip_blanks or (dialect.escape is not None and dialect.escape.encode() in text):
        rewritten = _rewritten(text, dialect)
        if rewritten is None:
            return None
        text = rewritten
    quoting = quoting_of(text, plain)
    if quoting is Quoting.IRREGULAR:
        return None
    return _without_headers(replace(block, text=text, quoting=quoting), dialect, layout, {})


def _rewritten(text: bytes, dialect: Dialect) -> bytes | None:
    """The text with doubled quotes instead of escapes and without blanks; None if a cell has a fault.

    In faultless text, the csv module reads the cells that `rows` reads.
    """
    if dialect.quote is None or not faultless_pattern(dialect).fullmatch(text):
        return None
    lines = io.StringIO(text.decode("utf-8", errors="surrogateescape"), newline="")
    found = io.StringIO(newline="")
    form: dict[str, Any] = csv_format(dialect)
    rows = csv.reader(lines, **form, escapechar=dialect.escape, skipinitialspace=dialect.skip_blanks)
    csv.writer(found, **form, lineterminator="\r\n").writerows(rows)
    return found.getvalue().encode("utf-8", errors="surrogateescape")


def _plain_lines(block: Block, dialect: Dialect, layout: RawLayout) -> PlainBlock | None:
    text, comments = block.text, 0
    if dialect.comment is not None:
        text, comments = _comment_pattern(dialect).subn(b"", text)
        if comments and _joins_line_ends(text, layout):
            return None
    if dialect.skip_blanks:
        # In a single column, a line of spaces at the end of the text is a row.
        if layout.width == 1:
            return None
        text = _without_blanks(text, dialect.delimiter)
    if len(dialect.delimiter) > 1:
        if _SEPARATOR.encode() in text:
            return None
        text = text.replace(dialect.delimiter.encode(), _SEPARATOR.encode())
    plain = replace(block, text=text, quoting=Quoting.ONE_LINE)
    return _without_headers(plain, dialect, layout, {COMMENTS: comments})


def _without_headers(block: Block, dialect: Dialect, layout: RawLayout, skipped: Skips) -> PlainBlock | None:
    if not dialect.skip_repeated_header:
        return PlainBlock(block=block, skipped=total_skips([skipped]))
    # A blank line would match the header of one column without a name.
    if layout.header == ("",):
        return None
    text, headers = _header_pattern(plain_dialect(dialect), layout.header).subn(b"", block.text)
    # A line inside a quoted cell may look like the header.
    if headers and (block.quoting is not Quoting.ONE_LINE or _joins_line_ends(text, layout)):
        return None
    return PlainBlock(block=replace(block, text=text), skipped=total_skips([skipped, {REPEATED_HEADERS: headers}]))


def _joins_line_ends(text: bytes, layout: RawLayout) -> bool:
    """Whether a CR and an LF may now be one line end that were two; in a single column, a blank line is a row."""
    return layout.width == 1 and b"\r\n" in text


def _has_comments(text: bytes, dialect: Dialect) -> bool:
    return dialect.comment is not None and _comment_pattern(dialect).search(text) is not None


@lru_cache
def _comment_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    blanks = " *" if dialect.skip_blanks else ""
    return re.compile(f"{_LINE_START}{blanks}{re.escape(dialect.comment or '')}[^\r\n]*{_LINE_END}".encode())


def _without_blanks(text: bytes, delimiter: str) -> bytes:
    """The text without the spaces at the start of each cell."""
    if len(delimiter) > 1 or b"   " in text:
        return _blanks_pattern(delimiter).sub(rb"\1", text)
    # At most two spaces follow each other, and replacing bytes is faster than a pattern.
    for mark in (delimiter.encode(), b"\n", b"\r"):
        text = text.replace(mark + b"  ", mark).replace(mark + b" ", mark)
    return text.lstrip(b" ")


@lru_cache
def _blanks_pattern(delimiter: str) -> re.Pattern[bytes]:
    """A delimiter or the start of a line, and the spaces behind it."""
    return re.compile(f"(\\A|{re.escape(delimiter)}|[\r\n]) *".encode())


@lru_cache
def _header_pattern(dialect: Dialect, header: tuple[str, ...]) -> re.Pattern[bytes]:
    """A line that has the cells of the header, each quoted or not."""
    cells = [_spellings(cell, dialect) for cell in header]
    pattern = f"{_LINE_START}{re.escape(dialect.delimiter).join(cells)}{_LINE_END}"
    return re.compile(pattern.encode("utf-8", errors="surrogateescape"))


def _spellings(cell: str, dialect: Dialect) -> str:
    quote = dialect.quote
    spellings = [] if quote is None else [quote + cell.replace(quote, quote * 2) + quote]
    if not any(mark in cell for mark in (dialect.delimiter, "\r", "\n")) and not (quote and cell.startswith(quote)):
        spellings.append(cell)
    return f"(?:{'|'.join(map(re.escape, spellings))})" if spellings else "(?!)"

"""The grammar of records and cells in a dialect, as regular expressions.

A record is a comment, a blank line, or cells with delimiters between them. The patterns match at any place where a
record (or cell) starts and never fail there, so repeated matching divides the complete text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from data_convert.spec.dataset_spec import Dialect

_LINE_END: Final = r"\r\n|\r|\n"

LINE_END: Final = re.compile(_LINE_END)


def is_classic(dialect: Dialect) -> bool:
    """Whether any RFC 4180 parser can read the dialect: no key changes what a record or a cell is."""
    return (
        len(dialect.delimiter) == 1 and dialect.escape is None and dialect.comment is None and not dialect.skip_blanks
    )


@lru_cache
def record_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """One record with its line end; the group `end` is empty at the end of the text."""
    cell = f"(?>{_blanks(dialect)}(?:{_quoted(dialect)}{_plain(dialect)}))"
    record = f"{cell}(?:{re.escape(dialect.delimiter)}{cell})*+"
    if dialect.comment is not None:
        record = f"(?:{_comment(dialect)}|{record})"
    return re.compile(f"{record}(?P<end>{_LINE_END}|\\Z)".encode())


@lru_cache
def cell_pattern(dialect: Dialect) -> re.Pattern[str]:
    """One cell and what ends it.

    Groups: `quoted` is the text behind an opening quote, `close` the closing quote, `rest` the text behind that, or
    the complete cell if it is not quoted; `end` is a delimiter, a line end or empty at the end of the text.
    """
    cell = f"{_blanks(dialect)}{_quoted(dialect, named=True)}(?P<rest>{_plain(dialect)})"
    return re.compile(f"{cell}(?P<end>{re.escape(dialect.delimiter)}|{_LINE_END}|\\Z)")


@lru_cache
def faultless_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """Text in which all quoted cells are closed, without text behind them, and no line end is escaped."""
    quote, escape = re.escape(dialect.quote or ""), re.escape(dialect.escape or "")
    stop, escaped = re.escape(dialect.delimiter), f"{escape}[^\r\n]" if escape else "(?!)"
    quoted = f"{quote}[^{quote}{escape}]*+(?:(?:{quote}{quote}|{escaped})[^{quote}{escape}]*+)*+{quote}"
    plain = f"[^{stop}\r\n{escape}]*+(?:{escaped}[^{stop}\r\n{escape}]*+)*+"
    cell = f"{_blanks(dialect)}(?:{quoted}|(?!{quote}){plain})" if quote else f"{_blanks(dialect)}{plain}"
    return re.compile(f"(?:{cell}(?:{stop}|{_LINE_END}))*+{cell}".encode())


@lru_cache
def delimited_cell_pattern(dialect: Dialect) -> re.Pattern[bytes]:
    """A cell with the delimiter behind it."""
    cell = f"(?>{_blanks(dialect)}(?:{_quoted(dialect)}{_plain(dialect)}))"
    return re.compile(f"{cell}{re.escape(dialect.delimiter)}".encode())


@lru_cache
def comment_pattern(dialect: Dialect) -> re.Pattern[str] | None:
    """A comment with its line end; None if the dialect has no comments."""
    return None if dialect.comment is None else re.compile(f"{_comment(dialect)}(?:{_LINE_END}|\\Z)")


@lru_cache
def blank_line_pattern(dialect: Dialect) -> re.Pattern[str]:
    """A line without any cell. It never matches at the end of the text."""
    return re.compile(f"{_blanks(dialect)}(?:{_LINE_END})" + (r"| ++\Z" if dialect.skip_blanks else ""))


@lru_cache
def escapes_pattern(dialect: Dialect) -> re.Pattern[str]:
    """An escape character with what it makes literal, or a doubled quote; the last group is the literal text."""
    marks = [] if dialect.escape is None else [f"{re.escape(dialect.escape)}(\r\n|.|\\Z)"]
    if dialect.quote is not None:
        marks.append(f"{re.escape(dialect.quote)}({re.escape(dialect.quote)})")
    return re.compile(f"(?s:{'|'.join(marks) or '(?!)'})")


def _blanks(dialect: Dialect) -> str:
    return " *+" if dialect.skip_blanks else ""


def _comment(dialect: Dialect) -> str:
    return f"{_blanks(dialect)}{re.escape(dialect.comment or '')}[^\r\n]*+"


def _escaped(dialect: Dialect) -> str:
    """What an escape character makes literal; a CRLF is one line end."""
    return "(?!)" if dialect.escape is None else f"(?s:{re.escape(dialect.escape)}(?:\r\n|.|\\Z))"


def _quoted(dialect: Dialect, *, named: bool = False) -> str:
    if dialect.quote is None:
        return "(?P<quoted>(?!))?(?P<close>(?!))?" if named else ""
    quote, escape = re.escape(dialect.quote), re.escape(dialect.escape or "")
    text = f"[^{quote}{escape}]*+(?:(?:{quote}{quote}|{_escaped(dialect)})[^{quote}{escape}]*+)*+"
    # No group inside a possessive repeat: Python 3.11.0 to 3.11.4 crash there (gh-101955).
    return f"(?:{quote}(?P<quoted>{text})(?P<close>{quote}?))?" if named else f"(?:{quote}{text}{quote}?)?+"


def _plain(dialect: Dialect) -> str:
    """Text up to a delimiter or line end; a quote in it has no meaning."""
    first, rest = re.escape(dialect.delimiter[0]), re.escape(dialect.delimiter[1:])
    other = f"[^{first}\r\n{re.escape(dialect.escape or '')}]*+"
    # The first character of a longer delimiter may be data.
    partial = f"|{first}(?!{rest})" if rest else ""
    return f"{other}(?:(?:{_escaped(dialect)}{partial}){other})*+"


def complete_records_size(text: bytes, dialect: Dialect) -> int:
    """Length of the complete records at the start of a text that may continue."""
    end = 0
    for match in record_pattern(dialect).finditer(text):
        # The last record, or its CRLF, may continue in text that was not read yet.
        if match.end() < len(text):
            end = match.end()
    return end


def has_only_lines(text: bytes, dialect: Dialect) -> bool:
    """Whether each line of the text is a record, because no character makes another one literal."""
    marks = [mark for mark in (dialect.quote, dialect.escape) if mark is not None]
    return not any(mark.encode() in text for mark in marks)


def has_more_cells(record: bytes, dialect: Dialect, limit: int) -> bool:
    """Whether the start of a record has more cells than the limit."""
    if record.count(dialect.delimiter.encode()) <= limit:
        return False
    # Most delimiters of a long record may be inside a quoted cell.
    cells = end = 0
    for match in delimited_cell_pattern(dialect).finditer(record):
        if match.start() != end or cells > limit:
            break
        cells, end = cells + 1, match.end()
    return cells > limit

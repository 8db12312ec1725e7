"""Infers how a file is written from its beginning: encoding, delimiter, quote, preamble, header."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from data_convert.errors import NotATableError
from data_convert.inspection.sniffing.cell_kinds import Kind, usual_kind
from data_convert.inspection.sniffing.control_characters import control_problem
from data_convert.inspection.sniffing.dialect_candidates import comment_prefix, declared_delimiter
from data_convert.inspection.sniffing.dialect_choice import Reading, best_reading
from data_convert.inspection.sniffing.dialect_notes import dialect_notes, encoding_note, guessed_encoding_note
from data_convert.inspection.sniffing.encodings import FALLBACKS, GuessedEncoding, guessed_encoding
from data_convert.inspection.sniffing.headers import are_names
from data_convert.inspection.sniffing.sample_rows import Sample, SampleRow, is_comment
from data_convert.reading.preamble import empty_text
from data_convert.spec.dataset_spec import Dialect

HEAD_BYTES: Final = 1 << 20
"""How much of a file is looked at. What comes later can still disprove the encoding, see `inspection`."""

ENCODINGS: Final = FALLBACKS
"""Encodings to try, in this order; the last accepts every byte."""

__all__ = ["ENCODINGS", "HEAD_BYTES", "SniffedDialect", "encoding_note", "sniffed_dialect"]


@dataclass(frozen=True, kw_only=True)
class SniffedDialect:
    """A dialect, the number of cells in a row, and what the user should check.

    Attributes:
        names: Names of the columns if the files are read without a header although they have names, because these
            are in a comment, or are more or fewer than the columns; empty otherwise.
        units: Texts of the row behind the header, one per column; empty if there is no such row.
        skipped: The lines before the table, without their line ends.
    """

    dialect: Dialect
    width: int
    notes: tuple[str, ...]
    names: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def sniffed_dialect(head: bytes, *, source: str, is_whole: bool, encoding: str | None = None) -> SniffedDialect:
    """The dialect of a file that begins with `head`.

    Args:
        is_whole: Whether the file ends with `head`.
        encoding: The encoding, if it is known already.

    Raises:
        NotATableError: The file is empty or binary.
    """
    if not head.strip():
        raise NotATableError(source, empty_text(head))
    guess = guessed_encoding(head, is_whole=is_whole) if encoding is None else GuessedEncoding(name=encoding)
    text = _decoded(head, guess.name)
    if problem := control_problem(text, source=source):
        raise NotATableError(source, problem)
    sample = Sample.of(text, is_whole=is_whole)
    found = _sniffed(sample, guess.name)
    if found is None:
        raise NotATableError(source, "the file has comments or blank lines only. Get it again, or remove it.")
    notes = (*guessed_encoding_note(guess), *found.notes)
    return replace(found, notes=notes)


def _sniffed(sample: Sample, encoding: str) -> SniffedDialect | None:
    common = Dialect(encoding=encoding, comment=comment_prefix(sample))
    reading = _best(sample, common)
    if reading is not None and common.comment is not None and _are_rows(sample, reading):
        reading = _best(sample, replace(common, comment=None))
    return None if reading is None else _concluded(sample, reading)


def _best(sample: Sample, common: Dialect) -> Reading | None:
    delimiter = declared_delimiter(sample)
    if delimiter is None:
        found = best_reading(sample, common)
        return None if found is None else _with_all_names(found)
    # Excel's line is no row, but it keeps its place among the physical lines.
    return best_reading(sample.without_first_line(), common, delimiter=delimiter)


def _with_all_names(reading: Reading) -> Reading:
    """The reading with the delimiter of its header, if only the header has it: then no row has the table's shape."""
    header = reading.layout.header
    if reading.layout.width > 1 or header is None or any("," in row.cells[0] for row in reading.layout.fitting):
        return reading
    names = header.cells[0].split(",")
    if len(names) < 2 or not all(re.fullmatch(r"\w{1,32}", name.strip()) for name in names):
        return reading
    dialect = replace(reading.dialect, delimiter=",")
    return replace(reading, dialect=dialect, layout=replace(reading.layout, width=len(names)))


def _are_rows(sample: Sample, reading: Reading) -> bool:
    """Whether the lines that look like comments are rows of the table that the other lines are."""
    layout = reading.layout
    first = layout.header or next(iter(layout.fitting), None)
    behind = sample.lines[first.last_line if first else 0 :]
    marked = [line for line in behind if is_comment(line, reading.dialect)]
    rows = Sample.of("".join(marked), is_whole=True).rows(replace(reading.dialect, comment=None))
    if not marked:
        return False
    # A comment may well have as many delimiters; most of them have not.
    fitting = sum(len(row.cells) == layout.width and row.filled * 2 > layout.width for row in rows)
    return layout.width > 1 and fitting * 2 > len(rows) and not _is_numbered(layout.fitting)


def _is_numbered(rows: Sequence[SampleRow]) -> bool:
    return usual_kind(row.cells[0] for row in rows) in (Kind.NUMBER, Kind.MOMENT)


def _concluded(sample: Sample, reading: Reading) -> SniffedDialect:
    layout = reading.layout
    names, header = layout.names, layout.header
    skip_lines = layout.skip_lines
    if declared_delimiter(sample) is not None:
        skip_lines = max(1, skip_lines)
    if header is None and (commented := _names_in_comment(sample, reading)):
        names = commented
    elif header is not None and names:
        skip_lines = header.last_line
    dialect = replace(
        reading.dialect,
        header=header is not None and not names,
        skip_lines=skip_lines,
        rows_after_header=len(layout.after_header) if not names else 0,
        skip_repeated_header=layout.repeated_headers > 0 and not names,
    )
    dialect = replace(dialect, comment=_needed_comment(sample, dialect))
    units = tuple(layout.after_header[0].cells) if layout.after_header else ()
    found = SniffedDialect(
        dialect=dialect,
        width=layout.width,
        notes=(),
        names=names,
        units=units,
        skipped=tuple(line.rstrip("\r\n") for line in sample.lines[:skip_lines]),
    )
    return replace(found, notes=tuple(dialect_notes(sample, found, layout)))


def _names_in_comment(sample: Sample, reading: Reading) -> tuple[str, ...]:
    """The names in the last comment before the table, as in `# time, temp`."""
    dialect, layout = reading.dialect, reading.layout
    if dialect.comment is None or not layout.fitting:
        return ()
    before = sample.lines[: layout.fitting[0].first_line - 1]
    last = next((line for line in reversed(before) if line.strip()), "")
    if not is_comment(last, dialect):
        return ()
    text = last.strip().removeprefix(dialect.comment).strip()
    rows = Sample.of(text + "\n", is_whole=True).rows(replace(dialect, comment=None))
    names = tuple(cell.strip() for cell in rows[0].cells) if rows else ()
    return names if len(names) == layout.width and are_names(names) else ()


def _needed_comment(sample: Sample, dialect: Dialect) -> str | None:
    """The comment prefix, if any line behind the skipped ones is a comment."""
    return dialect.comment if any(is_comment(line, dialect) for line in sample.lines[dialect.skip_lines :]) else None


def _decoded(head: bytes, encoding: str) -> str:
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head, final=False)
    return text.removeprefix("\ufeff")

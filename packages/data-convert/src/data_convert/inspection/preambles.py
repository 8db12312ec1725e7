"""Finds one dialect for files of one table that differ in what stands before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from data_convert.errors import SourceError
from data_convert.inspection.dialects import HEAD_BYTES, SniffedDialect, sniffed_dialect
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.spec.dataset_spec import Dialect


@dataclass(frozen=True, kw_only=True)
class CommonPreamble:
    """The dialect of all files.

    Attributes:
        skip_lines: Name of a file -> lines before its table, if the dialect skips to a header or a row.
    """

    sniffed: SniffedDialect
    skip_lines: Mapping[str, int]


def sniffed_file(source: Source) -> SniffedDialect:
    """The dialect of one file alone."""
    with open_source(source) as stream:
        head = stream.read(HEAD_BYTES)
    return sniffed_dialect(head, source=source.file.where, is_whole=len(head) < HEAD_BYTES)


def common_preamble(sniffed: SniffedDialect, odd: Sequence[Source], others: Sequence[Source]) -> CommonPreamble:
    """The dialect in which the odd files are of the same table as the others, if only the lines before it differ.

    Args:
        odd: Files that are not of the table in the dialect `sniffed`.
        others: Files that are; without a header they may have fewer lines before the table.
    """
    common = sniffed.dialect
    is_doubtful = not common.header and common.skip_lines > 0 and not sniffed.names
    found = _own_dialects([*odd, *(others if is_doubtful else ())])
    own = {name: one for name, one in found.items() if _table_key(one.dialect) == _table_key(common)}
    if all(_preamble_key(one.dialect) == _preamble_key(common) for one in own.values()):
        return CommonPreamble(sniffed=sniffed, skip_lines={})
    prefix = next((one.dialect.comment for one in [sniffed, *own.values()] if one.dialect.comment), None)
    if prefix is not None and all(line.startswith(prefix) for one in [sniffed, *own.values()] for line in one.skipped):
        return CommonPreamble(
            sniffed=replace(sniffed, dialect=replace(common, comment=prefix, skip_lines=0)), skip_lines={}
        )
    # A file that is not odd has as many lines as the first one.
    counts = {source.name: common.skip_lines for source in others}
    counts |= {name: one.dialect.skip_lines for name, one in own.items()}
    dialect = replace(common, skip_lines=0, skip_to="header" if common.header else "row")
    longest = max([sniffed, *own.values()], key=lambda one: one.dialect.skip_lines)
    notes = [note for note in sniffed.notes if not note.startswith("the first ")]
    where = "the header" if common.header else "the first row"
    shown = " / ".join(line.strip()[:60] for line in longest.skipped if line.strip())
    notes.append(
        f"the files have {min(counts.values())} to {max(counts.values())} lines before {where}, which are skipped,"
        f" such as: {shown[:200]}"
    )
    return CommonPreamble(sniffed=replace(sniffed, dialect=dialect, notes=tuple(notes)), skip_lines=counts)


def _own_dialects(sources: Sequence[Source]) -> dict[str, SniffedDialect]:
    found = {}
    for source in sources:
        try:
            found[source.name] = sniffed_file(source)
        except SourceError:
            continue  # the survey reports why it cannot be read
    return found


def _table_key(dialect: Dialect) -> Dialect:
    return replace(dialect, encoding="utf-8", skip_lines=0, skip_to=None, comment=None, skip_repeated_header=False)


def _preamble_key(dialect: Dialect) -> tuple[int, str | None]:
    return dialect.skip_lines, dialect.comment

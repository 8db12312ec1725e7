"""Reads the beginning of each file of a folder: their common dialect, their headers, and all faults at once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from data_convert.errors import FileFault, SourceChangedError, SourceError
from data_convert.inspection.dialects import SniffedDialect
from data_convert.inspection.preambles import common_preamble, sniffed_file
from data_convert.reading.header import numbered
from data_convert.reading.preamble import BLANK_FILE, EMPTY_FILE
from data_convert.reading.records import Block, cut_blocks
from data_convert.reading.rows import read_rows, split_header
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.series.column_history import HeaderVariant, plain_name
from data_convert.series.column_samples import are_names_above_values, samples_of
from data_convert.spec.dataset_spec import Dialect
from terminal import count_text

_FIRST_BYTES: Final = 32 << 10
"""How much of each file is read for its header and some rows; more if the header is longer."""

_REQUESTS: Final = 16
"""How many objects are asked for their heads at the same time."""

_SAMPLE_ROWS: Final = 300
_SAME_TABLE: Final = 0.5
"""Headers are of one table if they share this part of the columns of the smaller one."""

_TWO_WAYS: Final = "Write it again like the others, or describe it as a dataset of its own, in a folder of its own."
_DELIMITER_NAMES: Final = {"\t": "a tab", " ": "a space"}


@dataclass(frozen=True, kw_only=True)
class FileHead:
    """The beginning of a file, read in the dialect of the folder.

    Attributes:
        names: Its header, with `X#2` for the second `X`; without a header, one number per column.
        header: In a folder of files without a header, the first row if it looks like one; else empty.
    """

    source: Source
    names: tuple[str, ...]
    header: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FolderSurvey:
    """What the files of a folder have in common.

    Attributes:
        heads: The files that are of one table, in the order of the sources.
        faults: The others.
        skip_lines: Name of a file -> lines before its table, if the dialect skips to the header or to the first row.
    """

    sniffed: SniffedDialect
    heads: tuple[FileHead, ...]
    faults: tuple[FileFault, ...]
    skip_lines: Mapping[str, int] = field(default_factory=dict)


def survey_folder(sources: Sequence[Source], dialect: Dialect | None) -> FolderSurvey:
    """Read the beginning of each file.

    Args:
        dialect: The declared dialect; None infers the one that most files have.
    """
    if dialect is not None:
        given = SniffedDialect(dialect=dialect, width=0, notes=())
        skips = _own_skips(sources) if dialect.skip_to is not None else {}
        return _checked(_heads(sources, given, skips), [], given, skips)
    sniffed, faults = _first_sniffed(sources)
    if sniffed is None:
        return FolderSurvey(
            sniffed=SniffedDialect(dialect=Dialect(), width=0, notes=()), heads=(), faults=tuple(faults)
        )
    readable = [source for source in sources if source.name not in {fault.file for fault in faults}]
    found = _heads(readable, sniffed)
    others = _unlike_first(found)
    if 2 * len(others) > len(readable):
        # The first file is the odd one.
        dialects = [sniffed_file(source) for source in others]
        usual = Counter(map(_key, dialects)).most_common(1)[0][0]
        sniffed = next(one for one in dialects if _key(one) == usual)
        found = _heads(readable, sniffed)
    table = _largest_table([head for head in found if isinstance(head, FileHead)], sniffed.dialect)
    names = {head.source.name for head in table}
    odd = [source for source in readable if source.name not in names]
    common = common_preamble(sniffed, odd, [head.source for head in table])
    if common.sniffed is not sniffed:
        found = _heads(readable, common.sniffed, common.skip_lines)
    return _checked(found, faults, common.sniffed, common.skip_lines)


def file_dialect(dialect: Dialect, source: Source, skip_lines: Mapping[str, int]) -> Dialect:
    """The dialect of one file: where files differ in the lines before the table, with its number of lines."""
    return replace(dialect, skip_lines=skip_lines[source.name], skip_to=None) if source.name in skip_lines else dialect


def _own_skips(sources: Sequence[Source]) -> dict[str, int]:
    skips = {}
    for source in sources:
        try:
            skips[source.name] = sniffed_file(source).dialect.skip_lines
        except SourceError:
            continue  # it is reported when the head is read
    return skips


def header_variants(
    heads: Sequence[FileHead], order: Sequence[int], dialect: Dialect, skip_lines: Mapping[str, int]
) -> list[HeaderVariant]:
    """The distinct headers, each with its files and with values from its first and last file.

    Args:
        order: Places of the heads in the order of time.
    """
    places: dict[tuple[str, ...], list[int]] = {}
    for number, place in enumerate(order):
        places.setdefault(heads[place].names, []).append(number)

    def first_rows(source: Source) -> list[Sequence[str]]:
        return _first_rows(source, file_dialect(dialect, source, skip_lines))

    variants = []
    for names, files in places.items():
        # One header alone is compared with no other.
        sampled = {files[0], files[-1]} if len(places) > 1 else set()
        rows = [row for number in sorted(sampled) for row in first_rows(heads[order[number]].source)]
        variants.append(HeaderVariant(names=names, files=frozenset(files), samples=samples_of(rows, names)))
    return variants


def _first_rows(source: Source, dialect: Dialect) -> list[Sequence[str]]:
    with open_source(source) as stream:
        blocks = cut_blocks(stream.read, dialect, source=source.file.where, block_bytes=_FIRST_BYTES)
        rows = (row.cells for block in blocks for row in read_rows(block, dialect, columns=2) if row.cells)
        return list(itertools.islice(rows, int(dialect.header), _SAMPLE_ROWS))


def _key(sniffed: SniffedDialect) -> Dialect:
    return replace(sniffed.dialect, encoding="utf-8")


def _first_sniffed(sources: Sequence[Source]) -> tuple[SniffedDialect | None, list[FileFault]]:
    """The dialect of the first file that has one, and the faults of those before it."""
    faults: list[FileFault] = []
    for source in sources:
        try:
            return sniffed_file(source), faults
        except SourceError as error:
            faults.append(fault_of(source, error))
    return None, faults


def fault_of(source: Source, error: SourceError) -> FileFault:
    """The fault of a file that cannot be read, without its path, which the list of faults names.

    Raises:
        SourceChangedError: It is this error, which no change to the file fixes.
    """
    if isinstance(error, SourceChangedError):
        raise error
    return FileFault(file=source.name, problem=str(error).removeprefix(f"{source.file.where}: "))


def _heads(
    sources: Sequence[Source], sniffed: SniffedDialect, skip_lines: Mapping[str, int] = MappingProxyType({})
) -> list[FileHead | FileFault]:
    def head(source: Source) -> FileHead | FileFault:
        return _head(source, file_dialect(sniffed.dialect, source, skip_lines))

    # The head of a local file takes less than a millisecond; that of an object is a request, during which others wait.
    if not any(source.file.version for source in sources):
        return [head(source) for source in sources]
    with ThreadPoolExecutor(_REQUESTS) as pool:
        return list(pool.map(head, sources))


def _head(source: Source, dialect: Dialect) -> FileHead | FileFault:
    try:
        with open_source(source) as stream:
            blocks = cut_blocks(stream.read, dialect, source=source.file.where, block_bytes=_FIRST_BYTES)
            for block in blocks:
                if not dialect.header:
                    return _head_without_names(source, block, dialect)
                header, _ = split_header(block, dialect)
                if header is not None and header.fault is not None:
                    return FileFault(file=source.name, problem=f"line {header.line}: the header: {header.fault}")
                if header is not None:
                    return FileHead(source=source, names=tuple(numbered([_replaced(cell) for cell in header.cells])))
    except SourceError as error:
        return fault_of(source, error)
    return FileFault(file=source.name, problem=BLANK_FILE if source.size_bytes else EMPTY_FILE)


def _head_without_names(source: Source, block: Block, dialect: Dialect) -> FileHead:
    """A head with a number for each cell that most rows have."""
    rows = [row.cells for row in itertools.islice(read_rows(block, dialect, columns=2), _SAMPLE_ROWS)]
    widths = Counter(map(len, rows))
    width = widths.most_common(1)[0][0] if widths else 0
    header = tuple(map(_replaced, rows[0])) if rows and are_names_above_values(rows) else ()
    return FileHead(source=source, names=tuple(map(str, range(1, width + 1))), header=header)


def _replaced(cell: str) -> str:
    """The cell with undecodable bytes replaced; reading all rows determines the encoding later."""
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _unlike_first(found: Sequence[FileHead | FileFault]) -> list[Source]:
    heads = [head for head in found if isinstance(head, FileHead)]
    return [head.source for head in heads[1:] if not _overlap(heads[0].names, head.names)]


def _overlap(names: Sequence[str], others: Sequence[str]) -> float:
    """Share of the columns of the smaller header that both have, without regard to case and signs."""
    one, two = ({_plain(name) for name in header} for header in (names, others))
    return len(one & two) / max(1, min(len(one), len(two)))


def _plain(name: str) -> str:
    # In text of another encoding, control characters stand between the letters.
    return (plain_name(name) if name.isprintable() else "") or name


def _checked(
    found: Sequence[FileHead | FileFault],
    faults: Sequence[FileFault],
    sniffed: SniffedDialect,
    skip_lines: Mapping[str, int] = MappingProxyType({}),
) -> FolderSurvey:
    heads = [head for head in found if isinstance(head, FileHead)]
    table = _largest_table(heads, sniffed.dialect)
    headed = [head for head in table if head.header]
    if 2 * len(headed) < len(table):
        table = [head for head in table if not head.header]
    members = {head.source.name for head in table}
    odd = {h.source.name: _odd_fault(h, table[0], sniffed) for h in heads if h.source.name not in members}
    broken = {fault.file: fault for fault in (*faults, *(f for f in found if isinstance(f, FileFault)))}
    by_file = {**broken, **odd}
    ordered = [by_file[name] for name in sorted(by_file)]
    return FolderSurvey(sniffed=sniffed, heads=tuple(table), faults=tuple(ordered), skip_lines=skip_lines)


def _largest_table(heads: Sequence[FileHead], dialect: Dialect) -> list[FileHead]:
    """The largest group of files whose headers have enough in common, directly or by others between them."""
    tables: list[list[tuple[str, ...]]] = []
    for names in dict.fromkeys(head.names for head in heads):
        near = [table for table in tables if any(_is_same_table(names, other, dialect) for other in table)]
        tables = [table for table in tables if table not in near] + [[*itertools.chain(*near), names]]
    files = Counter(head.names for head in heads)
    largest = max(tables, key=lambda table: sum(files[names] for names in table), default=[])
    members = set(largest)
    return [head for head in heads if head.names in members]


def _is_same_table(names: Sequence[str], others: Sequence[str], dialect: Dialect) -> bool:
    return names == others or (dialect.header and _overlap(names, others) >= _SAME_TABLE)


def _odd_fault(head: FileHead, usual: FileHead, sniffed: SniffedDialect) -> FileFault:
    """Why the file is not of the table: another dialect, no header, or other columns."""
    try:
        own = sniffed_file(head.source).dialect
    except SourceError as error:
        return fault_of(head.source, error)
    if head.header:
        text = (
            f"its first line is a header, {usual.source.name} and others have none: {_shown(head.header)}."
            " Remove this line, or add it to all files."
        )
        return FileFault(file=head.source.name, problem=text)
    problem = _dialect_fault(head, usual, own, sniffed.dialect)
    if problem is None and not sniffed.dialect.header:
        problem = f"its rows have {len(head.names)} cells, those of {usual.source.name} and others {len(usual.names)}."
    if problem is None and len(head.names) == len(usual.names) and not own.header:
        problem = (
            f"its first line is a row, not the header that {usual.source.name} and others have:"
            f" {_shown(head.names)}. Add the header to this file."
        )
    return FileFault(file=head.source.name, problem=problem or _other_columns(head, usual))


def _dialect_fault(head: FileHead, usual: FileHead, own: Dialect, common: Dialect) -> str | None:
    """The difference in dialect with which the file is of the table; None if there is none."""
    codec = own.encoding if own.encoding.startswith(("utf-16", "utf-32")) else common.encoding
    skipped = count_text(own.skip_lines, "line")
    cases = [
        (
            replace(common, delimiter=own.delimiter),
            f"this one uses {_character(own.delimiter)} between its cells, {usual.source.name} and others use"
            f" {_character(common.delimiter)}. {_TWO_WAYS}",
        ),
        (
            replace(common, encoding=codec),
            f"this one is {codec}, {usual.source.name} and others are {common.encoding}. Convert it:"
            f" iconv -f {codec} -t {common.encoding} {head.source.name} > NEW.",
        ),
        (
            replace(common, skip_lines=own.skip_lines),
            f"its table begins behind {skipped}, that of {usual.source.name} and others behind {common.skip_lines}."
            " Give all files the same number of lines before the header.",
        ),
        (
            replace(common, quote=own.quote),
            f"this one quotes its cells with {own.quote or 'no sign'}, {usual.source.name} and others with"
            f" {common.quote or 'no sign'}. {_TWO_WAYS}",
        ),
    ]
    return next((text for dialect, text in cases if dialect != common and _is_table_in(head, usual, dialect)), None)


def _is_table_in(head: FileHead, usual: FileHead, dialect: Dialect) -> bool:
    found = _head(head.source, dialect)
    return isinstance(found, FileHead) and _is_same_table(usual.names, found.names, dialect)


def _character(text: str) -> str:
    return _DELIMITER_NAMES.get(text, repr(text))


def _other_columns(head: FileHead, usual: FileHead) -> str:
    shared = [name for name in head.names if name in usual.names]
    common = f"only {_shown(shared)} of them" if shared else "none of them"
    return (
        f"this is another table: it has {_shown(head.names)}; {usual.source.name} and others have {common}, but"
        f" {_shown([name for name in usual.names if name not in shared])}."
        " Move it to a folder of its own and inspect that folder."
    )


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name[:40]) for name in names[:5]) + more

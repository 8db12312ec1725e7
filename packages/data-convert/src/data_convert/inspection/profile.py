"""Reads all rows of all files once and collects evidence on each column, in bounded memory."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.errors import HeaderError, NotATableError
from data_convert.inspection.column_types.candidates import Place
from data_convert.inspection.column_types.column_texts import ColumnTexts
from data_convert.inspection.column_types.inference import ColumnEvidence
from data_convert.inspection.parsed_block import BlockLines, ParsedBlock, still_twins
from data_convert.reading.fast_parser import CellTexts, read_texts
from data_convert.reading.grammar import is_classic
from data_convert.reading.header import numbered
from data_convert.reading.preamble import BLANK_FILE, EMPTY_FILE
from data_convert.reading.ragged_rows import accepted_kind, padded_cells, ragged_kind
from data_convert.reading.records import Block, Quoting, cut_blocks
from data_convert.reading.rows import BEHIND_A_QUOTE, NEVER_CLOSED, Row, read_rows, split_header
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source, with_progress
from data_convert.series.completeness import FileFacts
from data_convert.spec.dataset_spec import Dialect
from terminal import OnBytes, count_text

_NAMED_MISFITS: Final = 5
_COMPARED_COLUMNS: Final = 8
_GATHERED_BYTES: Final = 64 << 20
"""Memory for columns that are gathered before they are looked at."""

_GATHERED_TEXTS: Final = 1 << 14
_BOM: Final = b"\xef\xbb\xbf"


class WrongEncodingError(Exception):
    """The text does not continue in the encoding of its beginning; the message has the line."""


@dataclass(frozen=True, kw_only=True)
class RaggedRow:
    """A row with another number of cells, or with wrong quotes, and the reason."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """The number of cells in a row of a file, and the place of each column in it; None if the file does not have it.

    Attributes:
        header: The cells of its header; empty if it has none.
    """

    width: int
    places: Sequence[int | None]
    header: Sequence[str] = ()


@dataclass(kw_only=True)
class Profile:
    """All rows read so far.

    Attributes:
        columns: The headers of each column (`X#2` for the second X), of which a file has one or none.
        skips_repeated_headers: Whether a row that equals the header of its file is counted and is no row.
        files: The amount of data in each file, and how it ends.
        kinds: How many of the ragged rows `dialect.ragged` would accept, by kind; None for the others.
        quote_faults: Ragged rows whose quotes are wrong.
        has_open_quote: Whether a quote is never closed: the rows behind it may be part of its cell.
        twins: For each column the first column with the same text in every row; itself if there is none.
    """

    dialect: Dialect
    columns: Sequence[Sequence[str]]
    jobs: int
    skips_repeated_headers: bool = False
    evidence: list[ColumnEvidence] = field(default_factory=list)
    twins: list[int] = field(default_factory=list)
    rows: int = 0
    ragged_rows: int = 0
    ragged: list[RaggedRow] = field(default_factory=list)
    text_bytes: int = 0
    repeated_headers: int = 0
    kinds: Counter[str | None] = field(default_factory=Counter)
    quote_faults: int = 0
    has_open_quote: bool = False
    files: list[FileFacts] = field(default_factory=list)
    _last_text: bytes = b""
    _wide: set[int] = field(default_factory=set)
    _gathered: list[list[ColumnTexts]] = field(default_factory=list)
    _gathered_texts: list[int] = field(default_factory=list)
    _gathered_bytes: int = 0

    def __post_init__(self) -> None:
        self.evidence = [ColumnEvidence() for _ in self.columns]
        self.twins = [0] * self.width
        self._gathered, self._gathered_texts = [[] for _ in self.columns], [0] * self.width

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def read(self, source: Source, on_bytes: OnBytes, *, skip_lines: Mapping[str, int]) -> None:
        """Read all rows of a source.

        Args:
            skip_lines: Name of a source -> lines before its table, if the sources differ in it.

        Raises:
            SourceError: It cannot be read.
            WrongEncodingError: It is not in the encoding.
        """
        ahead: deque[Future[ParsedBlock]] = deque()
        rows, last = self.rows, None
        with open_source(source) as stream, ThreadPoolExecutor(self.jobs) as parsers:
            layout = FileLayout(width=self.width, places=range(self.width))
            for block, layout in self._blocks(source, with_progress(stream.read, source, on_bytes), skip_lines):
                ahead.append(parsers.submit(self._parsed, block, layout))
                if len(ahead) > self.jobs:
                    self._take(ahead.popleft().result(), layout, source)
            while ahead:
                last = ahead.popleft().result()
                self._take(last, layout, source)
            facts = stream.facts()
        self.text_bytes += facts.text_bytes
        ends_inside_line = self._last_text[-1:] not in (b"\n", b"\r")
        self.files.append(
            FileFacts(
                name=source.name,
                rows=self.rows - rows,
                text_bytes=facts.text_bytes,
                sha256=facts.sha256,
                ends_inside_line=ends_inside_line,
                fault=_last_fault(last) if ends_inside_line and last is not None else None,
            )
        )

    def _blocks(
        self, source: Source, read: Callable[[int], bytes], skip_lines: Mapping[str, int]
    ) -> Iterator[tuple[Block, FileLayout]]:
        """The blocks of a source without its header, with the place of each column in its rows."""
        layout = None if self.dialect.header else FileLayout(width=self.width, places=range(self.width))
        is_empty = True
        after_header = 0
        dialect = self.dialect
        if source.name in skip_lines:
            dialect = replace(dialect, skip_lines=skip_lines[source.name], skip_to=None)
        for block in cut_blocks(read, dialect, source=source.file.where):
            is_empty, self._last_text = False, block.text
            _check_encoding(block)
            if layout is None:
                header, block = split_header(block, self.dialect)
                if header is None:
                    continue
                if header.fault is not None:
                    raise HeaderError(source.file.where, f"line {header.line}: the header: {header.fault}")
                layout = self._layout(header.cells)
            while after_header < self.dialect.rows_after_header and block.text:
                row, block = split_header(block, self.dialect)
                after_header += row is not None
            if block.text:
                yield block, layout
        if is_empty or layout is None:
            raise NotATableError(source.file.where, BLANK_FILE if source.size_bytes else EMPTY_FILE)

    def _layout(self, header: Sequence[str]) -> FileLayout:
        names = numbered(header)
        at = {name: place for place, name in enumerate(names)}
        places = [next((at[name] for name in column if name in at), None) for column in self.columns]
        return FileLayout(width=len(names), places=places, header=header)

    def _parsed(self, block: Block, layout: FileLayout) -> ParsedBlock:
        is_regular = block.quoting is not Quoting.IRREGULAR and not block.text.startswith(_BOM)
        if is_regular and is_classic(self.dialect):
            columns = read_texts(block, self.dialect, width=layout.width, wide=self._wide)
            if columns is not None and not self._may_repeat_header(columns, layout):
                return ParsedBlock(columns=columns, lines=BlockLines.of(block, columns[0].rows), ragged=[])
        return self._parsed_exactly(block, layout)

    def _may_repeat_header(self, columns: Sequence[CellTexts], layout: FileLayout) -> bool:
        if not self.skips_repeated_headers or not layout.header:
            return False
        pairs = list(zip(columns, layout.header, strict=True))[:_COMPARED_COLUMNS]
        return all(pc.any(pc.equal(column.texts, name)).as_py() for column, name in pairs)

    def _parsed_exactly(self, block: Block, layout: FileLayout) -> ParsedBlock:
        cells, ragged, lines, repeated = [], [], [], 0
        kinds: Counter[str | None] = Counter()
        width, header = layout.width, list(layout.header)
        for row in read_rows(block, self.dialect, columns=width):
            if self.skips_repeated_headers and header and list(row.cells) == header:
                repeated += 1
                continue
            fault = _shape_fault(row, width)
            is_accepted = row.fault is None and accepted_kind(row.cells, width, self.dialect) is not None
            if fault is not None and not is_accepted:
                kinds[ragged_kind(row.cells, width) if row.fault is None else None] += 1
                ragged.append((row.line, fault))
                continue
            cells.append(padded_cells(row.cells, width) if is_accepted else row.cells)
            lines.append(row.line)
        columns = zip(*cells, strict=True) if cells else [()] * width
        return ParsedBlock(
            columns=[CellTexts.coded(pa.array(column, pa.string())) for column in columns],
            lines=BlockLines(rows=len(cells), lines=lines),
            ragged=ragged,
            repeated_headers=repeated,
            kinds=kinds,
        )

    def _take(self, parsed: ParsedBlock, layout: FileLayout, source: Source) -> None:
        lines = parsed.lines

        def line_of(row: int) -> Place:
            return Place(source=source.name, line=lines.line(row, self.dialect, layout.width))

        columns = [None if place is None else parsed.columns[place] for place in layout.places]
        for place, cells in enumerate(columns):
            if cells is not None:
                self._gather(place, ColumnTexts.of(cells, line_of, source.name))
        self._gathered_bytes += lines.text_bytes + sum(cells.nbytes for cells in parsed.columns)
        if self._gathered_bytes > _GATHERED_BYTES:
            self.add_gathered()
        if parsed.rows:
            self.twins = still_twins(self.twins, columns)
        self.rows += parsed.rows
        self.repeated_headers += parsed.repeated_headers
        self.kinds.update(parsed.kinds)
        self.ragged_rows += len(parsed.ragged)
        self.quote_faults += sum(reason in (NEVER_CLOSED, BEHIND_A_QUOTE) for _, reason in parsed.ragged)
        self.has_open_quote |= any(reason == NEVER_CLOSED for _, reason in parsed.ragged)
        for line, reason in parsed.ragged[: _NAMED_MISFITS - len(self.ragged)]:
            self.ragged.append(RaggedRow(place=Place(source=source.name, line=line), reason=reason))

    def _gather(self, place: int, texts: ColumnTexts) -> None:
        """Keep the texts of a column until there are more of them: small arrays cost as much as large ones."""
        evidence = self.evidence[place]
        self._gathered[place].append(texts)
        self._gathered_texts[place] += len(texts.texts)
        has_first = evidence.styles.first is None and any(text not in evidence.nulls for text in texts.head())
        if has_first or self._gathered_texts[place] > _GATHERED_TEXTS:
            self._add_column(place)

    def _add_column(self, place: int) -> None:
        self.evidence[place].add(self._gathered[place])
        self._gathered[place], self._gathered_texts[place] = [], 0

    def add_gathered(self) -> None:
        """Complete the evidence. It must be called when the last source is read."""
        for place in range(self.width):
            self._add_column(place)
        self._gathered_bytes = 0


def _last_fault(parsed: ParsedBlock) -> str | None:
    """What is wrong with the last row of a block; None if it fits."""
    lines = parsed.lines.lines
    if not parsed.ragged or (lines and lines[-1] > parsed.ragged[-1][0]):
        return None
    line, reason = parsed.ragged[-1]
    return f"line {line}: {reason}"


def _shape_fault(row: Row, width: int) -> str | None:
    if row.fault is not None or len(row.cells) == width:
        return row.fault
    return f"{count_text(len(row.cells), 'cell')} where {width} are expected"


def _check_encoding(block: Block) -> None:
    if block.scan is not None and block.scan.is_ascii:
        return
    try:
        block.text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = block.first_line + int(np.sum(np.frombuffer(block.text[: error.start], np.uint8) == ord("\n")))
        raise WrongEncodingError(f"line {line}") from None

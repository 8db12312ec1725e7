"""Reads all rows of all files once and gathers the evidence on each column, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data_convert.errors import HeaderError, NotATableError, UnlikeFilesError
from data_convert.header import numbered
from data_convert.inspection.candidates import Place
from data_convert.inspection.inference import ColumnEvidence
from data_convert.records import Block, Quoting, cut_blocks
from data_convert.rows import Row, read_rows, split_header
from data_convert.sources import Progress, Source, open_source, telling
from data_convert.spec import Dialect

_NAMED_MISFITS: Final = 5
_BOM: Final = b"\xef\xbb\xbf"
_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())


class WrongEncodingError(Exception):
    """The text does not go on in the encoding in which it began; a line of it."""


@dataclass(frozen=True, kw_only=True)
class RaggedRow:
    """A row that does not fit the table's shape, and why."""

    place: Place
    says: str

    def __str__(self) -> str:
        return f"{self.place}: {self.says}"


@dataclass(kw_only=True)
class ParsedBlock:
    """The texts of a block, a column each, in the order of the file."""

    block: Block
    arrays: list[pa.Array]
    rows: int
    ragged: list[tuple[int, str]]
    lines: Sequence[int] | None = None

    def line(self, row: int, dialect: Dialect, width: int) -> int:
        """Physical line of the row."""
        if self.lines is None and self.block.text.count(b"\n") == self.rows and b"\r" not in self.block.text:
            self.lines = range(self.block.first_line, self.block.first_line + self.rows)
        if self.lines is None:
            rows = read_rows(self.block, dialect, columns=width)
            self.lines = [found.line for found in rows if len(found.cells) == width and found.fault is None]
        return self.lines[row]


@dataclass(kw_only=True)
class Profile:
    """What was read.

    Attributes:
        headers: Column headers (`X#2` for the second X), or names given to columns without.
        twins: For each column the first column with the same text in every row; itself if there is none.
    """

    dialect: Dialect
    headers: Sequence[str]
    jobs: int
    evidence: list[ColumnEvidence] = field(default_factory=list)
    twins: list[int] = field(default_factory=list)
    rows: int = 0
    ragged_rows: int = 0
    ragged: list[RaggedRow] = field(default_factory=list)
    text_bytes: int = 0
    _wide: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.evidence = [ColumnEvidence() for _ in self.headers]
        self.twins = [0] * len(self.headers)

    @property
    def width(self) -> int:
        """Cells of a row."""
        return len(self.headers)

    def read(self, source: Source, first: Source, progress: Progress) -> None:
        """Take all rows of a source.

        Raises:
            UnlikeFilesError: Its header has other columns.
            WrongEncodingError: It is not in the encoding.
        """
        ahead: deque[Future[ParsedBlock]] = deque()
        with open_source(source) as stream, ThreadPoolExecutor(self.jobs) as parsers:
            places: list[int] = []
            for block, places in self._blocks(source, first, telling(stream.read, source, progress)):
                ahead.append(parsers.submit(self._parsed, block))
                if len(ahead) > self.jobs:
                    self._take(ahead.popleft().result(), places, source)
            while ahead:
                self._take(ahead.popleft().result(), places, source)
            self.text_bytes += stream.facts().text_bytes

    def _blocks(self, source: Source, first: Source, read: Callable[[int], bytes]) -> Iterator[tuple[Block, list[int]]]:
        """The source's blocks without the header, with the place in them of each column."""
        places = None if self.dialect.header else list(range(self.width))
        is_empty = True
        for block in cut_blocks(read, self.dialect, source=str(source.path)):
            is_empty = False
            _check_encoding(block)
            if places is None:
                header, block = split_header(block, self.dialect)
                if header is None:
                    continue
                if header.fault is not None:
                    raise HeaderError(source.path, f"line {header.line}: the header: {header.fault}")
                places = self._places(numbered(header.cells), source, first)
            if block.text:
                yield block, places
        if is_empty or places is None:
            raise NotATableError(source.path, "the file is empty. Get it again, or remove it.")

    def _places(self, names: Sequence[str], source: Source, first: Source) -> list[int]:
        lacks = [name for name in self.headers if name not in names]
        has = [name for name in names if name not in self.headers]
        if lacks or has:
            raise UnlikeFilesError(source.path, first.name, lacks=lacks, has=has)
        return [names.index(header) for header in self.headers]

    def _parsed(self, block: Block) -> ParsedBlock:
        if block.quoting is not Quoting.IRREGULAR and not block.text.startswith(_BOM):
            try:
                return self._parsed_fast(block)
            except pa.ArrowInvalid:
                pass  # some row is too short or too long
        return self._parsed_exactly(block)

    def _parsed_fast(self, block: Block) -> ParsedBlock:
        names = [str(place) for place in range(self.width)]
        table = pa_csv.read_csv(
            pa.BufferReader(block.text),
            pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block.text) + 1),
            pa_csv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote or False,
                newlines_in_values=block.quoting is Quoting.MANY_LINES,
                ignore_empty_lines=self.width > 1,
            ),
            pa_csv.ConvertOptions(
                column_types={name: pa.string() if int(name) in self._wide else _DICTIONARY for name in names}
            ),
        )
        arrays = [column.combine_chunks() for column in table.columns]
        for place, array in enumerate(arrays):
            if pa.types.is_dictionary(array.type) and len(array.dictionary) > max(1000, len(array) // 2):
                self._wide.add(place)
        return ParsedBlock(block=block, arrays=arrays, rows=table.num_rows, ragged=[])

    def _parsed_exactly(self, block: Block) -> ParsedBlock:
        cells, ragged, lines = [], [], []
        for row in read_rows(block, self.dialect, columns=self.width):
            if (fault := _shape_fault(row, self.width)) is not None:
                ragged.append((row.line, fault))
                continue
            cells.append(row.cells)
            lines.append(row.line)
        columns = zip(*cells, strict=True) if cells else [()] * self.width
        arrays = [pa.array(column, pa.string()).dictionary_encode() for column in columns]
        return ParsedBlock(block=block, arrays=arrays, rows=len(cells), ragged=ragged, lines=lines)

    def _take(self, parsed: ParsedBlock, places: Sequence[int], source: Source) -> None:
        def line_of(row: int) -> Place:
            return Place(source=source.name, line=parsed.line(row, self.dialect, self.width))

        arrays = [parsed.arrays[place] for place in places]
        for evidence, array in zip(self.evidence, arrays, strict=True):
            evidence.add(array, line_of)
        self.twins = _still_twins(self.twins, arrays)
        self.rows += parsed.rows
        self.ragged_rows += len(parsed.ragged)
        for line, says in parsed.ragged[: _NAMED_MISFITS - len(self.ragged)]:
            self.ragged.append(RaggedRow(place=Place(source=source.name, line=line), says=says))


def _shape_fault(row: Row, width: int) -> str | None:
    if row.fault is not None or len(row.cells) == width:
        return row.fault
    return f"{len(row.cells)} cells where {width} are expected"


def _still_twins(twins: Sequence[int], arrays: Sequence[pa.Array]) -> list[int]:
    """Each column's first twin, among those that were its twins before."""
    found: dict[int, list[int]] = {}
    result = []
    for place, array in enumerate(arrays):
        firsts = found.setdefault(twins[place], [])
        twin = next((first for first in firsts if _same(arrays[first], array)), None)
        if twin is None:
            firsts.append(place)
        result.append(place if twin is None else twin)
    return result


def _same(left: pa.Array, right: pa.Array) -> bool:
    if left.type != right.type:
        left, right = left.cast(pa.string()), right.cast(pa.string())
    if pa.types.is_dictionary(left.type):
        if len(left.dictionary) != len(right.dictionary) or not left.indices.equals(right.indices):
            return False
        return bool(left.dictionary.equals(right.dictionary))
    return bool(left.equals(right))


def _check_encoding(block: Block) -> None:
    try:
        block.text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = block.first_line + int(np.sum(np.frombuffer(block.text[: error.start], np.uint8) == ord("\n")))
        raise WrongEncodingError(f"line {line}") from None

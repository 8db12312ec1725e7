"""The raw side of a comparison: the rows of a part's sources with fingerprints of what the Parquet should hold."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_convert.sources import Source
from data_convert.spec import DatasetSpec
from data_convert.verification.row_prints import MISFIT, Prints, TextPrints
from data_convert.verification.second_reading import RawRows, SecondReading, Values, opened, values_of, without_line_end


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A row that does not fit the spec.

    Attributes:
        column: Its first column that does not fit; "" if the row as a whole does not.
        text: That column's text, or the whole row.
        row: The whole row as it stands in the file, without its line end.
    """

    source: str
    line: int
    column: str
    text: str
    row: str


@dataclass(frozen=True, kw_only=True)
class RawPlace:
    """A raw row: where it stands, and for each stored column the raw text (None: none) and the value it should be."""

    source: str
    line: int
    texts: Sequence[str | None]
    values: Values


@dataclass(frozen=True, kw_only=True)
class PrintedRows:
    """Some rows of a source.

    Attributes:
        fitting: Places of the rows that fit among those that were read.
        prints: Fingerprint of each row that fits.
        misfits: The others.
    """

    spec: DatasetSpec
    source: str
    columns: Sequence[Sequence[str] | None]
    lines: Sequence[int]
    fitting: npt.NDArray[np.intp]
    prints: Prints
    misfits: Sequence[Misfit]

    def place(self, index: int) -> RawPlace:
        """The row whose fingerprint is `prints[index]`."""
        row = int(self.fitting[index])
        texts: list[str | None] = []
        values: list[object] = []
        for column, cells in zip(self.spec.columns, self.columns, strict=True):
            width = 2 if column.type == "flagged_number" else 1
            texts += [None if cells is None else cells[row]] * width
            values += (None,) * width if cells is None else values_of(column, cells[row]) or ()
        return RawPlace(source=self.source, line=self.lines[row], texts=texts, values=tuple(values))


class RawSide:
    """Reads the sources of a part as often as it is iterated over.

    Attributes:
        text_bytes: Source -> decompressed bytes, once it has been read.
    """

    def __init__(
        self, spec: DatasetSpec, sources: Sequence[Source], progress: Callable[[int], None] = lambda _: None
    ) -> None:
        self._spec = spec
        self._sources = sources
        self._progress = progress
        self.text_bytes: dict[str, int] = {}
        self._prints: list[TextPrints] = []
        place = 0
        for column in spec.columns:
            self._prints.append(TextPrints(column, place, columns=len(spec.columns)))
            place += 2 if column.type == "flagged_number" else 1

    def __iter__(self) -> Iterator[PrintedRows]:
        for source in self._sources:
            told = 0
            with opened(source.path) as (disk, binary):
                reading = SecondReading(self._spec, binary)
                for rows in reading:
                    yield self._printed(source.name, rows, reading)
                    step = max(0, min(disk.tell(), source.size_bytes) - told)
                    told += step
                    self._progress(step)
                self.text_bytes[source.name] = reading.text_bytes
            self._progress(source.size_bytes - told)

    def _printed(self, source: str, rows: RawRows, reading: SecondReading) -> PrintedRows:
        columns = _kept_columns(rows.cells, reading.places)
        prints = np.zeros((len(rows.cells), 2), dtype=np.uint64)
        fits = np.ones(len(rows.cells), dtype=np.bool_)
        misfitting: dict[int, int] = {}  # row -> its first column that does not fit
        for place, (cells, texts) in enumerate(zip(columns, self._prints, strict=True)):
            if cells is None:
                prints += texts.of_absent()
                continue
            numbers = texts.numbers(cells)
            prints += texts.table[numbers]
            for row in np.flatnonzero(numbers == MISFIT):
                misfitting.setdefault(int(row), place)
        fits[list(misfitting)] = False
        misfits = [self._misfit(source, rows, columns, row, place) for row, place in misfitting.items()]
        for other in rows.misshapen:
            text = without_line_end(other.raw)
            misfits.append(Misfit(source=source, line=other.line, column="", text=text, row=text))
        return PrintedRows(
            spec=self._spec,
            source=source,
            columns=columns,
            lines=rows.lines,
            fitting=np.flatnonzero(fits),
            prints=prints[fits],
            misfits=sorted(misfits, key=lambda misfit: misfit.line),
        )

    def _misfit(
        self, source: str, rows: RawRows, columns: Sequence[Sequence[str] | None], row: int, place: int
    ) -> Misfit:
        cells = columns[place]
        return Misfit(
            source=source,
            line=rows.lines[row],
            column=self._spec.columns[place].name,
            text="" if cells is None else cells[row],
            row=without_line_end(rows.raws[row]),
        )


def _kept_columns(rows: Sequence[Sequence[str]], places: Sequence[int | None]) -> list[Sequence[str] | None]:
    present = [place for place in places if place is not None]
    if len(present) < 2:
        columns: Iterator[Sequence[str]] = iter([[row[place] for row in rows] for place in present])
    elif rows:
        columns = zip(*map(operator.itemgetter(*present), rows), strict=True)
    else:
        columns = iter([()] * len(present))
    return [None if place is None else next(columns) for place in places]

"""The raw side of a comparison: the rows of a part's sources with fingerprints of what the Parquet should hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.drift import text_of
from data_convert.verification.raw.raw_text import opened
from data_convert.verification.raw.row_blocks import RawRow, RowBlock
from data_convert.verification.raw.second_reading import SecondReading
from data_convert.verification.text_prints import TextPrints
from data_convert.verification.values.row_prints import Prints, empty_prints
from data_convert.verification.values.value_rules import Values, stored_schema


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A row that does not fit.

    Attributes:
        column: Its first column that does not fit; "" if the row cannot be divided into cells.
        text: The text of that column, or the complete row.
        row: The complete row without its line end.
    """

    source: str
    line: int
    column: str
    text: str
    row: str


@dataclass(frozen=True, kw_only=True)
class RawPlace:
    """A raw row: its place, and for each stored column the raw text (None if missing) and the expected value."""

    source: str
    line: int
    texts: Sequence[str | None]
    values: Values


@dataclass(frozen=True, kw_only=True)
class PrintedRows:
    """Some rows of a source.

    Attributes:
        fitting: Indices of the rows that fit.
        prints: Fingerprint of each row that fits.
        misfits: The other rows.
    """

    source: str
    block: RowBlock
    columns: Sequence[TextPrints]
    places: Sequence[int | None]
    fitting: npt.NDArray[np.intp]
    prints: Prints
    misfits: Sequence[Misfit]

    def place(self, index: int) -> RawPlace:
        """The row whose fingerprint is `prints[index]`."""
        row = self.block.row(int(self.fitting[index]))
        count = sum(len(column.places) for column in self.columns)
        texts: list[str | None] = [None] * count
        values: list[object] = [None] * count
        for column, place in zip(self.columns, self.places, strict=True):
            found = None if place is None else column.values_of(row.cells[place])
            for stored, value in zip(column.places, found or column.nulls, strict=True):
                texts[stored], values[stored] = None if place is None else row.cells[place], value
        return RawPlace(source=self.source, line=row.line, texts=texts, values=tuple(values))


class RawSide:
    """Reads the sources of a part; each iteration reads them again.

    Attributes:
        text_bytes: Source -> decompressed bytes, once it has been read.
        digests: Source -> size and SHA-256 of the raw file, once it has been read.
        skipped: Source -> what is neither a row nor a reject -> how often it was found.
        changed: Column -> number of values that do not fit its type, in rows that are kept.
    """

    def __init__(
        self, spec: DatasetSpec, sources: Sequence[Source], on_bytes: Callable[[int], None] = lambda _: None
    ) -> None:
        self._spec = spec
        self._sources = sources
        self._on_bytes = on_bytes
        self.text_bytes: dict[str, int] = {}
        self.digests: dict[str, tuple[int, str]] = {}
        self.skipped: dict[str, dict[str, int]] = {}
        self.changed: Counter[str] = Counter()
        self._columns = _columns_of(spec)

    def __iter__(self) -> Iterator[PrintedRows]:
        for source in self._sources:
            reported = 0
            with opened(source.file) as file:
                reading = SecondReading(self._spec, file.text)
                for block in reading:
                    yield self._printed(source.name, block, reading)
                    step = max(0, min(file.stored.tell(), source.size_bytes) - reported)
                    reported += step
                    self._on_bytes(step)
                self.text_bytes[source.name] = reading.text_bytes
                self.skipped[source.name] = {name: number for name, number in reading.skipped.items() if number}
                self.digests[source.name] = file.reader.digest()
            self._on_bytes(source.size_bytes - reported)

    def _printed(self, source: str, block: RowBlock, reading: SecondReading) -> PrintedRows:
        prints, fits = empty_prints(block.rows), np.ones(block.rows, dtype=np.bool_)
        misfits, changes = [], {}
        places = [
            place for place, column in zip(reading.places, self._spec.columns, strict=True) if not text_of(column)
        ]
        for place, column in zip(places, self._columns, strict=True):
            if place is None:
                prints += column.of_absent()
                continue
            marks = column.add_to(prints, block.coded(place)) if block.rows else None
            if marks is None:
                continue
            changes[column.column.name] = marks.is_changed
            # Only the first column that does not fit is reported for a row.
            for index in np.flatnonzero(fits & marks.is_misfit):
                misfits.append(_misfit(source, block.row(int(index)), column.column.name, place))
            fits &= ~marks.is_misfit
        misfits += [_misfit(source, row, "", None) for row in block.misshapen]
        for name, is_changed in changes.items():
            self.changed[name] += int((is_changed & fits).sum())
        return PrintedRows(
            source=source,
            block=block,
            columns=self._columns,
            places=places,
            fitting=np.flatnonzero(fits),
            prints=prints if fits.all() else prints[fits],
            misfits=sorted(misfits, key=lambda misfit: misfit.line),
        )


@lru_cache(maxsize=1)
def _columns_of(spec: DatasetSpec) -> tuple[TextPrints, ...]:
    """The columns that raw files have. What they have learned is good for all parts."""
    schema = stored_schema(spec)
    return tuple(TextPrints(column, spec, schema) for column in spec.columns if text_of(column) is None)


def _misfit(source: str, row: RawRow, column: str, place: int | None) -> Misfit:
    text = row.raw if place is None else row.cells[place]
    return Misfit(source=source, line=row.line, column=column, text=text, row=row.raw)

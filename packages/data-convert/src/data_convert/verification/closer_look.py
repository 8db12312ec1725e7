"""Names the rows and values in which a part and its raw files differ, once their sums have shown that they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.verification.raw_side import RawPlace, RawSide
from data_convert.verification.values.row_prints import (
    BucketSums,
    buckets_of,
    stored_prints,
    stored_values,
    total,
    value_prints,
)
from data_convert.verification.values.value_rules import Values

_Place = TypeVar("_Place")

ROWS_IN_MEMORY: Final = 20_000
"""How many rows of either side are kept in memory."""

STORED_ROWS_AT_ONCE: Final = 1 << 14
"""Few enough for the processor's cache."""

_UNITS_A_SECOND: Final = {"ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, kw_only=True)
class StoredPlace:
    """A row of the Parquet, counted from 0."""

    row: int
    values: Values


@dataclass(frozen=True, kw_only=True)
class Differing:
    """A raw row that the Parquet does not have as often as the raw files do.

    Attributes:
        nearest: The Parquet row that was probably made of it, if there is one that nothing else explains.
        is_elsewhere: Whether the same row is in the Parquet for another raw row.
    """

    raw: RawPlace
    nearest: StoredPlace | None
    is_elsewhere: bool


@dataclass(frozen=True, kw_only=True)
class Surplus:
    """A Parquet row that the raw files do not have (as often)."""

    stored: StoredPlace
    is_elsewhere: bool


def stored_batches(parquet: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows of a part in batches."""
    yield from parquet.iter_batches(batch_size=STORED_ROWS_AT_ONCE)


class CloserLook:
    """A second pass over both sides that looks only at rows in buckets whose sums differ."""

    def __init__(
        self, raw: RawSide, parquet: pq.ParquetFile, sums: tuple[BucketSums, BucketSums], *, sort: Sequence[int]
    ) -> None:
        self._raw_side = raw
        self._parquet = parquet
        self._sort = list(sort)
        unlike = sums[0].unlike(sums[1])
        counts = np.cumsum(np.maximum(sums[0].counts, sums[1].counts)[unlike])
        some = unlike[: max(1, int(np.searchsorted(counts, ROWS_IN_MEMORY)))]
        self._sees_all = len(some) == len(unlike)
        self._wanted = np.zeros(len(sums[0].counts), dtype=np.bool_)
        self._wanted[some] = True

    def differences(self, limit: int) -> list[Differing | Surplus]:
        """At most `limit` rows of either side that the other does not have, in the order of the raw files."""
        raw, stored = self._raw_rows(), self._stored_rows()
        missing = [(place, key in stored) for key, place in _beyond(raw, stored)][:limit]
        surplus = {place.row: Surplus(stored=place, is_elsewhere=key in raw) for key, place in _beyond(stored, raw)}
        nearest = self._nearest(missing, surplus) if self._sees_all else self._nearest_of_all(missing)
        found: list[Differing | Surplus] = [
            Differing(raw=place, nearest=near, is_elsewhere=is_elsewhere)
            for (place, is_elsewhere), near in zip(missing, nearest, strict=True)
        ]
        if self._sees_all or not missing:
            found += surplus.values()
        return found[:limit]

    def _raw_rows(self) -> dict[bytes, list[RawPlace]]:
        rows: dict[bytes, list[RawPlace]] = defaultdict(list)
        for batch in self._raw_side:
            for index in np.flatnonzero(self._wanted[buckets_of(batch.prints)]):
                rows[batch.prints[index].tobytes()].append(batch.place(int(index)))
        return rows

    def _stored_rows(self) -> dict[bytes, list[StoredPlace]]:
        rows: dict[bytes, list[StoredPlace]] = defaultdict(list)
        first = 0
        for batch in stored_batches(self._parquet):
            prints = total(stored_prints(batch))
            for index in np.flatnonzero(self._wanted[buckets_of(prints)]):
                place = StoredPlace(row=first + int(index), values=stored_values(batch, int(index)))
                rows[prints[index].tobytes()].append(place)
            first += batch.num_rows
        return rows

    def _nearest(
        self, missing: Sequence[tuple[RawPlace, bool]], surplus: dict[int, Surplus]
    ) -> Iterator[StoredPlace | None]:
        """For each missing row the most similar surplus row; each surplus row is used once."""
        for place, _ in missing:
            best, chosen = 0, None
            for other in surplus.values():
                pairs = zip(place.values, other.stored.values, strict=True)
                if (score := self._score([_same(*pair) for pair in pairs])) > best:
                    best, chosen = score, other.stored
            if chosen is not None:
                del surplus[chosen.row]
            yield chosen

    def _score(self, is_same: Sequence[bool]) -> int:
        """How many values are the same; 0 if neither half of them nor the sort key is."""
        has_key = bool(self._sort) and all(is_same[place] for place in self._sort)
        count = sum(is_same)
        return count + len(is_same) * has_key if has_key or 2 * count >= len(is_same) else 0

    def _nearest_of_all(self, missing: Sequence[tuple[RawPlace, bool]]) -> list[StoredPlace | None]:
        """The same over all rows of the part, if too many rows differ to keep them all in memory."""
        types = self._parquet.schema_arrow.types
        wanted = [
            [_word(i, value, type_) for i, (value, type_) in enumerate(zip(place.values, types, strict=True))]
            for place, _ in missing
        ]
        best, nearest, first = [0] * len(wanted), cast("list[StoredPlace | None]", [None] * len(wanted)), 0
        for batch in stored_batches(self._parquet):
            words = [prints[:, 0] for prints in stored_prints(batch)]
            for target, row_words in enumerate(wanted):
                is_same = np.array([word == other for word, other in zip(words, row_words, strict=True)])
                row = int(np.argmax(self._scores(is_same)))
                if (score := self._score(is_same[:, row].tolist())) > best[target]:
                    best[target] = score
                    nearest[target] = StoredPlace(row=first + row, values=stored_values(batch, row))
            first += batch.num_rows
        return nearest

    def _scores(self, is_same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        scores: npt.NDArray[np.int64] = is_same.sum(axis=0)
        return scores + len(is_same) * is_same[self._sort].all(axis=0) if self._sort else scores


def _beyond(mine: Mapping[bytes, list[_Place]], others: Mapping[bytes, list[Any]]) -> Iterator[tuple[bytes, _Place]]:
    """The rows that one side has more often than the other."""
    for key, places in mine.items():
        yield from ((key, place) for place in places[len(others.get(key, ())) :])


def _word(place: int, value: Any, type_: pa.DataType) -> np.uint64:
    """The first word of a value's fingerprint."""
    return cast(np.uint64, value_prints(place, [value], type_)[0, 0])


def _same(value: Any, other: Any) -> bool:
    """Whether two values of a column have the same fingerprint: 0.0 is not -0.0, NaN is NaN."""
    return repr(value) == repr(other)


def shown(value: Any, type_: pa.DataType) -> str:
    """A stored value as text for the user."""
    if value is None:
        return "null"
    if pa.types.is_timestamp(type_):
        return _shown_timestamp(value, _UNITS_A_SECOND[type_.unit])
    if pa.types.is_date(type_):
        return str((datetime(1970, 1, 1) + timedelta(days=value)).date())
    if pa.types.is_decimal(type_):
        return f"{Decimal(value).scaleb(-type_.scale, Context(prec=type_.precision)):f}"
    return repr(value)


def _shown_timestamp(value: int, units_a_second: int) -> str:
    seconds, rest = divmod(value, units_a_second)
    moment = str(datetime(1970, 1, 1) + timedelta(seconds=seconds))
    return moment if not rest else f"{moment}.{rest:0{len(str(units_a_second)) - 1}}"

"""What a size report needs of each part, from its footer alone, which is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.storage.output_bucket import OutputBucket
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.writing.provenance import Provenance, provenance_of

# Threads that wait for a server more than they work.
_BUCKET_THREADS: Final = 32


@dataclass(frozen=True, kw_only=True)
class PartFacts:
    """One part.

    Attributes:
        column_bytes: Column -> compressed bytes of its pages in all row groups.
        days: Column -> its first and last day, by the statistics.
    """

    file: OutputFile
    provenance: Provenance
    column_bytes: Mapping[str, int]
    days: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class PartsFacts:
    """All parts of a place.

    Attributes:
        foreign_files: Files with the name of a part that this tool did not write, or that are damaged.
    """

    parts: tuple[PartFacts, ...]
    foreign_files: int


def read_parts_facts(place: OutputPlace) -> PartsFacts:
    """Read the footers of all parts; many at the same time if they are objects."""
    files = place.files().values()
    if isinstance(place, OutputBucket):
        with ThreadPoolExecutor(_BUCKET_THREADS) as pool:
            found = list(pool.map(lambda file: _read(place, file), files))
    else:
        found = [_read(place, file) for file in files]
    parts = tuple(facts for facts in found if facts is not None)
    return PartsFacts(parts=parts, foreign_files=len(found) - len(parts))


def _read(place: OutputPlace, file: OutputFile) -> PartFacts | None:
    try:
        with place.open(file) as opened:
            metadata = pq.read_metadata(opened)
    except (OSError, pa.ArrowException):
        return None
    provenance = provenance_of(metadata)
    if provenance is None:
        return None
    return PartFacts(file=file, provenance=provenance, column_bytes=_column_bytes(metadata), days=_days(metadata))


def _column_bytes(metadata: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for index in range(row_group.num_columns):
            column = row_group.column(index)
            total[column.path_in_schema] += column.total_compressed_size
    return dict(total)


def _days(metadata: Any) -> dict[str, tuple[int, int]]:
    ranges: dict[str, tuple[int, int]] = {}
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            found = column.statistics
            if found is not None and found.has_min_max and isinstance(found.min, date):
                low, high = _day(found.min), _day(found.max)
                before = ranges.get(column.path_in_schema, (low, high))
                ranges[column.path_in_schema] = (min(low, before[0]), max(high, before[1]))
    return ranges


def _day(moment: date | datetime) -> int:
    return moment.toordinal()

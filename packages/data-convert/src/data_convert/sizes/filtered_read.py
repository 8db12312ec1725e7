"""How many bytes of a part a reader fetches for the rows of one key, from the page indexes of the part."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from data_convert.sizes.thrift_compact import CompactReader, Fields

_MAGIC: Final = b"PAR1"

# Field numbers of parquet.thrift.
_ROW_GROUPS, _COLUMNS, _GROUP_ROWS = 4, 1, 3
_METADATA, _OFFSET_INDEX, _OFFSET_LENGTH, _COLUMN_INDEX, _COLUMN_LENGTH = 3, 4, 5, 6, 7
_PHYSICAL_TYPE, _PATH, _CHUNK_BYTES, _DATA_PAGE, _DICTIONARY_PAGE = 1, 3, 7, 9, 11
_LOCATIONS, _PAGE_BYTES, _FIRST_ROW = 1, 2, 3
_NULL_PAGES, _MINIMA, _MAXIMA = 1, 2, 3

_FORMATS: Final = {1: "<i", 2: "<q", 4: "<f", 5: "<d"}
"""Physical type -> how a value is stored; values of other types are compared as bytes."""


@dataclass(frozen=True, kw_only=True)
class FilteredRead:
    """A read of all columns for one value of a key: a value inside the middle page of the part.

    Attributes:
        key: Name of the column.
        fetched_bytes: Footer, indexes, dictionaries and pages that are needed.
        row_group_bytes: The same for a reader that knows no page index: footer and complete row groups.
        part_bytes: The complete file.
    """

    key: str
    fetched_bytes: int
    row_group_bytes: int
    part_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Page:
    first_row: int
    end_row: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """A column of a row group; `ranges` has the least and largest value of each page, None for a page of nulls."""

    name: str
    size_bytes: int
    dictionary_bytes: int
    index_bytes: int
    pages: tuple[_Page, ...]
    ranges: tuple[tuple[Any, Any] | None, ...]


def filtered_read(path: Path, key: str) -> FilteredRead | None:
    """What is fetched from the part; None if it has no page index for the key."""
    with path.open("rb") as file:
        return filtered_read_of(file, path.stat().st_size, key)


def filtered_read_of(file: BinaryIO, size: int, key: str) -> FilteredRead | None:
    """The same for an open part of this size."""
    footer_bytes, footer = _footer(file, size)
    groups = [
        [_chunk(file, column, group[_GROUP_ROWS]) for column in group[_COLUMNS]]
        for group in footer.get(_ROW_GROUPS, [])
    ]
    found = [chunk for group in groups for chunk in group if chunk.name == key]
    ranges = [limits for chunk in found for limits in chunk.ranges if limits is not None]
    if not ranges:
        return None
    middle = ranges[len(ranges) // 2]
    reached = [(group, pages) for group in groups if (pages := _reached(group, key, middle))]
    return FilteredRead(
        key=key,
        fetched_bytes=footer_bytes + sum(_group_bytes(group, pages) for group, pages in reached),
        row_group_bytes=footer_bytes + sum(chunk.size_bytes for group, _ in reached for chunk in group),
        part_bytes=size,
    )


def _footer(file: BinaryIO, size: int) -> tuple[int, Fields]:
    file.seek(size - 8)
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != _MAGIC:
        raise ValueError("not a Parquet file")
    file.seek(size - 8 - length)
    return length + 8, CompactReader(file.read(length)).struct()


def _chunk(file: BinaryIO, column: Fields, rows: int) -> _Chunk:
    facts = column[_METADATA]
    first, start = facts[_DATA_PAGE], facts.get(_DICTIONARY_PAGE)
    locations = _index(file, column, _OFFSET_INDEX, _OFFSET_LENGTH).get(_LOCATIONS, [])
    ends = [location[_FIRST_ROW] for location in locations[1:]] + [rows][: len(locations)]
    return _Chunk(
        name=b".".join(facts[_PATH]).decode(),
        size_bytes=facts[_CHUNK_BYTES],
        dictionary_bytes=first - start if start and start < first else 0,
        index_bytes=column.get(_OFFSET_LENGTH, 0),
        pages=tuple(
            _Page(first_row=location[_FIRST_ROW], end_row=end, size_bytes=location[_PAGE_BYTES])
            for location, end in zip(locations, ends, strict=True)
        ),
        ranges=tuple(_ranges(_index(file, column, _COLUMN_INDEX, _COLUMN_LENGTH), facts[_PHYSICAL_TYPE])),
    )


def _index(file: BinaryIO, column: Fields, offset: int, length: int) -> Fields:
    if offset not in column:
        return {}
    file.seek(column[offset])
    return CompactReader(file.read(column[length])).struct()


def _ranges(index: Fields, physical_type: int) -> Iterator[tuple[Any, Any] | None]:
    layout = _FORMATS.get(physical_type)

    def value(data: bytes) -> Any:
        return struct.unpack(layout, data)[0] if layout else data

    for is_null, low, high in zip(
        index.get(_NULL_PAGES, []), index.get(_MINIMA, []), index.get(_MAXIMA, []), strict=True
    ):
        yield None if is_null else (value(low), value(high))


def _reached(group: Sequence[_Chunk], key: str, middle: tuple[Any, Any]) -> list[_Page]:
    """The pages of the key that have values between the ends of the middle page, or its only value."""
    low, high = middle
    return [
        page
        for chunk in group
        if chunk.name == key
        for page, limits in zip(chunk.pages, chunk.ranges, strict=True)
        if limits is not None
        and (limits[0] < high and limits[1] > low if low < high else limits[0] <= low <= limits[1])
    ]


def _group_bytes(group: Sequence[_Chunk], reached: Sequence[_Page]) -> int:
    total = 0
    for chunk in group:
        pages = [
            page
            for page in chunk.pages
            if any(page.first_row < other.end_row and other.first_row < page.end_row for other in reached)
        ]
        total += chunk.index_bytes + chunk.dictionary_bytes + sum(page.size_bytes for page in pages)
    return total

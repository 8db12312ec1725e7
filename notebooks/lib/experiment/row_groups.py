"""Which row groups of a part can have rows that a filter keeps, from the statistics in its footer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from experiment.filters import RowFilter

_FORMAT = ds.ParquetFileFormat()
_FILES = fs.LocalFileSystem()
# In the text of an expression. Texts that are compared can match too; then more is read.
_FINDS_NAN = re.compile(r"!=|nan|\b(?!is_in\b|is_null\b|is_valid\b|and\b|or\b)\w+\(", re.IGNORECASE)


def matching_row_groups(path: Path, file: pq.ParquetFile, row_filter: RowFilter, schema: pa.Schema) -> list[int]:
    """The numbers of the row groups that must be read.

    Args:
        schema: The types of the columns as they are loaded: exact decimals are floats.
    """
    columns = [name for name in row_filter.columns if _has_known_order(file.schema_arrow.field(name).type, row_filter)]
    fragments = [
        _FORMAT.make_fragment(
            str(path),
            _FILES,
            partition_expression=_known(file.metadata.row_group(number), columns, schema),
            row_groups=[number],
        )
        for number in range(file.metadata.num_row_groups)
    ]
    dataset = ds.FileSystemDataset(fragments, schema, _FORMAT, _FILES)
    return [fragment.row_groups[0].id for fragment in dataset.get_fragments(filter=row_filter.expression)]


def _has_known_order(kind: pa.DataType, row_filter: RowFilter) -> bool:
    """Whether the smallest and the largest value of a column limit what a filter finds.

    NaN is in no statistics. Comparisons never find it, but their negations and other functions can.
    """
    text = str(row_filter.expression).replace("nan_is_null=false", "")
    return not pa.types.is_floating(kind) or not _FINDS_NAN.search(text)


def _known(group: pq.RowGroupMetaData, columns: Iterable[str], schema: pa.Schema) -> pc.Expression:
    """What the statistics of a row group say about columns, as an expression that all its rows meet."""
    chunks = {chunk.path_in_schema: chunk for chunk in (group.column(index) for index in range(group.num_columns))}
    known = (fact for name in columns for fact in _facts(name, chunks, schema.field(name).type))
    return reduce(and_, known, pc.scalar(True))


def _facts(name: str, chunks: Mapping[str, Any], kind: pa.DataType) -> Iterator[pc.Expression]:
    statistics = chunks[name].statistics if name in chunks and chunks[name].is_stats_set else None
    if statistics is None or not statistics.has_null_count:
        return
    field, is_null = pc.field(name), pc.field(name).is_null()
    if statistics.num_values == 0:
        yield is_null
    elif statistics.has_min_max and not pa.types.is_dictionary(kind):
        low, high = (_scalar(value, kind) for value in (statistics.min, statistics.max))
        # pyarrow uses a range of a column with missing values only if it is written as two facts.
        for fact in (field >= low, field <= high):
            yield fact | is_null if statistics.null_count else fact


def _scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    # An exact decimal: a float of it is rounded once, like the loaded values.
    return pa.scalar(float(value) if pa.types.is_floating(kind) else value, kind)

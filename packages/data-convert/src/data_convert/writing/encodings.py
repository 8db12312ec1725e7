"""Chooses the encoding of each column: a sample of the first row group is encoded in several ways and measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_convert.writing.effort import Effort


class Encoding(StrEnum):
    """A Parquet encoding, by the name that pyarrow's writer accepts. DICTIONARY is a setting of its own there."""

    DICTIONARY = "RLE_DICTIONARY"
    PLAIN = "PLAIN"
    DELTA = "DELTA_BINARY_PACKED"
    SPLIT = "BYTE_STREAM_SPLIT"
    PREFIX = "DELTA_BYTE_ARRAY"


Encodings = Mapping[str, Encoding]
"""Column -> encoding."""

DICTIONARY_BYTES: Final = 16 << 20
"""Largest dictionary. Arrow's default, 1 MB, makes columns fall back to plain encoding in the middle of a row group."""

_WORTHWHILE: Final = 0.97
"""Another encoding replaces the dictionary if it saves 3 percent. So parts of similar content are encoded alike."""

# A value that occurs this often on average is shorter as an index into a dictionary, whatever it is.
_REPETITION: Final = 8

_SAMPLE_SHARE: Final = 16
_LEAST_SAMPLE_ROWS: Final = 2048
_SAMPLE_RUNS: Final = 4

# fastparquet 2026.9 silently returns wrong values if a delta needs more than 28 bits.
_LARGEST_STEP_RANGE: Final = 1 << 28

# Higher levels take longer and rank the encodings in the same order.
_TRIAL_LEVEL: Final = 3


def writer_options(schema: pa.Schema, encodings: Encodings, effort: Effort) -> dict[str, Any]:
    """The keyword arguments of pyarrow's writer for these columns and encodings."""
    others = {name: str(encoding) for name, encoding in encodings.items() if encoding is not Encoding.DICTIONARY}
    return {
        "compression": "zstd",
        "compression_level": {
            name: effort.text_level
            if encoding is Encoding.PLAIN and pa.types.is_string(schema.field(name).type)
            else effort.zstd_level
            for name, encoding in encodings.items()
        },
        # Parquet allows either a dictionary or another encoding for a column, not both.
        "use_dictionary": [name for name in encodings if name not in others],
        "column_encoding": others,
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "max_rows_per_page": effort.page_rows,
        # A base64 copy of the Arrow schema would be larger than some columns.
        "store_schema": False,
        "store_decimal_as_integer": True,
    }


def chosen_encodings(table: pa.Table, effort: Effort) -> Encodings:
    """The encoding of each column that makes the sorted row group smallest.

    The choice depends on the values and the effort alone, never on time or threads.
    """
    if not table.num_rows:
        return dict.fromkeys(table.column_names, Encoding.DICTIONARY)
    return _Trial.of(table, effort).chosen()


def encoded_bytes(table: pa.Table, effort: Effort) -> int:
    """Bytes of all columns, each in its best encoding."""
    if not table.num_rows:
        return 0
    trial = _Trial.of(table, effort)
    chosen, known = trial.chosen(), trial.sizes if trial.has_all_rows else {}
    sizes = [found[chosen[name]] for name, found in known.items()]
    rest = {name: encoding for name, encoding in chosen.items() if name not in known}
    sizes += _sizes(table, list(rest.items()), effort)
    return sum(size.dictionary_bytes + size.data_bytes for size in sizes)


def unreadable_deltas(table: pa.Table, encodings: Encodings) -> list[str]:
    """The delta-encoded columns whose steps in this row group are too large for some readers."""
    deltas = [name for name, encoding in encodings.items() if encoding is Encoding.DELTA]
    return [name for name in deltas if not has_small_steps(table[name])]


def with_dictionaries(encodings: Encodings, columns: Collection[str]) -> Encodings:
    """The same encodings, with a dictionary instead of a delta for these columns."""
    return {
        name: Encoding.DICTIONARY if encoding is Encoding.DELTA and name in columns else encoding
        for name, encoding in encodings.items()
    }


def has_small_steps(column: pa.ChunkedArray) -> bool:
    """Whether the differences between neighbours stay in a range that all readers decode correctly."""
    values = _as_integers(column.drop_null())
    if len(values) < 2:
        return True
    low, high = int(values.min()), int(values.max())
    if high - low < _LARGEST_STEP_RANGE // 2:
        return True
    if high - low >= 1 << 62:
        return False
    steps = np.diff(values)
    return int(steps.max()) - int(steps.min()) < _LARGEST_STEP_RANGE


def _as_integers(column: pa.ChunkedArray) -> Any:
    """The values as Parquet stores them; unsigned numbers above 2**63 wrap, as they do there."""
    kind = column.type
    if pa.types.is_decimal(kind):
        # The low half of each 128-bit integer; `exact` decimals have at most 18 digits.
        chunks = [np.frombuffer(c.buffers()[1], np.int64)[2 * c.offset :][: 2 * len(c) : 2] for c in column.chunks]
        return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)
    if pa.types.is_temporal(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    return column.to_numpy().astype(np.int64, copy=False)


@dataclass(frozen=True, kw_only=True)
class _Candidates:
    """The encodings that may make a column smallest, the usual one first.

    Attributes:
        distinct: Distinct values of the sample.
        expected: Distinct values to expect in all rows.
    """

    encodings: tuple[Encoding, ...]
    distinct: int
    expected: int

    @classmethod
    def of(cls, column: pa.ChunkedArray, sample: pa.ChunkedArray, effort: Effort) -> _Candidates:
        counts = pc.value_counts(sample.combine_chunks()).field("counts").to_numpy()
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        # The Chao1 estimate.
        expected = len(counts) + once * (once - 1) // (2 * (twice + 1))
        return cls(
            encodings=_candidates(column, effort, is_repeated=len(counts) <= max(1, len(sample) // _REPETITION)),
            distinct=len(counts),
            expected=min(expected, len(counts) * len(column) // len(sample)),
        )

    def cost(self, size: _Size, growth: float) -> float:
        """Expected bytes of the column in a row group that is `growth` times as long as the sample."""
        if size.dictionary_bytes == 0:
            return size.data_bytes * growth
        longer_indices = max(1, self.expected.bit_length()) / max(1, self.distinct.bit_length())
        return size.dictionary_bytes * self.expected / self.distinct + size.data_bytes * growth * longer_indices


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """A sample of a table in several encodings.

    Attributes:
        growth: How many times as long the table is.
        has_all_rows: Whether the sample is the table.
        columns: The candidates of each column.
        sizes: For each column with more than one candidate its size in each of them.
    """

    growth: float
    has_all_rows: bool
    columns: Mapping[str, _Candidates]
    sizes: Mapping[str, Mapping[Encoding, _Size]]

    @classmethod
    def of(cls, table: pa.Table, effort: Effort) -> _Trial:
        sample = _sample(table, effort)
        columns = {name: _Candidates.of(table[name], sample[name], effort) for name in table.column_names}
        open_columns = {name: found.encodings for name, found in columns.items() if len(found.encodings) > 1}
        sizes: dict[str, dict[Encoding, _Size]] = {name: {} for name in open_columns}
        trials = [(name, encoding) for name, encodings in open_columns.items() for encoding in encodings]
        for (name, encoding), size in zip(trials, _sizes(sample, trials, effort), strict=True):
            sizes[name][encoding] = size
        growth = table.num_rows / sample.num_rows
        return cls(growth=growth, has_all_rows=sample is table, columns=columns, sizes=sizes)

    def chosen(self) -> Encodings:
        """The cheapest encoding of each column; the usual one if others save little."""
        chosen = {name: found.encodings[0] for name, found in self.columns.items()}
        for name, found in self.sizes.items():
            costs = {encoding: self._cost(name, encoding) for encoding in found}
            chosen[name] = min(costs, key=lambda encoding: costs[encoding])
        return chosen

    def _cost(self, name: str, encoding: Encoding) -> float:
        column = self.columns[name]
        cost = column.cost(self.sizes[name][encoding], self.growth)
        return cost if encoding is column.encodings[0] else cost / _WORTHWHILE


def _candidates(column: pa.ChunkedArray, effort: Effort, *, is_repeated: bool) -> tuple[Encoding, ...]:
    kind = column.type
    if pa.types.is_boolean(kind):
        return (Encoding.PLAIN,)
    if column.null_count == len(column):
        return (Encoding.DICTIONARY,)
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind) or is_stored_as_integer(kind):
        others = (Encoding.SPLIT, Encoding.PLAIN) if effort.has_all_encodings else ()
        return (Encoding.DICTIONARY, Encoding.DELTA if has_small_steps(column) else Encoding.PLAIN, *others)
    if is_repeated:
        return (Encoding.DICTIONARY,)
    usual = (Encoding.DICTIONARY, Encoding.PLAIN)
    if not effort.has_all_encodings:
        return usual
    if pa.types.is_floating(kind):
        return (*usual, Encoding.SPLIT)
    return (*usual, Encoding.PREFIX) if pa.types.is_string(kind) else usual


def is_stored_as_integer(kind: pa.DataType) -> bool:
    """Whether Parquet stores the type as a decimal of 32 or 64 bits."""
    return bool(pa.types.is_decimal(kind) and kind.precision <= 18)


@dataclass(frozen=True, kw_only=True)
class _Size:
    """Bytes of a column of the sample: its dictionary (0 without one) and its data pages."""

    dictionary_bytes: int
    data_bytes: int


def _sizes(sample: pa.Table, trials: Sequence[tuple[str, Encoding]], effort: Effort) -> list[_Size]:
    """The size of columns of the sample, each in an encoding. One file has them all, because each file takes time."""
    if not trials:
        return []
    sink = pa.BufferOutputStream()
    level = min(effort.zstd_level, _TRIAL_LEVEL)
    quick = replace(effort, zstd_level=level, text_level=level)
    encodings = {str(place): encoding for place, (_, encoding) in enumerate(trials)}
    tried = pa.table([sample[name] for name, _ in trials], names=list(encodings))
    pq.write_table(tried, sink, write_statistics=False, **writer_options(tried.schema, encodings, quick))
    group = pq.read_metadata(pa.BufferReader(sink.getvalue())).row_group(0)
    sizes = []
    for place in range(len(trials)):
        chunk = group.column(place)
        start = chunk.dictionary_page_offset
        dictionary_bytes = chunk.data_page_offset - start if start else 0
        data_bytes = chunk.total_compressed_size - dictionary_bytes
        sizes.append(_Size(dictionary_bytes=dictionary_bytes, data_bytes=data_bytes))
    return sizes


def _sample(table: pa.Table, effort: Effort) -> pa.Table:
    """A few runs of neighbouring rows, spread over the row group; all rows of a short one."""
    wanted = max(_LEAST_SAMPLE_ROWS, min(effort.sample_rows, table.num_rows // _SAMPLE_SHARE))
    if table.num_rows <= wanted:
        return table
    run = wanted // _SAMPLE_RUNS
    starts = [(table.num_rows - run) * number // (_SAMPLE_RUNS - 1) for number in range(_SAMPLE_RUNS)]
    return pa.concat_tables([table.slice(start, run) for start in starts])

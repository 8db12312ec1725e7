"""Writes a part: row groups in the declared order, the footer with its provenance, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_convert.blocks import table_schema
from data_convert.errors import OutputError
from data_convert.provenance import FOOTER_KEY, Provenance
from data_convert.sources import SourceFacts
from data_convert.spec import DatasetSpec

ROW_GROUP_BYTES: Final = 64 << 20
"""Bytes of values after which a row group is closed: a day of a PeMS district (1.1 million rows) fits in one."""

TEMPORARY_PREFIX: Final = ".part-"
REJECTS_SUFFIX: Final = ".rejects.csv"


class PartWriter:
    """Takes tables in raw order and writes them as sorted row groups to a temporary file.

    `finish` makes it appear under its name; leaving the context without it removes every trace.
    """

    def __init__(self, path: Path, spec: DatasetSpec) -> None:
        self._path = path
        self._spec = spec
        self._temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._parquet: pq.ParquetWriter | None = None
        self.rows = 0

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._sink = _HashingFile(self._temporary)
        except OSError as error:
            raise OutputError(self._path, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.abandon()
        if self._parquet is not None:
            self._parquet.close()  # writes its footer nowhere, or Arrow complains when it is collected
        self._temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(self._path, error) from error

    def add(self, table: pa.Table) -> pa.Table | None:
        """Take the next rows; a whole row group's worth is given back for `write_row_group`."""
        self._pending.append(table)
        self._pending_bytes += row_group_weight(table)
        return self.rest() if self._pending_bytes >= ROW_GROUP_BYTES else None

    def rest(self) -> pa.Table | None:
        """What has been added and not given back yet."""
        tables, self._pending, self._pending_bytes = self._pending, [], 0
        joined = pa.concat_tables(tables) if tables else None
        return joined if joined is not None and joined.num_rows else None

    def write_row_group(self, table: pa.Table) -> None:
        """Sort and write one row group."""
        table = _sorted(table, self._spec.sort)
        if self._parquet is None:
            self._parquet = self._open(table)
        self._parquet.write_table(table, row_group_size=table.num_rows)
        self.rows += table.num_rows

    def _open(self, first: pa.Table) -> pq.ParquetWriter:
        spec, schema = self._spec, table_schema(self._spec)
        delta = [field.name for field in schema if _delta_is_smaller(first[field.name])]
        sorting = pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in spec.sort])
        return pq.ParquetWriter(
            self._sink,
            schema,
            compression="zstd",
            compression_level=spec.zstd_level,
            store_schema=False,  # a base64 copy of the schema would weigh more than some columns
            use_dictionary=[field.name for field in schema if field.name not in delta],
            column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
            write_statistics=_selective(spec, schema),
            sorting_columns=sorting or None,
        )

    def finish(self, sources: Sequence[SourceFacts], rejects: Sequence[str]) -> Provenance:
        """Write the footer, make all of it durable, and give it its name."""
        if self._parquet is None:
            self._parquet = self._open(table_schema(self._spec).empty_table())
        text = "".join(rejects)
        provenance = Provenance(
            spec=self._spec.digest,
            sources=tuple(sources),
            rows=self.rows,
            rejects=len(rejects),
            rejects_sha256=hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() if rejects else None,
            zones={c.name: c.zone for c in self._spec.columns if c.zone not in (None, "UTC")},
            pages_bytes=self._sink.size_bytes,
            pages_sha256=self._sink.digest.hexdigest(),
        )
        self._parquet.add_key_value_metadata({FOOTER_KEY: provenance.to_json()})
        self._parquet.close()
        self._sink.close_durably()
        self._place_rejects(text)
        self._temporary.replace(self._path)
        _sync_folder(self._path.parent)
        return provenance

    def _place_rejects(self, text: str) -> None:
        path = rejects_path(self._path)
        if not text:
            path.unlink(missing_ok=True)
            return
        temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def row_group_weight(table: pa.Table) -> int:
    """Bytes of the values, which decide where row groups end.

    Unlike `nbytes` it leaves out validity bitmaps: whether Arrow makes one depends on how a block was parsed, which
    may differ from run to run.
    """
    weight = 0
    for column in table.columns:
        if pa.types.is_string(column.type):
            weight += 4 * len(column) + (pc.sum(pc.binary_length(column)).as_py() or 0)
        else:
            weight += len(column) * column.type.bit_width // 8
    return weight


def rejects_path(part: Path) -> Path:
    """Where the rows of a part's sources that do not fit are kept."""
    return part.with_name(part.name.removesuffix(".parquet") + REJECTS_SUFFIX)


def _sorted(table: pa.Table, sort: Sequence[str]) -> pa.Table:
    if not sort or not table.num_rows:
        return table
    keys = [(name, "ascending", "at_start") for name in sort]
    return table.take(pc.sort_indices(table, sort_keys=keys))


def _delta_is_smaller(column: pa.ChunkedArray) -> bool:
    """Whether differences need fewer bits than a dictionary's indices, judged by the first row group."""
    if pa.types.is_temporal(column.type):
        return True
    if not pa.types.is_integer(column.type):
        return False
    values = column.drop_null().to_numpy()
    if len(values) < 2:
        return False
    _, step_bits = np.frexp(np.abs(np.diff(values.astype(np.float64))))  # exact, unlike a logarithm
    return bool(step_bits.sum() + len(step_bits) < len(np.unique(values)).bit_length() * len(values))


def _selective(spec: DatasetSpec, schema: pa.Schema) -> list[str]:
    """Columns whose minimum and maximum let a reader skip row groups: keys and times."""
    return [field.name for field in schema if field.name in spec.sort or pa.types.is_temporal(field.type)]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _HashingFile(io.RawIOBase):
    """A file that takes the digest of what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        if self._file.closed:
            return len(view)
        written = 0
        while written < len(view):
            written += self._file.write(view[written:]) or 0
        self.digest.update(view)
        self.size_bytes += written
        return written

    def tell(self) -> int:
        return self.size_bytes

    def close_durably(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close; what is written from now on goes nowhere."""
        self._file.close()

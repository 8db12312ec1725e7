"""A part while it is written: Parquet in a pending file, and the digest of its pages."""

from __future__ import annotations

import hashlib
import io
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.reading.fast_parser import table_schema
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.output_place import PendingFile
from data_convert.writing.effort import effort_of
from data_convert.writing.encodings import Encodings, writer_options

_BUFFER_BYTES: Final = 1 << 16


class TemporaryPart:
    """Sorted row groups in a pending file, which becomes the part or is discarded."""

    def __init__(self, file: PendingFile, spec: DatasetSpec, encodings: Encodings, *, has_page_index: bool) -> None:
        self.encodings = encodings
        self._file = file
        self._sink = _HashingFile(file)
        # Arrow writes a page in several pieces, and each costs a call of Python.
        self._stream = pa.BufferedOutputStream(pa.PythonFile(self._sink, mode="w"), _BUFFER_BYTES)
        schema = table_schema(spec)
        self._parquet = pq.ParquetWriter(
            self._stream,
            schema,
            write_statistics=_selective(spec, schema),
            write_page_index=has_page_index,
            sorting_columns=_sorting_columns(spec, schema) or None,
            **writer_options(schema, encodings, effort_of(spec)),
        )
        # The first bytes of the file count as pages, also without rows.
        self._stream.flush()

    @property
    def pages_bytes(self) -> int:
        """Bytes of the row groups so far."""
        return self._file.size_bytes

    @property
    def pages_sha256(self) -> str:
        """Digest of the row groups so far."""
        return self._sink.digest.hexdigest()

    def append(self, table: pa.Table) -> None:
        """Write the rows as one row group."""
        self._parquet.write_table(table, row_group_size=table.num_rows)
        self._stream.flush()

    def close_durably(self, footer: dict[str, str]) -> None:
        """Write the footer with these entries and make the file durable."""
        self._parquet.add_key_value_metadata(footer)
        self._parquet.close()
        self._stream.flush()
        self._file.flush()

    def discard(self) -> None:
        """Discard the file, if it did not become the part."""
        self._file.discard()
        # The file ignores the footer. Without this call Arrow warns when the writer is garbage-collected.
        self._parquet.close()
        self._stream.close()


def _sorting_columns(spec: DatasetSpec, schema: pa.Schema) -> tuple[pq.SortingColumn, ...]:
    columns: tuple[pq.SortingColumn, ...] = pq.SortingColumn.from_ordering(
        schema, [(name, "ascending") for name in spec.sort], null_placement="at_start"
    )
    return columns


def _selective(spec: DatasetSpec, schema: pa.Schema) -> list[str]:
    """Columns whose minimum and maximum let a reader skip row groups and pages: keys and times."""
    return [field.name for field in schema if field.name in spec.sort or pa.types.is_temporal(field.type)]


class _HashingFile(io.RawIOBase):
    """What Arrow writes to: a pending file, and the digest of everything written to it."""

    def __init__(self, file: PendingFile) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data).cast("B")
        self.digest.update(view)
        return self._file.write(view)

    def tell(self) -> int:
        return self._file.size_bytes

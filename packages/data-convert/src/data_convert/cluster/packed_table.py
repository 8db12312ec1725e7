"""The rows of a block in few bytes: they are kept until their turn, and sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from data_convert.cluster.shifted_lines import with_shifted_lines
from data_convert.conversion.source_tables import CheckedTable

# Typed rows are twice as long as their text, and compressed ones two fifths. Measured with 32 MiB of detector rows:
# lz4 takes 0.08 s and 0.04 s, zstd 0.11 s and 0.06 s for half the bytes.
_COMPRESSION: Final = "lz4"


@dataclass(frozen=True, kw_only=True)
class PackedTable:
    """A CheckedTable whose rows are a compressed Arrow stream."""

    rows: pa.Buffer
    without_rows: CheckedTable

    @classmethod
    def of(cls, checked: CheckedTable) -> PackedTable:
        """Compress the rows."""
        table = checked.parsed.table
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=_COMPRESSION)
        with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
            stream.write_table(table)
        parsed = replace(checked.parsed, table=table.schema.empty_table())
        return cls(rows=sink.getvalue(), without_rows=replace(checked, parsed=parsed))

    def checked(self) -> CheckedTable:
        """The CheckedTable."""
        with pa.ipc.open_stream(self.rows) as stream:
            return replace(self.without_rows, parsed=replace(self.without_rows.parsed, table=stream.read_all()))

    def further_down(self, lines: int) -> PackedTable:
        """The same rows, so many lines further down in their file."""
        return replace(self, without_rows=with_shifted_lines(self.without_rows, lines))

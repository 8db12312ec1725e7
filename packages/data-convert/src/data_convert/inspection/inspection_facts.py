"""The result of an inspection."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_convert.inspection.column_inspection import ColumnInspection
from data_convert.measuring.row_order import RowOrder
from data_convert.series.completeness import Finding
from data_convert.series.part_proposal import PartsProposal
from data_convert.spec.dataset_spec import Dialect


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What some raw files contain.

    Attributes:
        folder: Folder of the files, or the URL of their prefix.
        pattern: Glob below it that finds exactly them.
        files: Their names below it.
        rows: Rows that have as many cells as the table has columns.
        ragged_rows: Rows that have more or fewer.
        raw_bytes: The files on disk.
        text_bytes: The files decompressed.
        parquet_share: Share of the rows that was encoded to measure sizes, which are scaled up from it.
        order: The order of the rows that makes the Parquet smallest; None if it is the raw order.
        notes: What to know about the files as a whole.
        findings: Signs that data are missing.
        proposal: Fewer, larger parts; None if one part per file is fine.
    """

    folder: Path | str
    pattern: str
    files: tuple[str, ...]
    rows: int
    ragged_rows: int
    raw_bytes: int
    text_bytes: int
    dialect: Dialect
    columns: tuple[ColumnInspection, ...]
    parquet_share: float
    order: RowOrder | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    proposal: PartsProposal | None = None

    @property
    def parquet_bytes(self) -> int:
        """The pages of all columns."""
        return sum(column.parquet_bytes for column in self.columns)

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        facts = asdict(self)
        facts["folder"] = str(self.folder)
        facts["parquet_bytes"] = self.parquet_bytes
        return facts

"""The table that `data.sample` prints."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from data_sample.samples import SampleReport
from terminal import Column, duration_text, size_text, table

if TYPE_CHECKING:
    from rich.table import Table


def sample_table(reports: Iterable[SampleReport], root: Path) -> Table:
    """One row per dataset; folders relative to the root."""
    columns = (
        "dataset",
        Column(heading="files", align="right"),
        Column(heading="size", align="right"),
        Column(heading="written", align="right"),
        "folder",
    )
    return table(columns, (_row(report, root) for report in reports))


def _row(report: SampleReport, root: Path) -> tuple[str, ...]:
    written = f"in {duration_text(report.seconds)}" if report.wrote else "unchanged"
    folder = str(report.folder.relative_to(root))
    return (report.dataset, f"{len(report.files):,}", size_text(report.size_bytes), written, folder)

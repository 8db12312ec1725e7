"""Signs in the footers of a dataset's parts, and in the ends of its raw files, that data are missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from data_convert.reading.compression import OPENERS
from data_convert.reading.streams import SourceFacts
from data_convert.series.completeness import FileFacts, Finding, completeness_findings, day_findings
from data_convert.sizes.part_facts import PartFacts
from data_convert.writing.provenance import Provenance

_DAYS_OF_A_PART: Final = 2
"""If a part covers more days, its first and last day do not show which of them have rows."""


def part_findings(parts: Sequence[PartFacts], raw_folder: Path | None) -> list[Finding]:
    """Signs that data are missing.

    Args:
        raw_folder: The folder of the raw files, which may be missing; then their ends are not looked at. None if the
            raw files are objects: an object is never cut off by an upload that was interrupted.
    """
    files = [_file_facts(source, part.provenance, raw_folder) for part in parts for source in part.provenance.sources]
    found = completeness_findings(sorted(files, key=lambda file: file.name))
    return [*found, *day_findings(_days(parts), found)]


def _file_facts(source: SourceFacts, made: Provenance, raw_folder: Path | None) -> FileFacts:
    return FileFacts(
        name=source.name,
        rows=made.rows + made.rejects if len(made.sources) == 1 else None,
        text_bytes=source.text_bytes,
        sha256=source.sha256,
        ends_inside_line=raw_folder is not None and _ends_inside_line(raw_folder / source.name, source.size_bytes),
    )


def _ends_inside_line(path: Path, size_bytes: int) -> bool:
    """Whether the last line of a plain file has no line end. A compressed file that was cut off is an error anyway."""
    if path.suffix.lower() in OPENERS:
        return False
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) != size_bytes:
                return False
            file.seek(max(0, size_bytes - 4))
            # The last byte of a line end in UTF-16 or UTF-32 may be zero.
            return file.read().rstrip(b"\0")[-1:] not in (b"\n", b"\r", b"")
    except OSError:
        return False


def _days(parts: Iterable[PartFacts]) -> dict[str, list[int]]:
    """The days of each column of dates or times for which every part covers a day or two."""
    days: dict[str, set[int]] = {}
    wide: Counter[str] = Counter()
    for part in parts:
        for column, (low, high) in part.days.items():
            covered = range(low, high + 1)
            wide[column] += len(covered) > _DAYS_OF_A_PART
            days.setdefault(column, set()).update(covered if len(covered) <= _DAYS_OF_A_PART else ())
    return {column: sorted(numbers) for column, numbers in days.items() if not wide[column]}

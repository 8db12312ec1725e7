"""The provenance in the footer of a part: what it was made from, and whether the part is still intact."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.reading.streams import SourceFacts

FOOTER_KEY: Final = "shrinkwrap"
FORMAT: Final = 2
"""Increase it whenever the same description and sources would produce other bytes than in an earlier release."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Recorded in the footer of every part.

    Attributes:
        format: FORMAT of the release that wrote it.
        writer: Name and version of the Parquet writer.
        spec: Digest of the dataset's description.
        sources: What was read, in order.
        rows: Rows in the part.
        rejects: Rows of the sources that are in the part's rejects file instead.
        rejects_sha256: Digest of that file; None if there are no rejects.
        changed: Column -> number of values that do not fit its type (`drift.changed_type`).
        zones: Zone of each wall-clock timestamp column.
        exact: Columns of decimals that are read as float64.
        pages_bytes: Length of everything before the footer.
        pages_sha256: Digest of everything before the footer.
    """

    spec: str
    sources: tuple[SourceFacts, ...]
    rows: int
    pages_bytes: int
    pages_sha256: str
    rejects: int = 0
    rejects_sha256: str | None = None
    zones: dict[str, str] = field(default_factory=dict)
    exact: tuple[str, ...] = ()
    changed: dict[str, int] = field(default_factory=dict)
    format: int = FORMAT
    writer: str = f"parquet-cpp-arrow {pa.__version__}"

    def to_json(self) -> str:
        """One line of JSON, always the same for the same values. What is absent from a part is absent from it, too."""
        facts = {name: value for name, value in vars(self).items() if value or name in ("rows", "sources")}
        facts["sources"] = [_filled(source) for source in self.sources]
        return json.dumps(facts, separators=(",", ":"), ensure_ascii=False)


def _filled(source: SourceFacts) -> dict[str, Any]:
    return {name: value for name, value in vars(source).items() if value or name in ("size_bytes", "text_bytes")}


def read_provenance(path: Path | BinaryIO) -> Provenance | None:
    """The provenance of a file; None if this package did not write it, or it cannot be read.

    Args:
        path: A path, or an open file.
    """
    try:
        return provenance_of(pq.read_metadata(path))
    except (OSError, pa.ArrowException):
        return None


def provenance_of(metadata: pq.FileMetaData) -> Provenance | None:
    """The provenance in a footer; None if this package did not write it."""
    try:
        data = json.loads((metadata.metadata or {})[FOOTER_KEY.encode()])
        return Provenance(**{**data, "sources": tuple(SourceFacts(**source) for source in data["sources"])})
    # TypeError: the provenance of another format, with other fields. All of these parts are converted again.
    except (KeyError, TypeError, ValueError):
        return None


def is_intact(file: BinaryIO, provenance: Provenance) -> bool:
    """Whether the pages of the open part have the digest that the footer records."""
    digest = hashlib.sha256()
    left = provenance.pages_bytes
    file.seek(0)
    while left and (piece := file.read(min(left, 1 << 20))):
        digest.update(piece)
        left -= len(piece)
    return not left and digest.hexdigest() == provenance.pages_sha256


def has_sources(provenance: Provenance, sources: Sequence[SourceFacts]) -> bool:
    """Whether the part was made from exactly these files in this order."""
    made_from = [(s.name, s.size_bytes, s.sha256) for s in provenance.sources]
    return made_from == [(s.name, s.size_bytes, s.sha256) for s in sources]

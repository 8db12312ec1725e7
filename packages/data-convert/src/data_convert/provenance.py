"""What a part's own footer says about how it was made, and whether the part is still that part."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.sources import SourceFacts

FOOTER_KEY: Final = "shrinkwrap"
FORMAT: Final = 1
"""Raised whenever the same spec and sources would give other bytes than an earlier release did."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Recorded in the footer of every part.

    Attributes:
        format: FORMAT of the release that wrote it.
        writer: Name and version of the Parquet writer.
        spec: Digest of the dataset's description.
        sources: What was read, in order.
        rows: Rows in the part.
        rejects: Rows of the sources that are not in the part but in the rejects file beside it.
        rejects_sha256: Digest of that file; None where there is none.
        zones: Zone of each wall-clock timestamp column.
        pages_bytes: Length of everything before the footer.
        pages_sha256: Digest of everything before the footer.
    """

    spec: str
    sources: tuple[SourceFacts, ...]
    rows: int
    rejects: int
    rejects_sha256: str | None
    zones: dict[str, str]
    pages_bytes: int
    pages_sha256: str
    format: int = FORMAT
    writer: str = f"parquet-cpp-arrow {pa.__version__}"

    def to_json(self) -> str:
        """One line, always the same for the same facts."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False)


def read_provenance(path: Path) -> Provenance | None:
    """What the footer of `path` says; None if it is not a part that this package wrote."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
        data = json.loads(metadata[FOOTER_KEY.encode()])
        return Provenance(**{**data, "sources": tuple(SourceFacts(**source) for source in data["sources"])})
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return None


def is_sound(path: Path, provenance: Provenance, rejects_path: Path) -> bool:
    """Whether the part's pages and its rejects file are, byte for byte, what the footer says."""
    digest = hashlib.sha256()
    left = provenance.pages_bytes
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
    if left or digest.hexdigest() != provenance.pages_sha256:
        return False
    found = None
    if rejects_path.exists():
        found = hashlib.sha256(rejects_path.read_bytes()).hexdigest()
    return found == provenance.rejects_sha256


def same_sources(provenance: Provenance, sources: Sequence[SourceFacts]) -> bool:
    """Whether the part was made from exactly these bytes in this order."""
    made_from = [(s.name, s.size_bytes, s.sha256) for s in provenance.sources]
    return made_from == [(s.name, s.size_bytes, s.sha256) for s in sources]

"""What a conversion did, in rows and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from data_convert.plan import PlannedPart
    from data_convert.provenance import Provenance


@dataclass(frozen=True, kw_only=True)
class PartReport:
    """One part.

    Attributes:
        raw_bytes: Its sources on disk.
        text_bytes: Its sources after decompression.
        parquet_bytes: The part on disk.
        converted: Whether this run wrote it; otherwise it was finished already.
        seconds: How long that took.
    """

    name: str
    rows: int
    rejects: int
    raw_bytes: int
    text_bytes: int
    parquet_bytes: int
    converted: bool
    seconds: float

    @classmethod
    def of(cls, part: PlannedPart, made: Provenance, *, converted: bool, seconds: float = 0.0) -> Self:
        """The report on a finished part."""
        return cls(
            name=part.name,
            rows=made.rows,
            rejects=made.rejects,
            raw_bytes=sum(source.size_bytes for source in made.sources),
            text_bytes=sum(source.text_bytes for source in made.sources),
            parquet_bytes=part.path.stat().st_size,
            converted=converted,
            seconds=seconds,
        )


@dataclass(frozen=True, kw_only=True)
class ConversionReport:
    """One dataset; `removed` names parts whose sources are gone."""

    dataset: str
    folder: Path
    parts: tuple[PartReport, ...]
    removed: tuple[str, ...] = ()

    def _total(self, name: str) -> int:
        return sum(getattr(part, name) for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows in all parts."""
        return self._total("rows")

    @property
    def rejects(self) -> int:
        """Rows that did not fit and are kept beside the parts."""
        return self._total("rejects")

    @property
    def raw_bytes(self) -> int:
        """Raw files on disk."""
        return self._total("raw_bytes")

    @property
    def text_bytes(self) -> int:
        """Raw files after decompression."""
        return self._total("text_bytes")

    @property
    def parquet_bytes(self) -> int:
        """Parquet on disk."""
        return self._total("parquet_bytes")

    @property
    def ratio(self) -> float:
        """How many times smaller the Parquet is than the raw files on disk."""
        return self.raw_bytes / self.parquet_bytes if self.parquet_bytes else 0.0

    def facts(self) -> dict[str, Any]:
        """What depends on the input alone: the metrics that DVC tracks."""
        return {
            "dataset": self.dataset,
            "parts": len(self.parts),
            "rows": self.rows,
            "rejects": self.rejects,
            "raw_bytes": self.raw_bytes,
            "text_bytes": self.text_bytes,
            "parquet_bytes": self.parquet_bytes,
            "ratio": round(self.ratio, 2),
        }

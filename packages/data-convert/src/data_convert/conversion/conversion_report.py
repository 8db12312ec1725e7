"""The result of a conversion, in rows and bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from data_convert.reading.skips import Skips, padded_of, skipped_of, skips_text, total_skips
from data_convert.writing.provenance import Provenance
from terminal import count_text, ratio_text

_SHOWN_EXAMPLES: Final = 3


@dataclass(frozen=True, kw_only=True)
class PartReport:
    """One part.

    Attributes:
        skipped: What else its sources have -> how often.
        changed: Column -> number of values that do not fit its type and are null.
        examples: The first of these values, if this run wrote the part.
        raw_bytes: Its sources on disk.
        text_bytes: Its sources after decompression.
        parquet_bytes: The part on disk.
        is_converted: Whether this run wrote it; otherwise it was finished before.
        seconds: How long the conversion took.
    """

    name: str
    rows: int
    rejects: int
    skipped: Skips
    raw_bytes: int
    text_bytes: int
    parquet_bytes: int
    is_converted: bool
    seconds: float
    changed: Mapping[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        provenance: Provenance,
        *,
        size_bytes: int,
        is_converted: bool,
        seconds: float = 0.0,
        examples: tuple[str, ...] = (),
    ) -> Self:
        """The report on a finished part of this name."""
        return cls(
            name=name,
            rows=provenance.rows,
            rejects=provenance.rejects,
            skipped=total_skips(source.skipped for source in provenance.sources),
            raw_bytes=sum(source.size_bytes for source in provenance.sources),
            text_bytes=sum(source.text_bytes for source in provenance.sources),
            parquet_bytes=size_bytes,
            is_converted=is_converted,
            seconds=seconds,
            changed=provenance.changed,
            examples=examples,
        )


@dataclass(frozen=True, kw_only=True)
class ConversionReport:
    """The conversion of one dataset.

    Attributes:
        where: The folder of the parts, or their prefix in a bucket.
        rejects_where: The same for the rejects files, as messages name it.
        removed: The parts whose sources were removed.
        expectations: How many expectations the dataset has; every part meets all of them.
    """

    dataset: str
    where: str
    rejects_where: str
    parts: tuple[PartReport, ...]
    removed: tuple[str, ...] = ()
    expectations: int = 0

    @property
    def folder(self) -> Path:
        """The folder of parts that are local."""
        return Path(self.where)

    def _total(self, name: str) -> int:
        return sum(getattr(part, name) for part in self.parts)

    @property
    def rows(self) -> int:
        """Rows in all parts."""
        return self._total("rows")

    @property
    def rejects(self) -> int:
        """Rows that did not fit and are stored in rejects files."""
        return self._total("rejects")

    @property
    def skipped(self) -> Skips:
        """What is neither a row nor a reject in the raw files -> how often."""
        return skipped_of(total_skips(part.skipped for part in self.parts))

    @property
    def padded(self) -> Skips:
        """Rows that were given the cells of the table (`dialect.ragged`) -> how often."""
        return padded_of(total_skips(part.skipped for part in self.parts))

    @property
    def changed(self) -> dict[str, int]:
        """Column -> number of values that do not fit its type and are null (`drift.changed_type`)."""
        total: Counter[str] = Counter()
        for part in self.parts:
            total.update(part.changed)
        return dict(total)

    @property
    def raw_bytes(self) -> int:
        """Size of the raw files on disk."""
        return self._total("raw_bytes")

    @property
    def text_bytes(self) -> int:
        """Size of the raw files after decompression."""
        return self._total("text_bytes")

    @property
    def parquet_bytes(self) -> int:
        """Size of the Parquet on disk."""
        return self._total("parquet_bytes")

    @property
    def ratio(self) -> float:
        """How many times smaller the Parquet is than the raw files on disk."""
        return self.raw_bytes / self.parquet_bytes if self.parquet_bytes else 0.0

    def text(self) -> str:
        """One line for the user, and others if anything was skipped or changed."""
        converted = sum(part.is_converted for part in self.parts)
        removed = f", {len(self.removed)} removed" if self.removed else ""
        rejects = f", {count_text(self.rejects, 'reject')} in {self.rejects_where}" if self.rejects else ""
        met = f", {count_text(self.expectations, 'expectation')} met" if self.expectations else ""
        skipped = f"\n{self.dataset}: skipped: {skips_text(self.skipped)}" if self.skipped else ""
        skipped += f"\n{self.dataset}: rows of another length: {skips_text(self.padded)}" if self.padded else ""
        return (
            f"{self.dataset}: {count_text(converted, 'part')} converted, {len(self.parts) - converted} finished before"
            f"{removed}; {count_text(self.rows, 'row')}, {comparison_text(self.raw_bytes, self.parquet_bytes)}{rejects}"
            f"{met}{skipped}{self._changed_text()}"
        )

    def _changed_text(self) -> str:
        if not self.changed:
            return ""
        count = sum(self.changed.values())
        columns = ", ".join(f"{column} ({number:,})" for column, number in self.changed.items())
        examples = [example for part in self.parts for example in part.examples][:_SHOWN_EXAMPLES]
        shown = f", such as {', '.join(examples)}" if examples else ""
        are = "value is" if count == 1 else "values are"
        return f"\n{self.dataset}: {count:,} {are} of another type than the column, and null: {columns}{shown}"

    def metrics(self) -> dict[str, Any]:
        """The figures that DVC tracks. They depend on the input alone, so a rerun writes the same file."""
        return {
            "dataset": self.dataset,
            "parts": len(self.parts),
            "rows": self.rows,
            "rejects": self.rejects,
            "expectations": self.expectations,
            "changed": sum(self.changed.values()),
            "skipped": sum(self.skipped.values()),
            "padded": sum(self.padded.values()),
            "raw_bytes": self.raw_bytes,
            "text_bytes": self.text_bytes,
            "parquet_bytes": self.parquet_bytes,
            "ratio": round(self.ratio, 2),
        }


def comparison_text(raw_bytes: int, parquet_bytes: int) -> str:
    """How the sizes compare: "25.4 times smaller", "1.30 times larger", "the same size"."""
    if not raw_bytes or not parquet_bytes or raw_bytes == parquet_bytes:
        return "the same size"
    ratio = max(raw_bytes, parquet_bytes) / min(raw_bytes, parquet_bytes)
    number = ratio_text(ratio).removesuffix("×")
    return f"{number} times {'smaller' if raw_bytes > parquet_bytes else 'larger'}"

"""Compares one part, and the rejects file beside it, with a second reading of its sources."""

from __future__ import annotations

import csv
import gc
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.parquet import rejects_path
from data_convert.provenance import FOOTER_KEY
from data_convert.sources import Source
from data_convert.spec import FLAG_SUFFIX, DatasetSpec
from data_convert.verification.closer_look import CloserLook, Differing, Surplus, shown, stored_batches
from data_convert.verification.raw_side import Misfit, RawSide
from data_convert.verification.row_prints import BucketSums, stored_prints, total
from data_convert.verification.second_reading import UNREADABLE

SHOWN_FINDINGS: Final = 20

_STORED_TYPES: Final = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "flagged_number": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
}
_REJECTS_HEADER: Final = ["source", "line", "column", "reason", "row"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place where the Parquet is not what the raw files say.

    Attributes:
        part: The part's path below the output folder.
        says: What is wrong.
        source: The raw file, relative to the dataset's folder.
        line: Physical line on which the raw row starts, from 1.
        column: Name of the stored column.
        raw: What the raw file says.
        stored: What the Parquet says.
    """

    part: str
    says: str
    source: str | None = None
    line: int | None = None
    column: str | None = None
    raw: str | None = None
    stored: str | None = None

    def __str__(self) -> str:
        where = "" if self.source is None else f"{self.source}{'' if self.line is None else f':{self.line}'}: "
        column = "" if self.column is None else f"column {self.column!r}: "
        sides = "" if self.stored is None else f" (raw: {self.raw}, Parquet: {self.stored})"
        return f"{self.part}: {where}{column}{self.says}{sides}"

    def facts(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    """What was compared of one part, and what was found."""

    part: str
    rows: int
    values: int
    rejects: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class PartCheck:
    """The check of one part; made in one process and run in another.

    Attributes:
        name: The part's path below the output folder.
    """

    spec: DatasetSpec
    path: Path
    name: str
    sources: tuple[Source, ...]

    def verdict(self, progress: Callable[[int], None]) -> PartVerdict:
        """Compare. Whatever may be wrong with the files is a finding, not an error."""
        comparison = _Comparison(check=self, progress=progress)
        try:
            with _without_garbage_collection():
                comparison.run()
        except (*UNREADABLE, pa.ArrowException) as error:
            comparison.find(f"cannot be compared: {error}")
        comparison.tell_rest()
        return PartVerdict(
            part=self.name,
            rows=comparison.sums.rows,
            values=comparison.sums.rows * len(stored_schema(self.spec)),
            rejects=comparison.rejects,
            findings=tuple(comparison.findings[:SHOWN_FINDINGS]),
        )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Half of the time goes into looking for cycles among the lists of cells, which have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def stored_schema(spec: DatasetSpec) -> pa.Schema:
    """Names and types that the spec promises of a part."""
    fields = []
    for column in spec.columns:
        if column.type == "timestamp":
            fields.append(pa.field(column.name, pa.timestamp("us", tz="UTC" if column.zone == "UTC" else None)))
        else:
            fields.append(pa.field(column.name, _STORED_TYPES[column.type]))
        if column.type == "flagged_number":
            fields.append(pa.field(column.name + FLAG_SUFFIX, pa.string()))
    return pa.schema(fields)


@dataclass(kw_only=True)
class _Comparison:
    """One comparison under way."""

    check: PartCheck
    progress: Callable[[int], None]
    sums: BucketSums = field(default_factory=BucketSums)
    rejects: int = 0
    findings: list[Finding] = field(default_factory=list)
    told: int = 0

    @property
    def spec(self) -> DatasetSpec:
        return self.check.spec

    def find(self, says: str, **where: Any) -> None:
        if len(self.findings) < SHOWN_FINDINGS:
            self.findings.append(Finding(part=self.check.name, says=says, **where))

    def tell(self, size_bytes: int) -> None:
        self.told += size_bytes
        self.progress(size_bytes)

    def tell_rest(self) -> None:
        """A comparison that was given up has dealt with its sources too."""
        self.tell(sum(source.size_bytes for source in self.check.sources) - self.told)

    def run(self) -> None:
        if not self.check.path.exists():
            self.find(f"is not there; make it with `invoke data.compress --dataset {self.spec.name}`")
            return
        with pq.ParquetFile(self.check.path) as parquet:
            if self._schema_fits(parquet.schema_arrow):
                self._compare(parquet)

    def _schema_fits(self, found: pa.Schema) -> bool:
        expected = stored_schema(self.spec)
        for name in dict.fromkeys([*expected.names, *found.names]):
            types = [schema.field(name).type if name in schema.names else None for schema in (expected, found)]
            if types[0] != types[1]:
                self.find("has another type than the spec says", column=name, raw=str(types[0]), stored=str(types[1]))
        if not self.findings and expected.names != found.names:
            self.find(f"has its columns in another order: {', '.join(found.names)}")
        return not self.findings

    def _compare(self, parquet: pq.ParquetFile) -> None:
        raw, stored = RawSide(self.spec, self.check.sources, self.tell), BucketSums()
        misfits: list[Misfit] = []
        for rows in raw:
            self.sums.add(rows.prints)
            misfits += rows.misfits
        for batch in stored_batches(parquet):
            stored.add(total(stored_prints(batch)))
        self.rejects = len(misfits)
        self._check_footer(parquet, raw.text_bytes)
        self._check_rejects(misfits)
        if len(self.sums.unlike(stored)):
            self._look_closer(parquet, stored)

    def _check_footer(self, parquet: pq.ParquetFile, text_bytes: dict[str, int]) -> None:
        again = f"; run `invoke data.compress --dataset {self.spec.name}`"
        try:
            made = json.loads((parquet.metadata.metadata or {})[FOOTER_KEY.encode()])
            recorded = {s["name"]: (s["size_bytes"], s["sha256"], s["text_bytes"]) for s in made["sources"]}
            facts = {"rows": made["rows"], "rejects": made["rejects"], "spec": made["spec"]}
        except (KeyError, TypeError, ValueError):
            self.find(f"its footer does not say what it was made from{again}")
            return
        for source in self.check.sources:
            with source.path.open("rb") as file:
                digest, size_bytes = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
            if recorded.pop(source.name, None) != (size_bytes, digest, text_bytes[source.name]):
                self.find(f"was made from other content of this raw file{again}", source=source.name)
        for name in recorded:
            self.find(f"was made from a raw file that is not there any more{again}", source=name)
        for name, expected in (("rows", self.sums.rows), ("rejects", self.rejects), ("spec", self.spec.digest)):
            if facts[name] != expected:
                self.find(f"its footer says {name} {facts[name]}, and {expected} is right{again}")

    def _check_rejects(self, misfits: Sequence[Misfit]) -> None:
        kept = self._kept_rejects()
        for misfit in misfits:
            where = {"source": misfit.source, "line": misfit.line, "column": misfit.column or None}
            expected, found = (misfit.column, misfit.row), kept.pop((misfit.source, str(misfit.line)), None)
            if self.spec.on_reject == "error":
                self.find(f"the row does not fit ({misfit.text!r}), yet the part was written", **where)
            elif found is None:
                self.find(f"the row does not fit ({misfit.text!r}) and is not in the rejects file", **where)
            elif found != expected:
                self.find("is another row in the rejects file", **where, raw=repr(expected), stored=repr(found))
        for source, line in kept:
            self.find(f"the rejects file has a row of {source}:{line}, which is no row that does not fit")

    def _kept_rejects(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(source, line) -> (column, row) of the rejects file beside the part."""
        path = rejects_path(self.check.path)
        if not path.exists():
            return {}
        kept: dict[tuple[str, str], tuple[str, str]] = {}
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file)
            if next(rows, None) != _REJECTS_HEADER:
                self.find(f"{path.name} does not start with {','.join(_REJECTS_HEADER)}")
            for cells in rows:
                if len(cells) != len(_REJECTS_HEADER) or (cells[0], cells[1]) in kept:
                    self.find(f"{path.name} has a row that is cut off or there twice: {cells[:2]}")
                    continue
                source, line, column, _, row = cells
                kept[source, line] = column, row
        return kept

    def _look_closer(self, parquet: pq.ParquetFile, stored: BucketSums) -> None:
        names = stored_schema(self.spec).names
        look = CloserLook(
            RawSide(self.spec, self.check.sources),
            parquet,
            (self.sums, stored),
            sort=[names.index(name) for name in self.spec.sort],
        )
        for difference in look.differences(SHOWN_FINDINGS):
            if isinstance(difference, Differing):
                self._tell_differing(difference)
            else:
                self._tell_surplus(difference)

    def _tell_differing(self, difference: Differing) -> None:
        raw, nearest = difference.raw, difference.nearest
        if nearest is None:
            often = " as often as in the raw files" if difference.is_elsewhere else ""
            self.find(f"this row is not in the Parquet{often}", source=raw.source, line=raw.line)
            return
        for field_, text, value, found in zip(
            stored_schema(self.spec), raw.texts, raw.values, nearest.values, strict=True
        ):
            if shown(value, field_.type) != shown(found, field_.type):
                self.find(
                    f"row {nearest.row} of the Parquet, the nearest to it, differs",
                    source=raw.source,
                    line=raw.line,
                    column=field_.name,
                    raw="no such column" if text is None else f"{text!r}, a null" if value is None else repr(text),
                    stored=shown(found, field_.type),
                )

    def _tell_surplus(self, difference: Surplus) -> None:
        row, schema = difference.stored, stored_schema(self.spec)
        often = "more often than in the raw files" if difference.is_elsewhere else "and not in the raw files"
        values = [
            f"{field_.name}={shown(value, field_.type)}" for field_, value in zip(schema, row.values, strict=True)
        ]
        rest = ", …" if len(values) > 8 else ""
        self.find(f"row {row.row} is in the Parquet {often}: {', '.join(values[:8])}{rest}")

"""Compares one part and its rejects file with a second reading of its sources."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from data_convert.errors import SourceError
from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.output_place import OutputFile, OutputPlace
from data_convert.verification.closer_look import CloserLook, Differing, Surplus, shown, stored_batches
from data_convert.verification.raw.second_reading import UNREADABLE
from data_convert.verification.raw_side import Misfit, RawSide
from data_convert.verification.values.row_prints import BucketSums, stored_prints, total
from data_convert.verification.values.value_rules import stored_schema
from data_convert.writing.provenance import FOOTER_KEY
from s3_access import StoreError

SHOWN_FINDINGS: Final = 20

_BUFFER_BYTES: Final = 8 << 20
_REJECTS_HEADER: Final = ["source", "line", "column", "reason", "row"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference between the Parquet and the raw files.

    Attributes:
        part: The part's path below the output folder.
        problem: What is wrong.
        source: The raw file, relative to the dataset's folder.
        line: Physical line on which the raw row starts, from 1.
        column: Name of the stored column.
        raw: The text in the raw file.
        stored: The value in the Parquet.
    """

    part: str
    problem: str
    source: str | None = None
    line: int | None = None
    column: str | None = None
    raw: str | None = None
    stored: str | None = None

    def __str__(self) -> str:
        where = "" if self.source is None else f"{self.source}{'' if self.line is None else f':{self.line}'}: "
        column = "" if self.column is None else f"column {self.column!r}: "
        sides = "" if self.stored is None else f" (raw: {self.raw}, Parquet: {self.stored})"
        return f"{self.part}: {where}{column}{self.problem}{sides}"

    def facts(self) -> dict[str, Any]:
        """The finding as plain data."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    """What was compared in one part, and the differences.

    Attributes:
        absent_rejects: Rejects whose file is not here, so only their number was compared.
    """

    part: str
    rows: int
    values: int
    rejects: int
    absent_rejects: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class PartCheck:
    """The check of one part. It is created in one process and can run in another.

    Attributes:
        name: Path of the part below its place.
        part: The part; None if it does not exist.
        rejects_file: The part's rejects file; None if it does not exist. DVC does not transfer rejects.
    """

    spec: DatasetSpec
    name: str
    output: OutputPlace
    part: OutputFile | None
    rejects: OutputPlace
    rejects_file: OutputFile | None
    sources: tuple[Source, ...]

    def verdict(self, on_bytes: Callable[[int], None]) -> PartVerdict:
        """Compare the part with its sources. Problems of the files are findings, not errors."""
        comparison = _Comparison(check=self, on_bytes=on_bytes)
        try:
            with without_garbage_collection():
                comparison.run()
        except (*UNREADABLE, pa.ArrowException, SourceError, StoreError) as error:
            comparison.find(f"cannot be compared: {error}")
        comparison.report_remaining_bytes()
        return PartVerdict(
            part=self.name,
            rows=comparison.sums.rows,
            values=comparison.sums.rows * len(stored_schema(self.spec)),
            rejects=comparison.rejects,
            absent_rejects=comparison.rejects if self.rejects_file is None else 0,
            findings=tuple(comparison.findings[:SHOWN_FINDINGS]),
        )


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Without this, half of the time is spent searching for cycles among the lists of cells, which have none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(kw_only=True)
class _Comparison:
    """One comparison that is running."""

    check: PartCheck
    on_bytes: Callable[[int], None]
    sums: BucketSums = field(default_factory=BucketSums)
    rejects: int = 0
    findings: list[Finding] = field(default_factory=list)
    reported_bytes: int = 0

    @property
    def spec(self) -> DatasetSpec:
        return self.check.spec

    def find(self, problem: str, **where: Any) -> None:
        if len(self.findings) < SHOWN_FINDINGS:
            self.findings.append(Finding(part=self.check.name, problem=problem, **where))

    def report_bytes(self, size_bytes: int) -> None:
        self.reported_bytes += size_bytes
        self.on_bytes(size_bytes)

    def report_remaining_bytes(self) -> None:
        """Also after a comparison that was given up, so that the progress reaches its end."""
        self.report_bytes(sum(source.size_bytes for source in self.check.sources) - self.reported_bytes)

    def run(self) -> None:
        if self.check.part is None:
            self.find(f"does not exist; create it with `invoke data.compress --dataset {self.spec.name}`")
            return
        with (
            self.check.output.open(self.check.part) as file,
            # Of an object, each read of the buffer is a request. A part is read nearly in order.
            io.BufferedReader(cast(io.RawIOBase, file), _BUFFER_BYTES) as buffered,
            pq.ParquetFile(buffered) as parquet,
        ):
            if self._schema_fits(parquet.schema_arrow):
                self._compare(parquet)

    def _schema_fits(self, found: pa.Schema) -> bool:
        expected = stored_schema(self.spec)
        sides = [dict(zip(schema.names, schema.types, strict=True)) for schema in (expected, found)]
        for name in dict.fromkeys([*expected.names, *found.names]):
            types = [side.get(name) for side in sides]
            if types[0] != types[1]:
                self.find("does not have the declared type", column=name, raw=str(types[0]), stored=str(types[1]))
        if not self.findings and expected.names != found.names:
            self.find(f"has its columns in another order: {', '.join(found.names)}")
        return not self.findings

    def _compare(self, parquet: pq.ParquetFile) -> None:
        raw, stored = RawSide(self.spec, self.check.sources, self.report_bytes), BucketSums()
        misfits: list[Misfit] = []
        for rows in raw:
            self.sums.add(rows.prints)
            misfits += rows.misfits
        for batch in stored_batches(parquet):
            stored.add(total(stored_prints(batch)))
        self.rejects = len(misfits)
        self._check_footer(parquet, raw)
        self._check_rejects(misfits)
        if len(self.sums.unlike(stored)):
            self._look_closer(parquet, stored)

    def _check_footer(self, parquet: pq.ParquetFile, raw: RawSide) -> None:
        again = f"; run `invoke data.compress --dataset {self.spec.name}`"
        try:
            made = json.loads((parquet.metadata.metadata or {})[FOOTER_KEY.encode()])
            recorded = {s["name"]: (s["size_bytes"], s["sha256"], s["text_bytes"]) for s in made["sources"]}
            skipped = {s["name"]: s.get("skipped", {}) for s in made["sources"]}
            facts = {"rows": made["rows"], "rejects": made.get("rejects", 0), "spec": made["spec"]}
            facts["changed"] = made.get("changed", {})
        except (KeyError, TypeError, ValueError):
            self.find(f"its footer does not record what it was made from{again}")
            return
        for source in self.check.sources:
            size_bytes, digest = raw.digests[source.name]
            if recorded.pop(source.name, None) != (size_bytes, digest, raw.text_bytes[source.name]):
                self.find(f"was made from other content of this raw file{again}", source=source.name)
            elif skipped[source.name] != (found := raw.skipped[source.name]):
                self.find(f"its footer has skipped {skipped[source.name]} instead of {found}", source=source.name)
        for name in recorded:
            self.find(f"was made from a raw file that does not exist any more{again}", source=name)
        for name, expected in (
            ("rows", self.sums.rows),
            ("rejects", self.rejects),
            ("spec", self.spec.digest),
            ("changed", dict(+raw.changed)),
        ):
            if facts[name] != expected:
                self.find(f"its footer has {name} {facts[name]} instead of {expected}{again}")

    def _check_rejects(self, misfits: Sequence[Misfit]) -> None:
        kept = self._kept_rejects()
        if kept is None and self.spec.on_reject == "keep":
            return
        kept = kept or {}
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
            self.find(f"the rejects file has a row of {source}:{line}, which is a row that fits")

    def _kept_rejects(self) -> dict[tuple[str, str], tuple[str, str]] | None:
        """(source, line) -> (column, row) of the rejects file; None if it is not here."""
        if (file := self.check.rejects_file) is None:
            return None
        name = PurePosixPath(file.name).name
        kept: dict[tuple[str, str], tuple[str, str]] = {}
        with (
            self.check.rejects.open(file) as opened,
            io.TextIOWrapper(opened, encoding="utf-8", errors="surrogateescape", newline="") as text,
        ):
            rows = csv.reader(text)
            if next(rows, None) != _REJECTS_HEADER:
                self.find(f"{name} does not start with {','.join(_REJECTS_HEADER)}")
            for cells in rows:
                if len(cells) != len(_REJECTS_HEADER) or (cells[0], cells[1]) in kept:
                    self.find(f"{name} has a row that is cut off or there twice: {cells[:2]}")
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
                self._report_differing(difference)
            else:
                self._report_surplus(difference)

    def _report_differing(self, difference: Differing) -> None:
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

    def _report_surplus(self, difference: Surplus) -> None:
        row, schema = difference.stored, stored_schema(self.spec)
        often = "more often than in the raw files" if difference.is_elsewhere else "and not in the raw files"
        values = [
            f"{field_.name}={shown(value, field_.type)}" for field_, value in zip(schema, row.values, strict=True)
        ]
        rest = ", …" if len(values) > 8 else ""
        self.find(f"row {row.row} is in the Parquet {often}: {', '.join(values[:8])}{rest}")

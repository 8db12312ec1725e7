"""The result of an inspection for one column, and the column's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.conversion import convert
from data_convert.columns.number_marks import PLAIN
from data_convert.inspection.column_types.conclusions import Conclusion
from data_convert.inspection.column_types.inference import ColumnEvidence
from data_convert.inspection.profile import Profile
from data_convert.series.column_history import ColumnHistory
from data_convert.spec.dataset_spec import ColumnSpec, NumberMarks
from data_convert.spec.spec_file import stored_names


@dataclass(frozen=True, kw_only=True)
class ColumnInspection:
    """One column.

    Attributes:
        header: Its name in the header; None if the files have no header.
        names: Other names that it has in the headers of some files.
        optional: Whether some files do not have it; its values are null there.
        name: Its suggested name in the Parquet file.
        type: One of spec.TYPES, with `formats`, `zone`, `nulls`, `marks` and `precision` as in the
            declaration of a column.
        null_rows: Number of rows without a value.
        distinct: Number of distinct values, without nulls; if not `is_distinct_exact`, there are more.
        minimum: Smallest value as text; for texts, the first in the order of their characters.
        csv_bytes: Size of its cells, each with one delimiter, without quotes.
        parquet_bytes: Size of its pages in Parquet; see `Inspection.parquet_share`.
        duplicate_of: Name of an earlier column with the same text in every row.
        unit: Its text in the row behind the header.
        declared: In a described dataset, its declared type or "dropped".
        warnings: What the user should check before relying on the type.
    """

    header: str | None
    name: str
    type: str
    formats: tuple[str, ...] = ()
    zone: str | None = None
    nulls: tuple[str, ...] = ("",)
    null_rows: int = 0
    distinct: int = 0
    is_distinct_exact: bool = True
    minimum: str | None = None
    maximum: str | None = None
    csv_bytes: int = 0
    parquet_bytes: int = 0
    is_constant: bool = False
    is_empty: bool = False
    duplicate_of: str | None = None
    declared: str | None = None
    names: tuple[str, ...] = ()
    optional: bool = False
    unit: str | None = None
    marks: NumberMarks = PLAIN
    precision: Literal["ms", "us", "ns"] = "us"
    exact: str | None = None
    warnings: tuple[str, ...] = ()


def column_names(headers: Sequence[str], types: Sequence[str]) -> list[str]:
    """Names for the Parquet columns: the headers, but changed if one is empty, not printable or not unique."""
    taken: set[str] = set()
    names = []
    for number, (header, type_) in enumerate(zip(headers, types, strict=True), 1):
        first = re.sub(r"#[0-9]+$", "", header)
        # In `X#2` the number is not part of the name if another column is called X.
        text = first + re.sub(r"#([0-9]+)$", r"_\1", header)[len(first) :] if first in headers else header
        text = "" if re.fullmatch(r"_[0-9]+", text) and not first else text
        if not text.isprintable():
            text = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())
        base = text.strip() or f"column_{number}"
        name, count = base, 2
        while not taken.isdisjoint(_stored_names(name, type_)) or (name != base and name in headers):
            name, count = f"{base}_{count}", count + 1
        taken.update(_stored_names(name, type_))
        names.append(name)
    return names


def _stored_names(name: str, type_: str) -> Sequence[str]:
    return stored_names(ColumnSpec(name=name, header=name, type=type_))


def column_spec(history: ColumnHistory, name: str, found: Conclusion) -> ColumnSpec:
    return ColumnSpec(
        name=name,
        header=history.names[0],
        names=history.names[1:],
        optional=history.is_optional,
        type=found.type,
        formats=found.formats,
        zone=found.zone,
        nulls=found.nulls,
        marks=found.marks,
        precision=found.precision,
        exact=found.exact,
    )


def column_inspection(
    spec: ColumnSpec, found: Conclusion, profile: Profile, place: int, names: Sequence[str], parquet_bytes: int
) -> ColumnInspection:
    evidence = profile.evidence[place]
    absent_rows = profile.rows - evidence.rows
    null_rows = absent_rows + sum(evidence.nulls.get(text, 0) for text in spec.nulls)
    is_empty = evidence.nulls.get("", 0) == evidence.rows
    is_constant = not is_empty and evidence.rows > 1 and evidence.is_counted and len(evidence.seen) == 1
    twin = profile.twins[place]
    return ColumnInspection(
        header=spec.header,
        names=spec.names,
        optional=spec.optional,
        name=spec.name,
        type=spec.type,
        formats=spec.formats,
        zone=spec.zone,
        nulls=spec.nulls,
        marks=spec.marks,
        precision=spec.precision,
        exact=str(spec.exact) if spec.exact else None,
        null_rows=null_rows,
        distinct=_distinct(evidence, spec.nulls),
        is_distinct_exact=evidence.is_counted,
        minimum=found.minimum,
        maximum=found.maximum,
        csv_bytes=evidence.text_bytes + evidence.rows,
        parquet_bytes=parquet_bytes,
        is_constant=is_constant,
        is_empty=is_empty,
        duplicate_of=names[twin] if twin != place and not is_empty and not is_constant else None,
        warnings=found.warnings,
    )


def _distinct(evidence: ColumnEvidence, nulls: Sequence[str]) -> int:
    return len(evidence.seen) - sum(1 for text in nulls if evidence.nulls.get(text))


def days_of(column: ColumnSpec, texts: pa.StringArray) -> list[int]:
    """The distinct days of a column of dates or timestamps, as numbers of `datetime.date.toordinal`."""
    moments = convert(column, texts).arrays[0]
    days = pc.unique(moments.cast(pa.date32(), safe=False).drop_null())
    return sorted(day.toordinal() for day in days.to_pylist())

"""What an inspection says of one column, and what to call it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_convert.inspection.conclusions import Conclusion
from data_convert.inspection.inference import ColumnEvidence
from data_convert.inspection.profile import Profile
from data_convert.spec import ColumnSpec
from data_convert.spec_file import stored_names


@dataclass(frozen=True, kw_only=True)
class ColumnInspection:
    """One column.

    Attributes:
        header: Its name in the header; None where the files have none.
        name: What to call it in the Parquet file.
        type: One of spec.TYPES, with `formats`, `zone` and `nulls` as in a column's declaration.
        null_rows: Rows without a value.
        distinct: Distinct values, without nulls; if not `is_distinct_exact`, there are more.
        minimum: Smallest value as text; of texts the first in the order of their characters.
        csv_bytes: Its cells and the delimiter behind each, without quotes.
        parquet_bytes: Its pages as they would be written; see `Inspection.parquet_share`.
        duplicate_of: Name of an earlier column with the same text in every row.
        declared: In a described dataset its declared type, or "dropped".
        warnings: What to look at before the type is relied on.
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
    warnings: tuple[str, ...] = ()


def column_names(headers: Sequence[str], types: Sequence[str]) -> list[str]:
    """Names for the Parquet columns: the headers, save where one is empty, has line ends, or would come twice."""
    taken: set[str] = set()
    names = []
    for number, (header, type_) in enumerate(zip(headers, types, strict=True), 1):
        said = "" if re.fullmatch(r"#[0-9]+", header) else re.sub(r"#([0-9]+)$", r"_\1", header)
        if not said.isprintable():
            said = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", said).split())
        base = said.strip() or f"column_{number}"
        name, count = base, 2
        while not taken.isdisjoint(_stored_names(name, type_)) or (name != base and name in headers):
            name, count = f"{base}_{count}", count + 1
        taken.update(_stored_names(name, type_))
        names.append(name)
    return names


def _stored_names(name: str, type_: str) -> Sequence[str]:
    return stored_names(ColumnSpec(name=name, header=name, type=type_))


def column_spec(header: str, name: str, found: Conclusion) -> ColumnSpec:
    return ColumnSpec(
        name=name, header=header, type=found.type, formats=found.formats, zone=found.zone, nulls=found.nulls
    )


def column_inspection(
    spec: ColumnSpec, found: Conclusion, profile: Profile, place: int, names: Sequence[str], parquet_bytes: int
) -> ColumnInspection:
    evidence = profile.evidence[place]
    null_rows = sum(evidence.nulls.get(text, 0) for text in spec.nulls)
    is_empty = evidence.nulls.get("", 0) == evidence.rows
    is_constant = not is_empty and evidence.rows > 1 and evidence.is_counted and len(evidence.seen) == 1
    twin = profile.twins[place]
    return ColumnInspection(
        header=spec.header,
        name=spec.name,
        type=spec.type,
        formats=spec.formats,
        zone=spec.zone,
        nulls=spec.nulls,
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

"""What a dataset is: its files, dialect, columns, types, order and parts, as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

INTEGER_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}

TYPES: Final = (*INTEGER_RANGES, "float64", "flagged_number", "string", "bool", "date", "timestamp")
"""Type names that a column may declare; data/README.md says what each accepts and becomes."""

FLAG_SUFFIX: Final = "_flag"
"""A flagged_number column NAME is stored as NAME (float64) and NAME_flag (string)."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How rows and cells are written in the raw text.

    Attributes:
        header: Whether the first row names the columns.
        delimiter: One character.
        quote: One character, doubled inside a quoted cell; None where nothing is quoted.
        encoding: A Python codec name. A UTF-8 BOM is skipped under "utf-8".
        skip_lines: Physical lines before the header (or the first row) that belong to no row.
    """

    header: bool = True
    delimiter: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8"
    skip_lines: int = 0


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """One kept column.

    Attributes:
        name: Its name in the Parquet file.
        header: Its name in the header; `X#2` is the second column called X.
        type: One of TYPES.
        formats: For date and timestamp: strptime formats, tried in order.
        zone: For timestamp: the zone whose wall clock the text shows. "UTC" makes an instant; any other
            zone stays wall-clock time (a fall-back hour is ambiguous); the footer names it.
        nulls: Texts that mean "no value".
        optional: Whether a header may lack it; it is then null throughout.
        unit: Unit of the values, for people.
        about: What it is, for people.
    """

    name: str
    header: str
    type: str
    formats: tuple[str, ...] = ()
    zone: str | None = None
    nulls: tuple[str, ...] = ("",)
    optional: bool = False
    unit: str | None = field(default=None, compare=False)
    about: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class DroppedColumns:
    """Raw columns that are not kept, and why."""

    headers: tuple[str, ...]
    why: str
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """One table of data/datasets.toml.

    Attributes:
        source: Folder of the raw files, relative to datasets.toml.
        files: Glob below it.
        output: Folder of the Parquet parts, relative to datasets.toml.
        layout: Kept and dropped columns in the order of the raw file (which matters where there is no header).
        sort: Kept columns by which the rows of each row group are ordered; ties keep the raw order.
        parts: Part name with {groups} of `pattern`; None makes one part per input file.
        pattern: Regular expression with named groups, searched in the input's file name.
        on_reject: What happens to a row that does not fit: "error" stops the part, "keep" files the row.
        zstd_level: Compression level, 1 to 22.
    """

    name: str
    source: str
    output: str
    layout: tuple[ColumnSpec | DroppedColumns, ...]
    files: str = "**/*"
    dialect: Dialect = Dialect()
    sort: tuple[str, ...] = ()
    parts: str | None = None
    pattern: str | None = None
    on_reject: Literal["error", "keep"] = "error"
    zstd_level: int = 9
    title: str | None = field(default=None, compare=False)

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The kept columns, in order."""
        return tuple(entry for entry in self.layout if isinstance(entry, ColumnSpec))

    @property
    def raw_headers(self) -> tuple[str, ...]:
        """Every declared raw column, kept or dropped, in order."""
        headers: list[str] = []
        for entry in self.layout:
            headers += [entry.header] if isinstance(entry, ColumnSpec) else entry.headers
        return tuple(headers)

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides which bytes a part gets; prose and paths do not."""
        text = json.dumps(_deciding_facts(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _deciding_facts(spec: DatasetSpec) -> dict[str, Any]:
    dialect = spec.dialect
    return {
        "dialect": [dialect.header, dialect.delimiter, dialect.quote, dialect.encoding, dialect.skip_lines],
        "layout": [
            [e.name, e.header, e.type, e.formats, e.zone, e.nulls, e.optional]
            if isinstance(e, ColumnSpec)
            else [e.headers, e.optional]
            for e in spec.layout
        ],
        "sort": spec.sort,
        "parts": spec.parts,
        "pattern": spec.pattern,
        "on_reject": spec.on_reject,
        "zstd_level": spec.zstd_level,
    }

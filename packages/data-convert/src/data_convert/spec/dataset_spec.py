"""What a dataset is: its files, dialect, columns, types, order and parts, as values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

INTEGER_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}

TYPES: Final = (*INTEGER_RANGES, "float64", "flagged_number", "string", "bool", "date", "timestamp")
"""Type names that a column may declare, next to `decimal(p, s)`; data/README.md has what each accepts and becomes."""

NUMBER_TYPES: Final = (*INTEGER_RANGES, "float64", "flagged_number")
"""Types of numbers, next to `decimal(p, s)`."""

DECIMAL_LIMIT: Final = 38
"""Largest precision of a decimal."""

EXACT_DIGITS: Final = 15
"""Most digits of `exact`: each decimal of so many digits has a float64 of its own, which is nearest to it."""

_DECIMAL_TYPE: Final = re.compile(r"decimal\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)")

HIDDEN: Final = "\0"
"""Starts the header of a column that no raw file has, see `spec.drift`."""

FLAG_SUFFIX: Final = "_flag"
"""A flagged_number column NAME is stored as NAME (float64) and NAME_flag (string)."""


@dataclass(frozen=True, kw_only=True)
class DecimalShape:
    """Digits of a decimal type.

    Attributes:
        precision: Most digits of a value, 1 to DECIMAL_LIMIT.
        scale: How many of them stand behind the point.
    """

    precision: int
    scale: int

    def __str__(self) -> str:
        """The type, as a column declares it."""
        return f"decimal({self.precision}, {self.scale})"


def decimal_shape(text: str) -> DecimalShape | None:
    """The shape that `decimal(p, s)` declares; None if the text is not such a type."""
    match = _DECIMAL_TYPE.fullmatch(text)
    if match is None:
        return None
    precision, scale = int(match[1]), int(match[2])
    is_valid = 1 <= precision <= DECIMAL_LIMIT and scale <= precision
    return DecimalShape(precision=precision, scale=scale) if is_valid else None


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How rows and cells are written in the raw text. data/README.md defines each key.

    Attributes:
        header: Whether the first row has the names of the columns.
        delimiter: One or more characters.
        quote: One character, doubled inside a quoted cell; None if no cell is quoted.
        escape: One character that makes the next one literal; None if there is none.
        encoding: A Python codec name. A UTF-8 byte order mark is skipped under "utf-8".
        skip_blanks: Whether spaces behind a delimiter, and at the start of a record, are not part of a cell.
        comment: A record that starts with this text is not a row; None if there are no comments.
        skip_lines: Physical lines to skip before the header (or the first row).
        skip_to: What to skip to instead of a number of lines: the record that has the declared columns ("header"), or
            the first row that fits ("row"). In the file these are `skip_lines = "to-header"` and `"to-row"`.
        rows_after_header: Records behind the header that are not rows, such as units.
        skip_repeated_header: Whether a later record that equals the header is not a row.
        ragged: What happens to rows of another length: they are rejects ("reject"), or surplus cells at the end are
            left out if they are empty ("trim"), or rows with too few cells are also filled with empty ones ("pad").
    """

    header: bool = True
    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    skip_blanks: bool = False
    comment: str | None = None
    skip_lines: int = 0
    skip_to: Literal["header", "row"] | None = None
    rows_after_header: int = 0
    skip_repeated_header: bool = False
    ragged: Literal["reject", "trim", "pad"] = "reject"


@dataclass(frozen=True, kw_only=True)
class NumberMarks:
    """How the numbers of a column are written.

    Attributes:
        decimal: The character before the fraction.
        group: The character between groups of three digits; None if there is none.
        prefix: Text before each number, such as "$".
        suffix: Text behind each number, such as "%".
        minus: How numbers below zero are marked: by "-", by U+2212 or "-", or by parentheses ("()") or "-".
    """

    decimal: str = "."
    group: str | None = None
    prefix: str = ""
    suffix: str = ""
    minus: Literal["-", "\u2212", "()"] = "-"


@dataclass(frozen=True, kw_only=True)
class Expectations:
    """What the values of a column should be. A null meets every expectation but `not_null`.

    Attributes:
        minimum: Smallest value; for dates and timestamps a text in the first of the column's formats.
        maximum: Largest value.
        unique: Whether no value may occur twice in a part.
        not_null: Whether each row must have a value.
        one_of: All possible values; None allows any.
    """

    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    unique: bool = False
    not_null: bool = False
    one_of: tuple[int | float | str | bool, ...] | None = None


DriftAction = Literal["error", "add", "ignore"]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What happens to a file that differs from the description; data/README.md defines each action."""

    new_column: DriftAction = "error"
    missing_column: DriftAction = "error"
    changed_type: DriftAction = "error"


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """One kept column.

    Attributes:
        name: Its name in the Parquet file.
        header: Its name in the header; `X#2` is the second column called X.
        names: Other names that it has in the headers of some files.
        type: One of TYPES, or `decimal(p, s)`.
        formats: For date and timestamp: strptime formats, tried in order.
        zone: For timestamp: the zone whose wall clock the text shows. "UTC" makes an instant; any other
            zone stays wall-clock time (a fall-back hour is ambiguous); the footer names it.
        abbreviations: For timestamp: the UTC offset of each zone abbreviation that `%Z` may meet, as (name, offset).
        precision: For timestamp: the unit in which it is stored.
        nulls: Texts that mean "no value".
        optional: Whether it may be missing from a header; all its values are then null.
        marks: How its numbers are written.
        non_finite: For float64: whether inf and nan are values.
        rounded: For float64: whether a number with more digits than a float64 holds is rounded to the nearest one.
        exact: Of a column that is declared float64: the decimal that it becomes if the dataset's `decimals` is "exact".
            Its type is then this decimal.
        expectations: What its values should be.
        unit: Unit of the values; documentation only.
        about: What it is; documentation only.
    """

    name: str
    header: str
    type: str
    names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    zone: str | None = None
    abbreviations: tuple[tuple[str, str], ...] = ()
    precision: Literal["ms", "us", "ns"] = "us"
    nulls: tuple[str, ...] = ("",)
    optional: bool = False
    marks: NumberMarks = NumberMarks()
    non_finite: bool = False
    rounded: bool = False
    exact: DecimalShape | None = None
    expectations: Expectations = Expectations()
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
    """One table of `data/datasets.toml`.

    Attributes:
        source: Folder of the raw files, relative to the folder `data`.
        files: Glob below it.
        output: Folder of the Parquet parts, relative to the folder `data`.
        layout: Kept and dropped columns in the order of the raw file, which matters if it has no header.
        sort: Kept columns by which the rows of each row group are sorted; equal rows keep the raw order.
        parts: Name of a part with {groups} of `pattern`; None makes one part per raw file.
        pattern: Regular expression with named groups, searched in the name of a raw file.
        on_reject: What happens to a row that does not fit: "error" fails the part, "keep" writes the row to the
            rejects file of the part.
        max_rejects: Share of a part's rows; with on_reject = "keep", more rejects fail the part.
        drift: What happens to files that differ from the description.
        rows_per_part: Smallest and largest expected number of rows of a part; None expects any.
        effort: How much time is spent on making the files small.
        zstd_level: Compression level, 1 to 22; None leaves it to the effort.
        decimals: Whether float64 columns that declare `exact` are stored as decimals.
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
    max_rejects: float = 0.05
    drift: Drift = Drift()
    rows_per_part: tuple[int, int] | None = None
    effort: Literal["fast", "balanced", "max"] = "balanced"
    zstd_level: int | None = None
    decimals: Literal["float64", "exact"] = "float64"
    title: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Give the columns that declare `exact` the type in which `decimals` stores them."""
        object.__setattr__(self, "layout", tuple(_with_decimals(entry, self.decimals) for entry in self.layout))

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
        return tuple(header for header in headers if not header.startswith(HIDDEN))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of every setting that changes the bytes of a part; titles, units, paths and `max_rejects` do not."""
        text = json.dumps(_deciding_facts(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _with_decimals(entry: ColumnSpec | DroppedColumns, decimals: str) -> ColumnSpec | DroppedColumns:
    if not isinstance(entry, ColumnSpec) or entry.exact is None:
        return entry
    return replace(entry, type=str(entry.exact) if decimals == "exact" else "float64")


def _deciding_facts(spec: DatasetSpec) -> dict[str, Any]:
    facts = _without(asdict(spec), "name", "source", "output", "files", "title", "layout", "max_rejects")
    return {**facts, "layout": [_without(asdict(entry), "unit", "about", "why") for entry in spec.layout]}


def _without(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}

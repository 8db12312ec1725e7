"""Parses one kept column of a dataset, and checks that its keys agree with its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from data_convert.spec.dataset_spec import (
    EXACT_DIGITS,
    NUMBER_TYPES,
    ColumnSpec,
    Dialect,
    NumberMarks,
    decimal_shape,
)
from data_convert.spec.expectation_keys import expectations_of
from data_convert.spec.key_checks import MistakeList

_MARK_KEYS: Final = ("decimal_mark", "group_mark", "prefix", "suffix")

_KEYS_OF_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "formats": ("date", "timestamp"),
    "zone": ("timestamp",),
    "precision": ("timestamp",),
    "non_finite": ("float64",),
    "rounded": ("float64",),
    "exact": ("float64",),
    **dict.fromkeys(_MARK_KEYS, (*NUMBER_TYPES, "decimal(p, s)")),
}


def parsed_column(
    at: str, entry: Mapping[str, Any], dataset: Mapping[str, Any], dialect: Dialect, mistakes: MistakeList
) -> ColumnSpec:
    """The column that `entry` declares, with the defaults of its dataset; mistakes are added to the list.

    Args:
        at: Path of the entry in the file, for the mistakes.
    """
    kind = entry["type"]
    family = "decimal(p, s)" if decimal_shape(kind) else kind
    for key, types in _KEYS_OF_TYPES.items():
        if key in entry and family not in types:
            mistakes.add(f"{at}.{key}", f"is for {_listed(types)} only, not for {kind}")
    if not dialect.header and {"header", "names", "optional"} & entry.keys():
        mistakes.add(at, "`header`, `names` and `optional` make no sense where the raw file has no header")
    shape = decimal_shape(entry.get("exact", ""))
    if shape is not None and shape.precision > EXACT_DIGITS:
        mistakes.add(f"{at}.exact", f"must have at most {EXACT_DIGITS} digits: a float64 keeps so many")
    if "exact" in entry and ("non_finite" in entry or "rounded" in entry):
        mistakes.add(f"{at}.exact", "and `non_finite` or `rounded` exclude each other: a decimal holds neither")
    header = entry.get("header", entry["name"])
    is_timestamp = kind == "timestamp"
    zone = entry.get("zone", dataset.get("zone")) if is_timestamp else None
    abbreviations = dataset.get("zone_abbreviations", {}) if is_timestamp else {}
    formats = _formats(at, kind, entry, dataset, mistakes)
    _check_zones(at, formats, zone, abbreviations, mistakes)
    return ColumnSpec(
        name=entry["name"],
        header=header,
        names=tuple(name for name in entry.get("names", ()) if name != header),
        type=kind,
        formats=formats,
        zone=zone,
        abbreviations=tuple(sorted(abbreviations.items())),
        precision=entry.get("precision", "us"),
        nulls=tuple(entry.get("nulls", dataset.get("nulls", [""]))),
        optional=entry.get("optional", False),
        marks=_marks(at, family, entry, dataset, mistakes),
        non_finite=entry.get("non_finite", False),
        rounded=entry.get("rounded", False),
        exact=shape,
        expectations=expectations_of(at, family, entry, formats, mistakes),
        unit=entry.get("unit"),
        about=entry.get("about"),
    )


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _formats(
    at: str, kind: str, entry: Mapping[str, Any], dataset: Mapping[str, Any], mistakes: MistakeList
) -> tuple[str, ...]:
    formats = entry.get("formats", dataset.get("timestamp_formats", []) if kind == "timestamp" else [])
    if kind in ("timestamp", "date") and not formats:
        mistakes.add(at, f"a {kind} needs `formats`, such as ['%Y-%m-%d'] (strptime's letters)")
    return tuple(formats)


def _check_zones(
    at: str, formats: tuple[str, ...], zone: str | None, abbreviations: Mapping[str, str], mistakes: MistakeList
) -> None:
    if any("%z" in text for text in formats) and zone != "UTC":
        mistakes.add(at, "a format with %z names an instant: it needs zone = 'UTC'")
    if any("%Z" in text for text in formats):
        # strptime knows the abbreviations of the machine's own zone only, and then drops them.
        if not abbreviations:
            mistakes.add(
                at,
                "a format with %Z needs the dataset's `zone_abbreviations`, such as"
                " { CET = '+01:00', CEST = '+02:00' }, because an abbreviation has no fixed meaning",
            )
        elif zone != "UTC":
            mistakes.add(at, "a format with %Z names an instant: it needs zone = 'UTC'")


def _marks(
    at: str, family: str, entry: Mapping[str, Any], dataset: Mapping[str, Any], mistakes: MistakeList
) -> NumberMarks:
    if family not in (*NUMBER_TYPES, "decimal(p, s)"):
        return NumberMarks()
    marks = NumberMarks(
        decimal=entry.get("decimal_mark", dataset.get("decimal_mark", ".")),
        group=entry.get("group_mark", dataset.get("group_mark")),
        prefix=entry.get("prefix", "").strip(),
        suffix=entry.get("suffix", "").strip(),
        minus=entry.get("minus", "-"),
    )
    if marks.decimal == marks.group:
        mistakes.add(at, f"`decimal_mark` and `group_mark` are both {marks.decimal!r}")
    return marks

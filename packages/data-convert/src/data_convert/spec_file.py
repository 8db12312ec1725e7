"""Reads and checks datasets.toml as a whole: every mistake is told at once, with its key path."""

from __future__ import annotations

import codecs
import re
import string
import tomllib
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from data_convert.errors import DataConvertError, Mistake, SpecErrors, UnknownDatasetError, nearest
from data_convert.spec import (
    FLAG_SUFFIX,
    TYPES,
    ColumnSpec,
    DatasetSpec,
    Dialect,
    DroppedColumns,
)

Check = Callable[[Any], str | None]
"""Says what is wrong with a value, or None."""


def _is(kind: type, noun: str) -> Check:
    return lambda value: None if type(value) is kind else f"must be {noun}, not {value!r}"


def _strings(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return None
    return f"must be a list of strings, not {value!r}"


def _character(value: Any) -> str | None:
    if isinstance(value, str) and len(value) == 1 and value.isascii() and value not in "\r\n\0":
        return None
    return f"must be one ASCII character, not {value!r}"


def _quote(value: Any) -> str | None:
    return None if value == "" else _character(value)


def _count(value: Any) -> str | None:
    return None if type(value) is int and value >= 0 else f"must be 0 or more, not {value!r}"


def _level(value: Any) -> str | None:
    return None if type(value) is int and 1 <= value <= 22 else f"must be 1 to 22, not {value!r}"


def _encoding(value: Any) -> str | None:
    try:
        codecs.lookup(value)
    except (LookupError, TypeError):
        return f"must be an encoding that Python knows, such as 'utf-8' or 'cp1252', not {value!r}"
    return None


def _zone(value: Any) -> str | None:
    known = zoneinfo.available_timezones()
    if isinstance(value, str) and (value in known or not known or value == "UTC"):
        return None
    return f"must be a time zone name{nearest(str(value), known)}, not {value!r}"


def _relative_path(value: Any) -> str | None:
    path = PurePosixPath(value) if isinstance(value, str) and value and "\\" not in value else PurePosixPath("/")
    if not path.is_absolute() and ".." not in path.parts:
        return None
    return f"must be a path below the folder of this file, with forward slashes, not {value!r}"


def _one_of(*choices: str) -> Check:
    def check(value: Any) -> str | None:
        if value in choices:
            return None
        return f"must be one of {', '.join(choices)}, not {value!r}{nearest(str(value), choices)}"

    return check


def _regex(value: Any) -> str | None:
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        return f"is not a regular expression: {error}"
    return None


_DATASET_KEYS: Final[Mapping[str, Check]] = {
    "title": _is(str, "a string"),
    "source": _relative_path,
    "files": _is(str, "a glob"),
    "output": _relative_path,
    "dialect": _is(dict, "a table"),
    "nulls": _strings,
    "timestamp_formats": _strings,
    "zone": _zone,
    "columns": _is(list, "a list of tables"),
    "sort": _strings,
    "parts": _is(str, "a string such as '{year}'"),
    "pattern": _regex,
    "on_reject": _one_of("error", "keep"),
    "zstd_level": _level,
}
_DIALECT_KEYS: Final[Mapping[str, Check]] = {
    "header": _is(bool, "true or false"),
    "delimiter": _character,
    "quote": _quote,
    "encoding": _encoding,
    "skip_lines": _count,
}
_COLUMN_KEYS: Final[Mapping[str, Check]] = {
    "name": _is(str, "a string"),
    "type": _one_of(*TYPES),
    "header": _is(str, "a string"),
    "formats": _strings,
    "zone": _zone,
    "nulls": _strings,
    "optional": _is(bool, "true or false"),
    "unit": _is(str, "a string"),
    "about": _is(str, "a string"),
}
_DROP_KEYS: Final[Mapping[str, Check]] = {
    "drop": _strings,
    "why": _is(str, "a string"),
    "optional": _is(bool, "true or false"),
}


@dataclass
class _Notes:
    """The mistakes found so far."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, key: str, says: str) -> None:
        self.mistakes.append(Mistake(key=key, says=says))

    def checked(
        self, key: str, table: Mapping[str, Any], checks: Mapping[str, Check], required: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The entries of `table` that pass; what does not is noted."""
        good = {}
        for name, value in table.items():
            if name not in checks:
                self.add(f"{key}.{name}", f"unknown key{nearest(name, checks)} (keys: {', '.join(checks)})")
            elif (says := checks[name](value)) is not None:
                self.add(f"{key}.{name}", says)
            else:
                good[name] = value
        for name in required:
            if name not in table:
                self.add(key, f"lacks {name!r}")
        return good


def load_specs(path: Path) -> dict[str, DatasetSpec]:
    """All datasets of `path`, by name, in its order.

    Raises:
        DataConvertError: There is no such file.
        SpecErrors: It is not TOML, or anything in it is wrong.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise DataConvertError(
            f"there is no {path}. It describes the datasets; `invoke data.inspect FOLDER --write NAME` starts one."
        ) from None
    except UnicodeDecodeError as error:
        raise SpecErrors(path, [Mistake(key="(file)", says=f"is not UTF-8: {error}")]) from None
    try:
        return parse_specs(tomllib.loads(text), path=path)
    except tomllib.TOMLDecodeError as error:
        raise SpecErrors(path, [Mistake(key="(file)", says=f"is not TOML: {error}")]) from None


def parse_specs(data: Mapping[str, Any], *, path: Path | str = "datasets.toml") -> dict[str, DatasetSpec]:
    """All datasets of the parsed file, by name.

    Raises:
        SpecErrors: Anything is wrong; all of it is told.
    """
    notes = _Notes()
    tables = notes.checked("(top)", data, {"datasets": _is(dict, "a table of tables")}, ["datasets"])
    specs = {}
    for name, table in tables.get("datasets", {}).items():
        key = f"datasets.{name}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            notes.add(key, "a dataset's name has lower-case letters, digits, '-' and '_' only")
        elif not isinstance(table, dict):
            notes.add(key, "must be a table")
        elif (spec := _dataset(name, table, notes)) is not None:
            specs[name] = spec
    _note_shared_folders(specs, notes)
    if notes.mistakes:
        raise SpecErrors(path, notes.mistakes)
    return specs


def chosen(specs: Mapping[str, DatasetSpec], names: Sequence[str]) -> list[DatasetSpec]:
    """The named datasets, or all where none is named.

    Raises:
        UnknownDatasetError: A name is not in `specs`.
    """
    for name in names:
        if name not in specs:
            raise UnknownDatasetError(name, specs)
    return [specs[name] for name in dict.fromkeys(names or specs)]


def _dataset(name: str, table: Mapping[str, Any], notes: _Notes) -> DatasetSpec | None:
    key = f"datasets.{name}"
    before = len(notes.mistakes)
    good = notes.checked(key, table, _DATASET_KEYS, ["source", "output", "columns"])
    dialect = _dialect(key, good.get("dialect", {}), notes)
    layout = tuple(_layout(key, good, dialect, notes))
    _note_names(key, layout, dialect, notes)
    _note_sort(key, good.get("sort", []), layout, notes)
    _note_parts(key, good, notes)
    if len(notes.mistakes) > before:
        return None
    plain = {
        k: good[k]
        for k in ("source", "files", "output", "parts", "pattern", "on_reject", "zstd_level", "title")
        if k in good
    }
    return DatasetSpec(name=name, dialect=dialect, layout=layout, sort=tuple(good.get("sort", ())), **plain)


def _dialect(key: str, table: Mapping[str, Any], notes: _Notes) -> Dialect:
    good = notes.checked(f"{key}.dialect", table, _DIALECT_KEYS)
    if "quote" in good:
        good["quote"] = good["quote"] or None
    dialect = Dialect(**good)
    if dialect.quote == dialect.delimiter:
        notes.add(f"{key}.dialect.quote", f"is also the delimiter: {dialect.quote!r}")
    return dialect


def _layout(
    key: str, dataset: Mapping[str, Any], dialect: Dialect, notes: _Notes
) -> Iterator[ColumnSpec | DroppedColumns]:
    for index, entry in enumerate(dataset.get("columns", [])):
        at = f"{key}.columns[{index}]"
        if not isinstance(entry, dict):
            notes.add(at, f"must be a table, not {entry!r}")
        elif "drop" in entry:
            good = notes.checked(at, entry, _DROP_KEYS, ["why"])
            yield DroppedColumns(
                headers=tuple(good.get("drop", ())),
                why=good.get("why", ""),
                optional=good.get("optional", False),
            )
        else:
            good = notes.checked(at, entry, _COLUMN_KEYS, ["name", "type"])
            if {"name", "type"} <= good.keys():
                yield _column(at, good, dataset, dialect, notes)


def _column(
    at: str, entry: Mapping[str, Any], dataset: Mapping[str, Any], dialect: Dialect, notes: _Notes
) -> ColumnSpec:
    kind = entry["type"]
    timed = kind in ("timestamp", "date")
    formats = entry.get("formats", dataset.get("timestamp_formats", []) if kind == "timestamp" else [])
    if timed and not formats:
        notes.add(at, f"a {kind} needs `formats`, such as ['%Y-%m-%d'] (strptime's letters)")
    if not timed and "formats" in entry:
        notes.add(f"{at}.formats", f"is for date and timestamp only, not for {kind}")
    if kind != "timestamp" and "zone" in entry:
        notes.add(f"{at}.zone", f"is for timestamp only, not for {kind}")
    if not dialect.header and ("header" in entry or "optional" in entry):
        notes.add(at, "`header` and `optional` make no sense where the raw file has no header")
    zone = entry.get("zone", dataset.get("zone")) if kind == "timestamp" else None
    if any("%z" in text for text in formats) and zone != "UTC":
        notes.add(at, "a format with %z names an instant: it needs zone = 'UTC'")
    return ColumnSpec(
        name=entry["name"],
        header=entry.get("header", entry["name"]),
        type=kind,
        formats=tuple(formats),
        zone=zone,
        nulls=tuple(entry.get("nulls", dataset.get("nulls", [""]))),
        optional=entry.get("optional", False),
        unit=entry.get("unit"),
        about=entry.get("about"),
    )


def stored_names(column: ColumnSpec) -> tuple[str, ...]:
    """Names of the Parquet columns that a kept column becomes."""
    flag = (column.name + FLAG_SUFFIX,) if column.type == "flagged_number" else ()
    return (column.name, *flag)


def _note_names(key: str, layout: Sequence[ColumnSpec | DroppedColumns], dialect: Dialect, notes: _Notes) -> None:
    kept = [entry for entry in layout if isinstance(entry, ColumnSpec)]
    headers = [h for e in layout for h in ([e.header] if isinstance(e, ColumnSpec) else e.headers)]
    for name, count in Counter(n for column in kept for n in stored_names(column)).items():
        if count > 1:
            notes.add(f"{key}.columns", f"{count} columns would be called {name!r} in the Parquet file")
    for header, count in Counter(headers).items():
        if count > 1:
            hint = f" (the second column of that name is {header + '#2'!r})" if dialect.header else ""
            notes.add(f"{key}.columns", f"{header!r} is declared {count} times{hint}")
    if not kept:
        notes.add(f"{key}.columns", "keeps no column")


def _note_sort(key: str, sort: Sequence[str], layout: Sequence[Any], notes: _Notes) -> None:
    names = [entry.name for entry in layout if isinstance(entry, ColumnSpec)]
    for index, name in enumerate(sort):
        if name not in names:
            notes.add(f"{key}.sort[{index}]", f"no kept column is called {name!r}{nearest(name, names)}")


def _note_parts(key: str, good: Mapping[str, Any], notes: _Notes) -> None:
    if "parts" not in good:
        return
    if "pattern" not in good:
        notes.add(f"{key}.parts", "needs `pattern`, whose named groups it is made of")
        return
    groups = list(re.compile(good["pattern"]).groupindex)
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(good["parts"]) if name is not None]
    except ValueError as error:
        notes.add(f"{key}.parts", f"is not a template: {error}")
        return
    for name in used:
        if name not in groups:
            notes.add(
                f"{key}.parts",
                f"`pattern` has no group {name!r}{nearest(name, groups)} (groups: {', '.join(groups) or 'none'})",
            )
    if not used:
        notes.add(f"{key}.parts", "names no group of `pattern`, so all files would become one part")


def _note_shared_folders(specs: Mapping[str, DatasetSpec], notes: _Notes) -> None:
    folders = [(PurePosixPath(spec.output), name) for name, spec in specs.items()]
    for index, (folder, name) in enumerate(folders):
        for other, owner in folders[:index]:
            if folder == other or folder in other.parents or other in folder.parents:
                notes.add(f"datasets.{name}.output", f"{folder} overlaps the output of {owner}, {other}")
        source = PurePosixPath(specs[name].source)
        if folder == source or source in folder.parents or folder in source.parents:
            notes.add(f"datasets.{name}.output", f"{folder} overlaps the dataset's own source, {source}")

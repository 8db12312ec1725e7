"""Reads and checks datasets.toml and reports every mistake in it at once, each with its key path."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from data_convert.errors import DataConvertError, SpecErrors, nearest_hint
from data_convert.spec.column_keys import parsed_column
from data_convert.spec.dataset_spec import FLAG_SUFFIX, ColumnSpec, DatasetSpec, Dialect, Drift, DroppedColumns
from data_convert.spec.dialect_keys import parsed_dialect
from data_convert.spec.drift import text_column
from data_convert.spec.key_checks import COLUMN_KEYS, DATASET_KEYS, DRIFT_KEYS, DROP_KEYS, MistakeList, is_a
from dataset_spec import DATASETS_FILE, read_document
from s3_access import is_s3_url
from terminal import unknown_name_text


def load_specs(path: Path) -> dict[str, DatasetSpec]:
    """All datasets of the file at `path`, by name, in the order of the file.

    Raises:
        DataConvertError: The file does not exist.
        DatasetSpecError: It cannot be read or is not TOML.
        SpecErrors: Anything in it is wrong.
    """
    document = read_document(path)
    if document is None:
        raise DataConvertError(
            f"{path} does not exist. It describes the datasets; `invoke data.inspect FOLDER --write NAME` creates it."
        )
    return parse_specs(document, path=path)


def parse_specs(data: Mapping[str, Any], *, path: Path | str = "datasets.toml") -> dict[str, DatasetSpec]:
    """All datasets of the parsed file, by name.

    Raises:
        SpecErrors: Anything is wrong; the error has every mistake.
    """
    mistakes = MistakeList()
    tables = mistakes.checked("(top)", data, {"datasets": is_a(dict, "a table of tables")}, ["datasets"])
    specs = {}
    for name, table in tables.get("datasets", {}).items():
        key = f"datasets.{name}"
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            mistakes.add(key, "a dataset's name has lower-case letters, digits, '-' and '_' only")
        elif not isinstance(table, dict):
            mistakes.add(key, "must be a table")
        elif (spec := _dataset(name, table, mistakes)) is not None:
            specs[name] = spec
    _check_shared_folders(specs, mistakes)
    if mistakes.mistakes:
        raise SpecErrors(path, mistakes.mistakes)
    return specs


def select_specs(specs: Mapping[str, DatasetSpec], names: Sequence[str] | None) -> list[DatasetSpec]:
    """The named datasets, each once; all of them if none is named.

    Raises:
        DataConvertError: A name is not in `specs`.
    """
    for name in names or ():
        if name not in specs:
            raise DataConvertError(f"{DATASETS_FILE}: {unknown_name_text('dataset', name, specs)}")
    return [specs[name] for name in dict.fromkeys(names or specs)]


def _dataset(name: str, table: Mapping[str, Any], mistakes: MistakeList) -> DatasetSpec | None:
    key = f"datasets.{name}"
    before = len(mistakes.mistakes)
    good = mistakes.checked(key, table, DATASET_KEYS, ["source", "output", "columns"])
    dialect = parsed_dialect(f"{key}.dialect", good.get("dialect", {}), mistakes)
    layout = tuple(_layout(key, good, dialect, mistakes))
    drift = Drift(**mistakes.checked(f"{key}.drift", good.get("drift", {}), DRIFT_KEYS))
    _check_names(key, layout, dialect, mistakes)
    _check_drift(key, drift, layout, dialect, mistakes)
    _check_sort(key, good.get("sort", []), layout, mistakes)
    _check_parts(key, good, mistakes)
    if len(mistakes.mistakes) > before:
        return None
    plain = {
        k: good[k]
        for k in (
            *("source", "files", "output", "parts", "pattern", "on_reject", "max_rejects"),
            *("effort", "zstd_level", "decimals", "title"),
        )
        if k in good
    }
    rows = good.get("rows_per_part")
    return DatasetSpec(
        name=name,
        dialect=dialect,
        layout=layout,
        sort=tuple(good.get("sort", ())),
        drift=drift,
        rows_per_part=(rows[0], rows[1]) if rows else None,
        **plain,
    )


def _layout(
    key: str, dataset: Mapping[str, Any], dialect: Dialect, mistakes: MistakeList
) -> Iterator[ColumnSpec | DroppedColumns]:
    for index, entry in enumerate(dataset.get("columns", [])):
        at = f"{key}.columns[{index}]"
        if not isinstance(entry, dict):
            mistakes.add(at, f"must be a table, not {entry!r}")
        elif "drop" in entry:
            good = mistakes.checked(at, entry, DROP_KEYS, ["why"])
            yield DroppedColumns(
                headers=tuple(good.get("drop", ())),
                why=good.get("why", ""),
                optional=good.get("optional", False),
            )
        else:
            good = mistakes.checked(at, entry, COLUMN_KEYS, ["name", "type"])
            if {"name", "type"} <= good.keys():
                yield parsed_column(at, good, dataset, dialect, mistakes)


def stored_names(column: ColumnSpec) -> tuple[str, ...]:
    """Names of the Parquet columns that a kept column becomes: two for a flagged number."""
    flag = (column.name + FLAG_SUFFIX,) if column.type == "flagged_number" else ()
    return (column.name, *flag)


def _check_names(
    key: str, layout: Sequence[ColumnSpec | DroppedColumns], dialect: Dialect, mistakes: MistakeList
) -> None:
    kept = [entry for entry in layout if isinstance(entry, ColumnSpec)]
    headers = [h for e in layout for h in ({e.header, *e.names} if isinstance(e, ColumnSpec) else e.headers)]
    for name, count in Counter(n for column in kept for n in stored_names(column)).items():
        if count > 1:
            mistakes.add(f"{key}.columns", f"{count} columns would be called {name!r} in the Parquet file")
    for header, count in Counter(headers).items():
        if count > 1:
            hint = f" (the second column of that name is {header + '#2'!r})" if dialect.header else ""
            mistakes.add(f"{key}.columns", f"{header!r} is declared {count} times{hint}")
    if not kept:
        mistakes.add(f"{key}.columns", "at least one column must be kept")


def _check_drift(
    key: str, drift: Drift, layout: Sequence[ColumnSpec | DroppedColumns], dialect: Dialect, mistakes: MistakeList
) -> None:
    for name in ("new_column", "missing_column"):
        if getattr(drift, name) != "error" and not dialect.header:
            mistakes.add(f"{key}.drift.{name}", "makes no sense where the files have no header")
    if drift.changed_type != "add":
        return
    kept = [entry for entry in layout if isinstance(entry, ColumnSpec)]
    taken = {name for column in kept for name in stored_names(column)}
    for column in kept:
        if column.type != "string" and (text := text_column(column).name) in taken:
            mistakes.add(f"{key}.drift.changed_type", f"adds a column {text!r}, but one of that name is declared")


def _check_sort(key: str, sort: Sequence[str], layout: Sequence[Any], mistakes: MistakeList) -> None:
    names = [entry.name for entry in layout if isinstance(entry, ColumnSpec)]
    for index, name in enumerate(sort):
        if name not in names:
            mistakes.add(f"{key}.sort[{index}]", f"no kept column is called {name!r}{nearest_hint(name, names)}")


def _check_parts(key: str, good: Mapping[str, Any], mistakes: MistakeList) -> None:
    if "parts" not in good:
        return
    if "pattern" not in good:
        mistakes.add(f"{key}.parts", "needs `pattern`, whose named groups it is made of")
        return
    groups = list(re.compile(good["pattern"]).groupindex)
    try:
        used = [name for _, name, _, _ in string.Formatter().parse(good["parts"]) if name is not None]
    except ValueError as error:
        mistakes.add(f"{key}.parts", f"is not a template: {error}")
        return
    for name in used:
        if name not in groups:
            mistakes.add(
                f"{key}.parts",
                f"`pattern` has no group {name!r}{nearest_hint(name, groups)} (groups: {', '.join(groups) or 'none'})",
            )
    if not used:
        mistakes.add(f"{key}.parts", "names no group of `pattern`, so all files would become one part")


def _check_shared_folders(specs: Mapping[str, DatasetSpec], mistakes: MistakeList) -> None:
    outputs = [(spec.output, name) for name, spec in specs.items()]
    for index, (output, name) in enumerate(outputs):
        for other, owner in outputs[:index]:
            if _overlap(output, other):
                mistakes.add(
                    f"datasets.{name}.output", f"{_shown(output)} overlaps the output of {owner}, {_shown(other)}"
                )
        source = specs[name].source
        if _overlap(output, source):
            mistakes.add(
                f"datasets.{name}.output", f"{_shown(output)} overlaps the dataset's own source, {_shown(source)}"
            )


def _overlap(first: str, second: str) -> bool:
    one, other = PurePosixPath(first), PurePosixPath(second)
    return one == other or one in other.parents or other in one.parents


def _shown(place: str) -> str:
    return place if is_s3_url(place) else str(PurePosixPath(place))

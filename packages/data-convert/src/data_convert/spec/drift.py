"""What a dataset's description becomes for files that differ from it, as `drift` declares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from data_convert.spec.dataset_spec import HIDDEN, ColumnSpec, DatasetSpec, DroppedColumns

TEXT_SUFFIX: Final = "_text"
"""With `changed_type = "add"`, texts of the column NAME that do not fit its type are stored in NAME_text."""


def tolerant_spec(spec: DatasetSpec) -> DatasetSpec:
    """The description with what `missing_column` and `changed_type` change; it is the same for all files."""
    layout: list[ColumnSpec | DroppedColumns] = list(spec.layout)
    if spec.drift.missing_column != "error":
        layout = [replace(entry, optional=True) for entry in layout]
    if spec.drift.changed_type == "add":
        layout += [text_column(column) for column in spec.columns if column.type != "string"]
    return replace(spec, layout=tuple(layout))


def text_column(column: ColumnSpec) -> ColumnSpec:
    """The column for the texts that do not fit the type of another column."""
    return ColumnSpec(
        name=column.name + TEXT_SUFFIX, header=HIDDEN + column.name, type="string", nulls=(), optional=True
    )


def spec_with_columns(spec: DatasetSpec, headers: Iterable[str]) -> DatasetSpec:
    """The description with these new columns as texts, which files may lack. They follow the declared columns."""
    taken = {name for column in spec.columns for name in (column.name, f"{column.name}_flag")}
    added = []
    for header in headers:
        name, number = header or "column", 2
        while name in taken:
            name, number = f"{header or 'column'}_{number}", number + 1
        taken.add(name)
        added.append(ColumnSpec(name=name, header=header, type="string", optional=True))
    places = [place for place, entry in enumerate(spec.layout) if text_of(entry) is not None]
    end = min(places, default=len(spec.layout))
    return replace(spec, layout=(*spec.layout[:end], *added, *spec.layout[end:]))


def undeclared_headers(spec: DatasetSpec, names: Sequence[str]) -> list[str]:
    """The columns of a header that the description does not have."""
    declared = {*spec.raw_headers, *(name for column in spec.columns for name in column.names)}
    return [name for name in names if name not in declared]


def text_of(entry: ColumnSpec | DroppedColumns) -> str | None:
    """The name of the column whose texts this column has; None if it is another one."""
    is_hidden = isinstance(entry, ColumnSpec) and entry.header.startswith(HIDDEN)
    return entry.header.removeprefix(HIDDEN) if isinstance(entry, ColumnSpec) and is_hidden else None

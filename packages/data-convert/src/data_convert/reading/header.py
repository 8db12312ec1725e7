"""Matches the header of a source with the declared columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_convert.errors import HeaderError, nearest_hint
from data_convert.reading.layout import RawLayout
from data_convert.reading.records import CELL_LIMIT
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Drift, DroppedColumns
from data_convert.spec.drift import undeclared_headers


def declared_layout(spec: DatasetSpec) -> RawLayout:
    """The layout of sources without a header: the declared columns in their order."""
    places = {header: place for place, header in enumerate(spec.raw_headers)}
    return RawLayout(width=len(places), kept=tuple((column, places.get(column.header)) for column in spec.columns))


def header_layout(spec: DatasetSpec, cells: Sequence[str], *, source: Path | str) -> RawLayout:
    """The layout of a source whose header line has these cells.

    Raises:
        HeaderError: A declared column is missing, or a column is not declared as often as it occurs.
    """
    if len(cells) > CELL_LIMIT:
        raise HeaderError(source, f"the header has {len(cells):,} cells, more than any table has columns.")
    names = numbered(cells)
    absent, new = _absent(spec, names), undeclared_headers(spec, names)
    if spec.drift.new_column != "error":
        new = []
    faults = [*_missing(absent, names), *_undeclared(spec, new), *_doubled(spec, names), *_unrelated(spec, names)]
    if faults:
        faults += _advice(absent, new)
        raise HeaderError(
            source, "the header does not fit the declared columns:" + "".join(f"\n  {fault}" for fault in faults)
        )
    places = {name: place for place, name in enumerate(names)}
    kept = tuple((column, _place(column, places)) for column in spec.columns)
    return RawLayout(width=len(names), kept=kept, header=tuple(cells))


def headers_of(column: ColumnSpec) -> tuple[str, ...]:
    """All names that the column may have in a header."""
    return (column.header, *column.names)


def _place(column: ColumnSpec, places: Mapping[str, int]) -> int | None:
    return next((places[name] for name in headers_of(column) if name in places), None)


def numbered(cells: Sequence[str]) -> list[str]:
    """The names of the header; the second `X` is `X#2`, the third `X#3`, unless a cell has that text itself."""
    given = set(cells)
    seen: dict[str, int] = {}
    names = []
    for cell in cells:
        seen[cell] = seen.get(cell, 0) + 1
        while seen[cell] > 1 and f"{cell}#{seen[cell]}" in given:
            seen[cell] += 1
        names.append(cell if seen[cell] == 1 else f"{cell}#{seen[cell]}")
    return names


def _absent(spec: DatasetSpec, names: Sequence[str]) -> list[tuple[str, ...]]:
    """All names of each column that the header should have and does not."""
    required: list[tuple[str, ...]] = []
    for entry in spec.layout:
        if not entry.optional:
            required += [headers_of(entry)] if isinstance(entry, ColumnSpec) else [(name,) for name in entry.headers]
    present = set(names)
    return [accepted for accepted in required if not present.intersection(accepted)]


def _missing(absent: Sequence[tuple[str, ...]], names: Sequence[str]) -> list[str]:
    faults = [_missing_text(accepted, names) for accepted in absent[:10]]
    if len(absent) > 10:
        faults.append(f"and {len(absent) - 10} more")
    return faults


def _unrelated(spec: DatasetSpec, names: Sequence[str]) -> list[str]:
    """Whether the file has no kept column at all, which `drift` does not allow either."""
    if any(name in names for column in spec.columns for name in headers_of(column)) or spec.drift == Drift():
        return []
    return ["it has none of the kept columns; `drift` does not make another table a part of this one"]


def _advice(absent: Sequence[tuple[str, ...]], new: Sequence[str]) -> list[str]:
    """What to write into datasets.toml, for the first columns that are missing and new."""
    ways = []
    if absent and new:
        ways.append(f"`names = [{_quoted(new[0])}]` at {absent[0][0]!r} if it was renamed")
    if absent:
        ways.append(f"`optional = true` at {absent[0][0]!r} if some files lack it")
    if new:
        ways.append(f'`{{ name = {_quoted(new[0])}, type = "string", optional = true }}` to keep {new[0]!r}')
    return [f"what to write into `columns` of data/datasets.toml: {'; '.join(ways)}"] if ways else []


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _missing_text(accepted: Sequence[str], names: Sequence[str]) -> str:
    others = f" (also called {', '.join(map(repr, accepted[1:]))})" if len(accepted) > 1 else ""
    return f"{accepted[0]!r}{others} is missing{nearest_hint(accepted[0], names)}"


def _doubled(spec: DatasetSpec, names: Sequence[str]) -> list[str]:
    """Columns of the header that are declared as names of one column."""
    faults, present = [], set(names)
    for column in spec.columns:
        found = [name for name in headers_of(column) if name in present]
        if len(found) > 1:
            listed = f"{', '.join(map(repr, found[:-1]))} and {found[-1]!r}"
            faults.append(f"it has {listed}, which are `names` of one column, {column.name!r}; declare two columns")
    return faults


def _undeclared(spec: DatasetSpec, new: Sequence[str]) -> list[str]:
    declared = {*spec.raw_headers, *(name for column in spec.columns for name in column.names)}
    faults = []
    for name in new[:10]:
        base, _, count = name.partition("#")
        if count and base in declared:
            faults.append(f"it has {base!r} twice; keep or drop the second one as {name!r}")
        else:
            faults.append(f"{name!r} is not declared{nearest_hint(name, declared)}; keep it, or drop it with a reason")
    return faults


def dropped_headers(spec: DatasetSpec) -> dict[str, str]:
    """Dropped raw columns -> the reason."""
    return {header: entry.why for entry in spec.layout if isinstance(entry, DroppedColumns) for header in entry.headers}

"""Matches the header line of a source with the declared columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data_convert.blocks import RawLayout
from data_convert.errors import HeaderError, nearest
from data_convert.spec import ColumnSpec, DatasetSpec, DroppedColumns


def declared_layout(spec: DatasetSpec) -> RawLayout:
    """The layout of sources without a header: the declared columns in their order."""
    places = {header: place for place, header in enumerate(spec.raw_headers)}
    return RawLayout(width=len(places), kept=tuple((column, places[column.header]) for column in spec.columns))


def header_layout(spec: DatasetSpec, cells: Sequence[str], *, source: Path | str) -> RawLayout:
    """The layout of a source whose header line has these cells.

    Raises:
        HeaderError: A declared column is missing, or a column is not declared (or twice, declared once).
    """
    names = numbered(cells)
    faults = [*_missing(spec, names), *_undeclared(spec, names)]
    if faults:
        raise HeaderError(
            source, "the header does not fit the declared columns:" + "".join(f"\n  {fault}" for fault in faults)
        )
    places = {name: place for place, name in enumerate(names)}
    return RawLayout(width=len(names), kept=tuple((column, places.get(column.header)) for column in spec.columns))


def numbered(cells: Sequence[str]) -> list[str]:
    """Header names in which the second `X` is `X#2`, the third `X#3`."""
    seen: dict[str, int] = {}
    names = []
    for cell in cells:
        seen[cell] = seen.get(cell, 0) + 1
        names.append(cell if seen[cell] == 1 else f"{cell}#{seen[cell]}")
    return names


def _missing(spec: DatasetSpec, names: Sequence[str]) -> list[str]:
    wanted: list[str] = []
    for entry in spec.layout:
        if not entry.optional:
            wanted += [entry.header] if isinstance(entry, ColumnSpec) else entry.headers
    absent = [name for name in wanted if name not in names]
    faults = [f"it lacks {name!r}{nearest(name, names)}" for name in absent[:10]]
    if len(absent) > 10:
        faults.append(f"and {len(absent) - 10} more")
    return faults


def _undeclared(spec: DatasetSpec, names: Sequence[str]) -> list[str]:
    declared = set(spec.raw_headers)
    faults = []
    for name in [name for name in names if name not in declared][:10]:
        base, _, count = name.partition("#")
        if count and base in declared:
            faults.append(f"it has {base!r} twice; keep or drop the second one as {name!r}")
        else:
            faults.append(f"{name!r} is not declared{nearest(name, declared)}; keep it, or drop it with a reason")
    return faults


def dropped_headers(spec: DatasetSpec) -> dict[str, str]:
    """Raw columns that are dropped -> why."""
    return {header: entry.why for entry in spec.layout if isinstance(entry, DroppedColumns) for header in entry.headers}

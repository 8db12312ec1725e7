"""Keeps rows whose values do not fit the type of a column, where `drift.changed_type` allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.reading.rejects import SHOWN_CHANGES, ChangedValue, ChangedValues
from data_convert.reading.rows import Row
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from data_convert.spec.drift import text_of

Mask = npt.NDArray[np.bool_]


@dataclass(kw_only=True)
class ChangedTypes:
    """The values of some rows that do not fit; they are null in their own columns."""

    spec: DatasetSpec
    rows: Sequence[Row]
    source: str
    _misfits: dict[str, Mask] = field(default_factory=dict)
    _cells: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def are_kept(self) -> bool:
        """Whether rows with values of other types are kept."""
        return self.spec.drift.changed_type != "error"

    def note(self, column: ColumnSpec, cells: Sequence[str], fits: Mask | None) -> None:
        """Note which cells of a column do not fit."""
        if fits is not None:
            self._misfits[column.name] = ~fits
            self._cells[column.name] = cells

    def texts(self, column: ColumnSpec) -> pa.Array | None:
        """The content of a column that has the texts of another one; None for all other columns."""
        name = text_of(column)
        if name is None:
            return None
        if name not in self._misfits:
            return pa.nulls(len(self.rows), pa.string())
        cells = zip(self._cells[name], self._misfits[name].tolist(), strict=True)
        return pa.array([cell if is_misfit else None for cell, is_misfit in cells], pa.string())

    def found(self, kept: Mask) -> list[ChangedValues]:
        """How many values do not fit in the rows that are kept."""
        changes = []
        for name, misfits in self._misfits.items():
            places = np.flatnonzero(misfits & kept)
            examples = [
                ChangedValue(value=self._cells[name][place], source=self.source, line=self.rows[place].line)
                for place in places[:SHOWN_CHANGES].tolist()
            ]
            if len(places):
                changes.append(ChangedValues(column=name, count=len(places), examples=tuple(examples)))
        return changes

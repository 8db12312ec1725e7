"""Fingerprints of the values which the texts of a column should become; each distinct text is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from data_convert.spec.drift import TEXT_SUFFIX
from data_convert.verification.raw.table_cuts import CodedTexts, Key, bytes_of
from data_convert.verification.values.moment_columns import MomentColumn
from data_convert.verification.values.row_prints import Prints, empty_prints, value_prints, whole_prints
from data_convert.verification.values.value_rules import Values, is_encodable, nulls_of, value_rule

_REMEMBERED_ENTRIES: Final = 1 << 19
"""Distinct texts remembered over all columns, about 100 MB."""

_FEWEST_REMEMBERED: Final = 1 << 12

_RARE: Final = 4
"""Times and dates that occur less often on average are not remembered."""

MISFIT: Final = 0
"""Number of every text that does not fit."""


@dataclass(frozen=True, kw_only=True)
class RowMarks:
    """Rows whose text does not fit the column.

    Attributes:
        is_misfit: Those that are rejects.
        is_changed: Those that are kept, as `drift.changed_type` allows.
    """

    is_misfit: npt.NDArray[np.bool_]
    is_changed: npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _FoundTexts:
    """The fingerprints of texts, and which of them do not fit."""

    prints: Prints
    is_misfit: npt.NDArray[np.bool_]
    is_changed: npt.NDArray[np.bool_]


class TextPrints:
    """Numbers the distinct texts of a column, and has the fingerprint of each number.

    Attributes:
        column: The column.
        places: Its stored columns. With `changed_type = "add"`, the last of them has the texts that do not fit.
    """

    def __init__(self, column: ColumnSpec, spec: DatasetSpec, schema: pa.Schema) -> None:
        first = schema.get_field_index(column.name)
        self.column = column
        self.places = [first + i for i in range(len(nulls_of(column)))]
        self._changed_type = spec.drift.changed_type if column.type != "string" else "error"
        if self._changed_type == "add":
            self.places.append(schema.get_field_index(column.name + TEXT_SUFFIX))
        self._values_of = value_rule(column)
        self._moments = MomentColumn.of(column)
        self._types = [schema.field(place).type for place in self.places]
        self._limit = max(_FEWEST_REMEMBERED, _REMEMBERED_ENTRIES // len(schema))
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._table = empty_prints(1)
        self._is_changed = [False]

    @property
    def nulls(self) -> Values:
        """The values of a null, for all places."""
        return (*nulls_of(self.column), None)[: len(self.places)]

    def values_of(self, text: str) -> Values | None:
        """The values that a text should become, for all places; None if the row does not fit."""
        values = self._values_of(text)
        if values is None:
            values = self._changed_values(text)
        return values if values is None or len(values) == len(self.places) else (*values, None)

    def _changed_values(self, text: str) -> Values | None:
        if self._changed_type == "error" or not is_encodable(text):
            return None
        return (*nulls_of(self.column), text)[: len(self.places)]

    def of_absent(self) -> Prints:
        """The fingerprint of the nulls of a column that is missing from the raw file."""
        return self._prints([self.nulls])

    def add_to(self, prints: Prints, coded: CodedTexts) -> RowMarks | None:
        """Add the fingerprint of each row's text to `prints`; return which texts do not fit, if any."""
        is_binary = pa.types.is_binary(coded.texts.type)
        if self._moments is not None and is_binary and _RARE * len(coded.texts) > len(coded.codes):
            found = self._read_moments(self._moments, coded)
        else:
            found = self._remembered(coded.keys)
        if len(found.prints) == 1:
            prints += found.prints
        else:
            for sums, words in zip(prints.T, found.prints.T, strict=True):
                sums += words.take(coded.codes)
        if not (found.is_misfit.any() or found.is_changed.any()):
            return None
        return RowMarks(is_misfit=found.is_misfit.take(coded.codes), is_changed=found.is_changed.take(coded.codes))

    def _read_moments(self, column: MomentColumn, coded: CodedTexts) -> _FoundTexts:
        """Read texts of times and dates, which are too many to be remembered."""
        moments = column.read(coded.texts)
        prints = whole_prints(self.places[0], moments.units)
        for place, type_ in zip(self.places[1:], self._types[1:], strict=True):
            prints += value_prints(place, [None], type_)
        found = _FoundTexts(prints=prints, is_misfit=~moments.is_known, is_changed=np.zeros_like(moments.is_known))
        if len(others := np.flatnonzero(~moments.is_known)):
            others_found = self._remembered([coded.keys[place] for place in others])
            found.prints[others] = others_found.prints
            found.is_misfit[others], found.is_changed[others] = others_found.is_misfit, others_found.is_changed
        return found

    def _remembered(self, keys: Sequence[Key]) -> _FoundTexts:
        """Read the texts that are new."""
        if len(self._numbers) > self._limit:
            self._forget()
        known = self._numbers
        if new := [key for key in keys if key not in known]:
            self._learn(list(dict.fromkeys(new)))
        numbers = np.array([known[key] for key in keys], dtype=np.intp)
        first, second = (words[numbers] for words in self._table.T)
        return _FoundTexts(
            prints=np.stack([first, second]).T,
            is_misfit=numbers == MISFIT,
            is_changed=np.array(self._is_changed, dtype=np.bool_)[numbers],
        )

    def _learn(self, keys: Sequence[Key]) -> None:
        rows: list[Values] = []
        for key in keys:
            text = bytes_of(key).decode("utf-8", "surrogateescape")
            values = self.values_of(text)
            if values is None:
                self._numbers[key] = MISFIT
            else:
                self._numbers[key] = len(self._table) + len(rows)
                self._is_changed.append(self._changed_type != "error" and self._values_of(text) is None)
                rows.append(values)
        if rows:
            self._table = np.concatenate([self._table.T, self._prints(rows).T], axis=1).T

    def _prints(self, rows: Sequence[Values]) -> Prints:
        result = empty_prints(len(rows))
        for place, type_, values in zip(self.places, self._types, zip(*rows, strict=True), strict=True):
            result += value_prints(place, values, type_)
        return result

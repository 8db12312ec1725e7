"""Converts the texts of a column to typed Arrow arrays and reports which texts do not fit exactly.

A text that fits is represented exactly. Nothing is rounded or truncated, and only the texts that the dataset declares
as nulls become null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.fields import arrow_field, arrow_fields
from data_convert.columns.instants import Mask, Unit, instants
from data_convert.columns.number_marks import PLAIN, example, plain_number
from data_convert.columns.numbers import (
    NUMBER,
    Result,
    are_present,
    decimals,
    flagged_numbers,
    floats,
    integers,
    one_by_one,
)
from data_convert.spec.dataset_spec import INTEGER_RANGES, ColumnSpec

__all__ = ["Converted", "arrow_field", "arrow_fields", "convert", "misfit"]

_BOOLEANS: Final = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLEANS.update({"false": False, "f": False, "no": False, "n": False, "0": False})

_DAY: Final = 86_400_000_000
"""Microseconds of a day."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """The result of a conversion.

    Attributes:
        arrays: One array, or two for a flagged number. An entry that does not fit is null.
        fits: Which entries fit; None if all do.
    """

    arrays: tuple[pa.Array, ...]
    fits: Mask | None


def convert(column: ColumnSpec, texts: pa.Array, *, nulls_are_marked: bool = False) -> Converted:
    """The texts (string, or dictionary of strings) as the column's type. What does not fit becomes null.

    A text that the column spells as null is null and fits, and so is a null entry; with `nulls_are_marked` all
    of them are null entries already.
    """
    if not pa.types.is_dictionary(texts.type):
        return _convert_texts(column, texts if nulls_are_marked else _marked(column, texts))
    # Each distinct text is converted once; columns such as station names have few of them.
    distinct = _convert_texts(column, _marked(column, texts.dictionary))
    arrays = tuple(array.take(texts.indices) for array in distinct.arrays)
    if distinct.fits is None:
        return Converted(arrays=arrays, fits=None)
    fits = pc.fill_null(pa.array(distinct.fits).take(texts.indices), True).to_numpy(zero_copy_only=False)
    return Converted(arrays=arrays, fits=None if fits.all() else fits)


def _marked(column: ColumnSpec, texts: pa.StringArray) -> pa.StringArray:
    """The texts, with a null entry for each text that the column lists as a null."""
    is_null = pc.is_in(texts, value_set=pa.array(column.nulls, pa.string()))
    return pc.if_else(is_null, pa.scalar(None, pa.string()), texts) if pc.any(is_null).as_py() else texts


def _convert_texts(column: ColumnSpec, texts: pa.StringArray) -> Converted:
    arrays, misfits = _CONVERTERS.get(column.type, decimals)(column, texts)
    if misfits is None or not misfits.any():
        return Converted(arrays=arrays, fits=None)
    keep = pa.array(~misfits)
    arrays = tuple(pc.if_else(keep, array, pa.scalar(None, array.type)) for array in arrays)
    return Converted(arrays=arrays, fits=~misfits)


def _strings(column: ColumnSpec, texts: pa.StringArray) -> Result:
    return (texts,), None


def _booleans(column: ColumnSpec, texts: pa.StringArray) -> Result:
    return one_by_one(texts, lambda text: _BOOLEANS.get(text.strip().lower()), pa.bool_())


def _timestamps(column: ColumnSpec, texts: pa.StringArray) -> Result:
    moments, misfits = _moments(column, texts, column.precision)
    return (moments.cast(arrow_field(column).type),), misfits


def _dates(column: ColumnSpec, texts: pa.StringArray) -> Result:
    moments, misfits = _moments(column, texts, "us")
    days, rest = np.divmod(moments.fill_null(0).to_numpy(), _DAY)
    return (pa.array(days.astype(np.int32), mask=~are_present(moments)).cast(pa.date32()),), misfits | (rest != 0)


def _moments(column: ColumnSpec, texts: pa.StringArray, unit: Unit) -> tuple[pa.Array, Mask]:
    """Units since 1970 as int64, null where the text is or does not fit."""
    present = are_present(texts)
    given = texts.drop_null() if texts.null_count else texts
    values, good = instants(given, column.formats, unit=unit, abbreviations=column.abbreviations)
    spread, fits = np.zeros(len(texts), dtype=np.int64), present.copy()
    spread[present], fits[present] = values, good
    return pa.array(spread, mask=~fits), present & ~fits


_CONVERTERS: Final[Mapping[str, Callable[[ColumnSpec, pa.StringArray], Result]]] = {
    **dict.fromkeys(INTEGER_RANGES, integers),
    "float64": floats,
    "flagged_number": flagged_numbers,
    "string": _strings,
    "bool": _booleans,
    "date": _dates,
    "timestamp": _timestamps,
}


def misfit(column: ColumnSpec, text: str) -> str:
    """Why the text does not fit the column. The texts are in rejects files, so a new wording needs a new FORMAT."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        return "is not valid in the declared encoding; is it another one, such as cp1252? (`dialect.encoding`)"
    if column.type in ("date", "timestamp"):
        return f"is not a {column.type} of the form {' or '.join(column.formats)}"
    if column.type == "bool":
        return "is not a bool (true, false, 1, 0, yes, no, t, f)"
    return _number_misfit(column, text)


def _number_misfit(column: ColumnSpec, text: str) -> str:
    plain = plain_number(text, column.marks)
    if plain is not None and NUMBER.fullmatch(plain):
        if column.type == "float64" and column.rounded:
            return "is beyond the range of a float64"
        if column.type in ("float64", "flagged_number"):
            return f"needs more digits than a {column.type} holds exactly; declare it string"
        if column.type not in INTEGER_RANGES:
            return f"has more digits than {column.type} holds"
    written = "" if column.marks == PLAIN else f" written like {example(column.marks)!r}"
    if column.type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[column.type]
        return f"is not an {column.type} ({low} to {high}){written}"
    kind = "number with or without a flag" if column.type == "flagged_number" else column.type
    return f"is not a {kind}{written}"

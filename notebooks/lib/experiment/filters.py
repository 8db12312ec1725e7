"""Which rows `load(where=…)` keeps: conditions become an expression of pyarrow that is checked against the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from experiment.constants import constant, whole_bound
from experiment.errors import ExperimentError, UnknownNameError, nearest_text

# A column, an operator and a value.
Condition: TypeAlias = tuple[str, str, Any]
# Conditions that must all hold; lists of them, of which one must hold; or an expression of pyarrow.
Where: TypeAlias = Sequence[Condition] | Sequence[Sequence[Condition]] | pc.Expression

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": eq, "=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
_OPERATORS = (*_COMPARISONS, "in", "not in")
_USAGE = (
    "`where` is a list of conditions (column, operator, value) that must all hold, such as"
    " [('speed', '<', 30)]; a list of such lists, of which one must hold; or an expression of pyarrow.compute"
)


@dataclass(frozen=True, kw_only=True)
class RowFilter:
    """Which rows are kept.

    Attributes:
        columns: The columns that it reads.
    """

    expression: pc.Expression
    columns: tuple[str, ...]


def row_filter(where: Where, schema: pa.Schema, dataset: str) -> RowFilter:
    """The filter for parts with a schema.

    Raises:
        UnknownNameError: A condition names no column.
        ExperimentError: `where` has no meaning for these columns.
    """
    expression = where if isinstance(where, pc.Expression) else _any_of(where, schema, dataset)
    empty = schema.empty_table()
    problem = _problem(empty, expression)
    if problem:
        raise ExperimentError(
            f"`where` does not fit dataset '{dataset}': {problem} Known columns: {', '.join(schema.names)}."
        )
    # A column is read if the expression is wrong without it: an expression does not list its columns.
    read = (name for name in schema.names if _problem(empty.drop_columns([name]), expression))
    return RowFilter(expression=expression, columns=tuple(read))


def _problem(empty: pa.Table, expression: pc.Expression) -> str:
    try:
        empty.filter(expression)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, TypeError) as error:
        # After its first line, pyarrow lists the types of all columns.
        return str(error).partition("\n")[0].partition(" in ")[0].rstrip(".") + "."
    return ""


def _any_of(where: object, schema: pa.Schema, dataset: str) -> pc.Expression:
    if isinstance(where, str) or not isinstance(where, Sequence) or not where:
        raise ExperimentError(f"{_USAGE}, not {where!r}")
    # A list of strings is a condition written as a list, so it is a mistake like any other.
    alternatives = where if all(_is_alternative(item) for item in where) else [where]
    return reduce(or_, (_all_of(conditions, schema, dataset) for conditions in alternatives))


def _is_alternative(item: object) -> bool:
    is_list = isinstance(item, Sequence) and not isinstance(item, str) and len(item) > 0
    return is_list and all(isinstance(each, Sequence) and not isinstance(each, str) for each in item)  # type: ignore[attr-defined]


def _all_of(conditions: Iterable[object], schema: pa.Schema, dataset: str) -> pc.Expression:
    return reduce(and_, (_condition(condition, schema, dataset) for condition in conditions))


def _condition(condition: object, schema: pa.Schema, dataset: str) -> pc.Expression:
    if isinstance(condition, pc.Expression):
        return condition
    if isinstance(condition, str) or not isinstance(condition, Sequence) or len(condition) != 3:
        raise ExperimentError(f"{_USAGE}; {condition!r} is not a condition")
    column, operator, value = condition
    if column not in schema.names:
        raise UnknownNameError("column", str(column), schema.names, where=f"`where` of dataset '{dataset}'")
    if operator not in _OPERATORS:
        raise ExperimentError(
            f"unknown operator {operator!r} in `where` for the column '{column}' of dataset '{dataset}'."
            f"{nearest_text(str(operator), _OPERATORS)} Known operators: {', '.join(_OPERATORS)}."
        )
    what = f"`where` of dataset '{dataset}': the column '{column}'"
    if operator in _COMPARISONS:
        return _comparison(column, operator, value, schema.field(column).type, what)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ExperimentError(f"{what} needs a list of values after '{operator}', not {value!r}")
    kind = schema.field(column).type
    is_any = reduce(or_, (_comparison(column, "==", each, kind, what) for each in value), pc.scalar(False))
    # A missing value is equal to none of the values.
    return is_any if operator == "in" else ~pc.coalesce(is_any, pc.scalar(False))


def _comparison(column: str, operator: str, value: object, kind: pa.DataType, what: str) -> pc.Expression:
    field = pc.field(column)
    if value is None:
        if operator not in ("==", "=", "!="):
            raise ExperimentError(f"{what} cannot be compared with None by '{operator}'; None means a missing value")
        return field.is_valid() if operator == "!=" else field.is_null()
    if pa.types.is_integer(kind):
        operator, value = whole_bound(operator, value)
    return _COMPARISONS[operator](field, constant(value, kind, what))

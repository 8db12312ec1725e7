"""Parses what a column expects of its values, and checks that it agrees with the column's type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from data_convert.spec.dataset_spec import INTEGER_RANGES, Expectations
from data_convert.spec.key_checks import MistakeList

_MOMENTS: Final = ("date", "timestamp")
_BOUNDS: Final = {"min": "minimum", "max": "maximum"}


def expectations_of(
    at: str, family: str, entry: Mapping[str, Any], formats: Sequence[str], mistakes: MistakeList
) -> Expectations:
    """The expectations that `entry` declares; mistakes are added to the list.

    Args:
        at: Path of the entry in the file, for the mistakes.
        family: Type of the column, or `decimal(p, s)`.
        formats: Formats of a date or timestamp.
    """
    before = len(mistakes.mistakes)
    for key in _BOUNDS.keys() & entry.keys():
        _check_bound(f"{at}.{key}", family, entry[key], formats, mistakes)
    for value in entry.get("one_of", ()):
        _check_choice(f"{at}.one_of", family, value, formats, mistakes)
    if len(mistakes.mistakes) == before and {"min", "max"} <= entry.keys():
        low, high = (_comparable(entry[key], formats) for key in ("min", "max"))
        if low > high:
            mistakes.add(at, f"`min` is larger than `max`: {entry['min']!r} and {entry['max']!r}")
    return Expectations(
        **{name: entry.get(key) for key, name in _BOUNDS.items()},
        unique=entry.get("unique", False),
        not_null=entry.get("not_null", False),
        one_of=tuple(entry["one_of"]) if "one_of" in entry else None,
    )


def _check_bound(key: str, family: str, value: Any, formats: Sequence[str], mistakes: MistakeList) -> None:
    if family in ("string", "bool"):
        mistakes.add(key, f"is for numbers, dates and timestamps only, not for {family}")
    elif family in _MOMENTS:
        _check_moment(key, value, formats, mistakes)
    elif isinstance(value, str):
        mistakes.add(key, f"must be a number, as the values are, not {value!r}")


def _check_choice(key: str, family: str, value: Any, formats: Sequence[str], mistakes: MistakeList) -> None:
    if family in _MOMENTS:
        _check_moment(key, value, formats, mistakes)
        return
    kinds: tuple[type, ...] = (int, float)
    noun = "numbers"
    if family == "string":
        kinds, noun = (str,), 'texts, such as "a"'
    elif family == "bool":
        kinds, noun = (bool,), "true and false"
    elif family in INTEGER_RANGES:
        kinds, noun = (int,), "integers"
    if type(value) not in kinds:
        mistakes.add(key, f"must have {noun}, as the values of {family} are, not {value!r}")
    elif family in INTEGER_RANGES and not INTEGER_RANGES[family][0] <= value <= INTEGER_RANGES[family][1]:
        mistakes.add(key, f"has {value!r}, which is no {family}")


def _check_moment(key: str, value: Any, formats: Sequence[str], mistakes: MistakeList) -> None:
    if formats and (not isinstance(value, str) or _moment(value, formats) is None):
        mistakes.add(key, f'must be a text in the first format of the column, "{formats[0]}", not {value!r}')


def _moment(text: str, formats: Sequence[str]) -> datetime | None:
    for form in formats:
        try:
            # Only to check and to compare bounds of one column: a zone makes no difference.
            return datetime.strptime(text, form).replace(tzinfo=None)
        except ValueError:
            continue
    return None


def _comparable(value: Any, formats: Sequence[str]) -> Any:
    return _moment(value, formats) if isinstance(value, str) else value

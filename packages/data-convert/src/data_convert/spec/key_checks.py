"""Checks of single keys of datasets.toml: which keys exist, and what their values may be."""

from __future__ import annotations

import codecs
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from data_convert.errors import Mistake, nearest_hint
from data_convert.spec.dataset_spec import DECIMAL_LIMIT, TYPES, decimal_shape
from s3_access import S3AccessError, bucket_address, is_s3_url

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


def is_a(kind: type, noun: str) -> Check:
    return lambda value: None if type(value) is kind else f"must be {noun}, not {value!r}"


def _strings(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return None
    return f"must be a list of strings, not {value!r}"


def _character(value: Any) -> str | None:
    if isinstance(value, str) and len(value) == 1 and value.isascii() and value not in "\r\n\0":
        return None
    return f"must be one ASCII character, not {value!r}"


def _delimiter(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= 8 and value.isascii() and not set(value) & set("\r\n\0"):
        return None
    return f"must be one to eight ASCII characters on one line, not {value!r}"


def _comment(value: Any) -> str | None:
    if isinstance(value, str) and value == "":
        return None
    return _delimiter(value)


def _skip_lines(value: Any) -> str | None:
    if value in ("to-header", "to-row"):
        return None
    return _count(value) and f"must be 0 or more, 'to-header' or 'to-row', not {value!r}"


def _mark(value: Any) -> str | None:
    if isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in "+-\r\n\0":
        return None
    return f"must be one character that is no letter, digit or sign, not {value!r}"


def _affix(value: Any) -> str | None:
    if isinstance(value, str) and 0 < len(value.strip()) <= 16 and not any(map(str.isdigit, value)):
        return None
    return f"must be a short text without digits, such as '$' or '%', not {value!r}"


def _share(value: Any) -> str | None:
    is_number = type(value) in (int, float) and 0 <= value <= 1
    return None if is_number else f"must be a share from 0 to 1, such as 0.05, not {value!r}"


def _decimal(value: Any) -> str | None:
    if isinstance(value, str) and decimal_shape(value):
        return None
    return f"must be decimal(p, s) with p from 1 to {DECIMAL_LIMIT} digits, s of them behind the point, not {value!r}"


def _type(value: Any) -> str | None:
    if isinstance(value, str) and value.startswith("decimal"):
        return _decimal(value)
    return _one_of(*TYPES, "decimal(p, s)")(value)


def _scalar(value: Any) -> str | None:
    if type(value) in (int, float, str):
        return None
    return f"must be a number or a text, not {value!r}"


def _scalars(value: Any) -> str | None:
    if isinstance(value, list) and value and all(type(item) in (int, float, str, bool) for item in value):
        return None
    return f"must be a list of values, not {value!r}"


def _row_range(value: Any) -> str | None:
    if isinstance(value, list) and len(value) == 2 and all(type(n) is int and n >= 0 for n in value):
        return None if value[0] <= value[1] else f"must be [smallest, largest], not {value!r}"
    return f"must be two numbers of rows, such as [1, 1000000], not {value!r}"


def _offsets(value: Any) -> str | None:
    if isinstance(value, dict) and value and all(_is_offset(item) for item in value.values()):
        return None
    return f"must be a table such as {{ CET = '+01:00', CEST = '+02:00' }}, not {value!r}"


def _is_offset(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]", value) is not None


def _quote(value: Any) -> str | None:
    return None if value == "" else _character(value)


def _count(value: Any) -> str | None:
    # Not isinstance: true is an int to Python.
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
    return f"must be a time zone name{nearest_hint(str(value), known)}, not {value!r}"


def _place(value: Any) -> str | None:
    if isinstance(value, str) and is_s3_url(value):
        try:
            bucket_address(value)
        except S3AccessError as error:
            return f"is wrong: {error}"
        return None
    if isinstance(value, str) and "://" in value:
        return f"must be a path below the folder of this file, or s3://BUCKET/PREFIX, not {value!r}"
    path = PurePosixPath(value) if isinstance(value, str) and value and "\\" not in value else PurePosixPath("/")
    if not path.is_absolute() and ".." not in path.parts:
        return None
    return f"must be a path below the folder of this file, with forward slashes, or s3://BUCKET/PREFIX, not {value!r}"


def _one_of(*choices: str) -> Check:
    def check(value: Any) -> str | None:
        if value in choices:
            return None
        return f"must be one of {', '.join(choices)}, not {value!r}{nearest_hint(str(value), choices)}"

    return check


def _regex(value: Any) -> str | None:
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        return f"is not a regular expression: {error}"
    return None


DATASET_KEYS: Final[Mapping[str, Check]] = {
    "title": is_a(str, "a string"),
    "source": _place,
    "files": is_a(str, "a glob"),
    "output": _place,
    "dialect": is_a(dict, "a table"),
    "nulls": _strings,
    "timestamp_formats": _strings,
    "zone": _zone,
    "columns": is_a(list, "a list of tables"),
    "sort": _strings,
    "parts": is_a(str, "a string such as '{year}'"),
    "pattern": _regex,
    "on_reject": _one_of("error", "keep"),
    "max_rejects": _share,
    "drift": is_a(dict, "a table"),
    "rows_per_part": _row_range,
    "effort": _one_of("fast", "balanced", "max"),
    "zstd_level": _level,
    "decimals": _one_of("float64", "exact"),
    "decimal_mark": _mark,
    "group_mark": _mark,
    "zone_abbreviations": _offsets,
}
DIALECT_KEYS: Final[Mapping[str, Check]] = {
    "header": is_a(bool, "true or false"),
    "delimiter": _delimiter,
    "quote": _quote,
    "escape": _quote,
    "encoding": _encoding,
    "skip_blanks": is_a(bool, "true or false"),
    "comment": _comment,
    "skip_lines": _skip_lines,
    "rows_after_header": _count,
    "skip_repeated_header": is_a(bool, "true or false"),
    "ragged": _one_of("reject", "trim", "pad"),
}
DRIFT_KEYS: Final[Mapping[str, Check]] = dict.fromkeys(
    ("new_column", "missing_column", "changed_type"), _one_of("error", "add", "ignore")
)
COLUMN_KEYS: Final[Mapping[str, Check]] = {
    "name": is_a(str, "a string"),
    "type": _type,
    "header": is_a(str, "a string"),
    "names": _strings,
    "formats": _strings,
    "zone": _zone,
    "precision": _one_of("ms", "us", "ns"),
    "nulls": _strings,
    "optional": is_a(bool, "true or false"),
    "decimal_mark": _mark,
    "group_mark": _mark,
    "prefix": _affix,
    "suffix": _affix,
    "minus": _one_of("-", "\u2212", "()"),
    "non_finite": is_a(bool, "true or false"),
    "rounded": is_a(bool, "true or false"),
    "exact": _decimal,
    "min": _scalar,
    "max": _scalar,
    "unique": is_a(bool, "true or false"),
    "not_null": is_a(bool, "true or false"),
    "one_of": _scalars,
    "unit": is_a(str, "a string"),
    "about": is_a(str, "a string"),
}
DROP_KEYS: Final[Mapping[str, Check]] = {
    "drop": _strings,
    "why": is_a(str, "a string"),
    "optional": is_a(bool, "true or false"),
}


@dataclass
class MistakeList:
    """The mistakes found so far; checking continues after each, so that the user sees all of them at once."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, key: str, problem: str) -> None:
        self.mistakes.append(Mistake(key=key, problem=problem))

    def checked(
        self, key: str, table: Mapping[str, Any], checks: Mapping[str, Check], required: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The entries of `table` that are valid; a mistake is added for each of the others."""
        good = {}
        for name, value in table.items():
            if name not in checks:
                self.add(f"{key}.{name}", f"unknown key{nearest_hint(name, checks)} (keys: {', '.join(checks)})")
            elif (problem := checks[name](value)) is not None:
                self.add(f"{key}.{name}", problem)
            else:
                good[name] = value
        for name in required:
            if name not in table:
                self.add(key, f"{name!r} is missing")
        return good

"""Reads parsed TOML by key path; reports each mistake with its key path and continues."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.errors import FileError, SpecError
from terminal import unknown_name_text

Table: TypeAlias = Mapping[str, Any]
Report: TypeAlias = Callable[[SpecError], None]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TYPE_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    list: "an array",
    dict: "a table",
}


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        FileError: The file cannot be read or parsed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(str(path), f"cannot be read: {error.strerror}") from error
    return parse_toml(content, source=str(path))


def parse_toml(content: bytes, *, source: str) -> dict[str, Any]:
    """Parsed TOML; `source` names the file in messages.

    Raises:
        FileError: The content is not TOML.
    """
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FileError(source, f"is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise FileError(source, f"is not valid TOML: {error}") from error


def normalized_name(name: str) -> str:
    """The normalised name of a group or distribution, as PEP 503 and PEP 735 define it."""
    # packaging.utils has the same line, but importing it takes as long as importing the rest of this package.
    return re.sub(r"[-_.]+", "-", name).lower()


def key_path(*parts: str | int) -> str:
    """`("images", "a.b", "groups", 1)` as `images."a.b".groups[1]`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _BARE_KEY.fullmatch(part) else f'"{part}"')
    return text


def type_name(value: object) -> str:
    """TOML's name for the type of a value, with its article."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def table_at(data: Table, path: tuple[str, ...], report: Report) -> Table:
    """The table at a path; empty if it is missing, or if the value has another type (which is reported)."""
    for depth, part in enumerate(path, start=1):
        value = data.get(part, {})
        if not isinstance(value, Mapping):
            report(SpecError(key_path(*path[:depth]), f"must be a table, not {type_name(value)}"))
            return {}
        data = value
    return data


def tables_in(data: Table, path: tuple[str, ...], report: Report) -> Iterator[tuple[str, Table]]:
    """The name and content of each table inside the table at a path."""
    for name in table_at(data, path, report):
        yield name, table_at(data, (*path, name), report)


def string_at(table: Table, path: tuple[str | int, ...], report: Report) -> str | None:
    """The string at the last key of a path; None if it is missing, or has another type (which is reported)."""
    value = table.get(str(path[-1]))
    if value is None or isinstance(value, str):
        return value
    report(SpecError(key_path(*path), f"must be a string, not {type_name(value)}"))
    return None


def bool_at(table: Table, path: tuple[str | int, ...], report: Report) -> bool | None:
    """The boolean at the last key of a path; None if it is missing, or has another type (which is reported)."""
    value = table.get(str(path[-1]))
    if value is None or isinstance(value, bool):
        return value
    report(SpecError(key_path(*path), f"must be a boolean, not {type_name(value)}"))
    return None


def strings_in(value: object, path: tuple[str | int, ...], report: Report) -> Iterator[tuple[str, str]]:
    """The key path and text of each string in an array; anything else is reported."""
    if not isinstance(value, list):
        report(SpecError(key_path(*path), f"must be an array of strings, not {type_name(value)}"))
        return
    for index, item in enumerate(value):
        if isinstance(item, str):
            yield key_path(*path, index), item
        else:
            report(SpecError(key_path(*path, index), f"must be a string, not {type_name(item)}"))


def report_unknown_keys(table: Table, path: tuple[str | int, ...], known: tuple[str, ...], report: Report) -> None:
    """Report each key of a table that is not one of `known`, with the nearest known key."""
    for key in table:
        if key not in known:
            report(unknown_name_error(key_path(*path, key), "key", key, known))


def unknown_name_error(key: str, kind: str, name: str, known: Collection[str]) -> SpecError:
    """The mistake of a name in pyproject.toml that refers to nothing."""
    return SpecError(key, unknown_name_text(kind, name, known))

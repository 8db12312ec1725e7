"""Reading parsed TOML by key path: a mistake is reported with its path and reading goes on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from env_spec.errors import FileError, SpecError, UnknownNameError

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
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(str(path), f"cannot be read: {error.strerror}") from error
    return parse_toml(content, source=str(path))


def parse_toml(content: bytes, *, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FileError(source, f"is not UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise FileError(source, f"is not valid TOML: {error}") from error


def normalized_name(name: str) -> str:
    """The name of a group or distribution as PEP 503 and PEP 735 compare it."""
    # packaging.utils has the same line but costs as much to import as the rest of this package.
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
    return _TYPE_NAMES.get(type(value), type(value).__name__)


def table_at(data: Table, path: tuple[str, ...], report: Report) -> Table:
    """The table at a path; empty if there is none, or if something else stands there (reported)."""
    for depth, part in enumerate(path, start=1):
        value = data.get(part, {})
        if not isinstance(value, Mapping):
            report(SpecError(key_path(*path[:depth]), f"must be a table, not {type_name(value)}"))
            return {}
        data = value
    return data


def tables_in(data: Table, path: tuple[str, ...], report: Report) -> Iterator[tuple[str, Table]]:
    """Name and content of each table in the table at a path."""
    for name in table_at(data, path, report):
        yield name, table_at(data, (*path, name), report)


def string_at(table: Table, path: tuple[str | int, ...], report: Report) -> str | None:
    """The string under the last key of a path; None if there is none, or if something else stands there (reported)."""
    value = table.get(str(path[-1]))
    if value is None or isinstance(value, str):
        return value
    report(SpecError(key_path(*path), f"must be a string, not {type_name(value)}"))
    return None


def bool_at(table: Table, path: tuple[str | int, ...], report: Report) -> bool | None:
    """The boolean under the last key of a path; None if there is none, or if something else stands there (reported)."""
    value = table.get(str(path[-1]))
    if value is None or isinstance(value, bool):
        return value
    report(SpecError(key_path(*path), f"must be a boolean, not {type_name(value)}"))
    return None


def strings_in(value: object, path: tuple[str | int, ...], report: Report) -> Iterator[tuple[str, str]]:
    """Key path and text of each string in an array."""
    if not isinstance(value, list):
        report(SpecError(key_path(*path), f"must be an array of strings, not {type_name(value)}"))
        return
    for index, item in enumerate(value):
        if isinstance(item, str):
            yield key_path(*path, index), item
        else:
            report(SpecError(key_path(*path, index), f"must be a string, not {type_name(item)}"))


def report_unknown_keys(table: Table, path: tuple[str | int, ...], known: tuple[str, ...], report: Report) -> None:
    for key in table:
        if key not in known:
            report(UnknownNameError(key_path(*path, key), kind="key", name=key, known=known))

"""Reads the Debian packages that an image needs, and the date of the archive that they come from."""

from __future__ import annotations

import re
from datetime import date

from env_spec.declaration.tables import Report, Table, key_path, strings_in, type_name
from env_spec.errors import SpecError

# Names and versions as in Debian's policy, 5.6.1 and 5.6.12.
_PACKAGE = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?:=(?P<version>[0-9][A-Za-z0-9.+:~-]*))?")


def system_packages(table: Table, path: tuple[str, ...], report: Report) -> tuple[str, ...]:
    """The Debian packages at the last key of a path, sorted: `libgomp1` or, of one version, `libgomp1=12.2.0-14`."""
    found: dict[str, str] = {}
    keys: dict[str, str] = {}
    for key, text in strings_in(table.get(path[-1], []), path, report):
        match = _PACKAGE.fullmatch(text)
        if not match:
            problem = f"'{text}' is not a Debian package, like libgomp1 or libgomp1=12.2.0-14"
            report(SpecError(key, problem))
            continue
        name = match["name"]
        if name in found:
            report(SpecError(key, f"repeats the package '{name}' at {keys[name]}"))
        found.setdefault(name, text)
        keys.setdefault(name, key)
    return tuple(sorted(found.values()))


def snapshot_date(table: Table, path: tuple[str, ...], report: Report) -> str | None:
    """The date at the last key of a path, as YYYY-MM-DD; a string or a date of TOML."""
    value = table.get(path[-1])
    if value is None:
        return None
    try:
        found = value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        text = f"'{value}'" if isinstance(value, str) else type_name(value)
        report(SpecError(key_path(*path), f'must be a date, like snapshot = "2026-11-01", not {text}'))
        return None
    return found.isoformat()

"""The project's own package, in its folder `src`: how images have it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from env_spec.declaration.tables import Report, Table, key_path, normalized_name, string_at, table_at
from env_spec.errors import SpecError

OWN_FOLDER: Final = "src"
_WAYS = ("wheel", "mount")
# What a wheel is made from, besides the folder: everything but the dependencies, which the lock has.
_NOT_IN_WHEEL = ("dependencies", "optional-dependencies")
_OF_POETRY = ("name", "version", "packages", "include", "exclude", "scripts", "plugins", "build")


@dataclass(frozen=True, kw_only=True)
class OwnPackage:
    """The project as a package.

    Attributes:
        name: Normalised.
        tables: A hash of the tables of pyproject.toml that its wheel is made from.
    """

    name: str
    version: str
    tables: str


def own_way(table: Table, path: tuple[str, ...], report: Report) -> str | None:
    """How an image has the project's own package: `wheel` or `mount`; None if it does not."""
    way = string_at(table, path, report)
    if way is not None and way not in _WAYS:
        report(SpecError(key_path(*path), f"must be {' or '.join(_WAYS)}, not '{way}'"))
        return None
    return way


def parse_own(pyproject: Table) -> OwnPackage | None:
    """The project's own package; None if pyproject.toml describes none that can be built."""
    # Tables of another type are reported where they are read for groups.
    project, poetry = table_at(pyproject, ("project",), _ignore), table_at(pyproject, ("tool", "poetry"), _ignore)
    name, version = (project.get(key) or poetry.get(key) for key in ("name", "version"))
    if not (isinstance(name, str) and isinstance(version, str)) or poetry.get("package-mode") is False:
        return None
    tables = {
        "build-system": pyproject.get("build-system"),
        "project": {key: value for key, value in project.items() if key not in _NOT_IN_WHEEL},
        "poetry": {key: poetry[key] for key in _OF_POETRY if key in poetry},
    }
    text = json.dumps(tables, sort_keys=True, default=str)
    return OwnPackage(
        name=normalized_name(name), version=version, tables=hashlib.sha256(text.encode()).hexdigest()[:16]
    )


def _ignore(mistake: SpecError) -> None:
    pass

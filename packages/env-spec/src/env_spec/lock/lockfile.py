"""Reads poetry.lock: parses it, and checks its format and whether it is up to date."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from env_make import lock_fits, locked_by
from env_spec.declaration.tables import Table, parse_toml
from env_spec.errors import FileError, LockError

_OLDEST, _TOO_NEW = (2, 1), (3, 0)  # 2.1 is the first lock-version with groups and markers per package.
_AFTER_ENTRIES = re.compile(rb"\n\[(?!package\.|\[)")
_FILE_LINE = r'    \{file = "([^"\\\n]+)", hash = "([^"\\\n]+)"\},?\n'
_FILE = re.compile(_FILE_LINE)
_FILES = re.compile(rf"(?m)^files = \[\n(?:{_FILE_LINE})*\]\n")
# The key of the version of Poetry that wrote the lock, which is only in its first line.
_LOCKED_BY = "locked-by"


def load_lock(path: Path) -> dict[str, Any]:
    """The parsed poetry.lock.

    Raises:
        LockError: The file is missing, is not TOML, or has a lock-version without groups.
    """
    if not path.exists():
        raise LockError(str(path), "does not exist; create it with `./run invoke env.lock`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LockError(str(path), f"cannot be read: {error.strerror}") from error
    return parse_lock(content, source=str(path))


def parse_lock(content: bytes, *, source: str = "poetry.lock") -> dict[str, Any]:
    """The parsed content of a poetry.lock.

    Entries are cached, so parsing another version of the same lock is fast.

    Raises:
        LockError: The content is not TOML, or has a lock-version without groups.
    """
    try:
        lock = _parsed_by_entry(content) or parse_toml(content, source=source)
    except FileError as error:
        raise LockError(error.path, error.problem) from error
    check_lock_version(lock, source)
    lock[_LOCKED_BY] = locked_by(content[:200].decode("utf-8", "replace"))
    return lock


def python_versions(lock: Table) -> str:
    """The versions of Python that a parsed poetry.lock supports, like `>=3.11,<4.0`."""
    return str(lock.get("metadata", {}).get("python-versions", "*"))


def is_up_to_date(pyproject: Table, lock: Table) -> bool:
    """Whether a lock that `parse_lock` returned was made from this pyproject.toml, by Poetry's own hash."""
    return lock_fits(pyproject, lock, locked_by=lock.get(_LOCKED_BY))


def check_lock_version(lock: Table, source: str) -> None:
    """Check that a lock has groups and a known format.

    Raises:
        LockError: It does not.
    """
    metadata = lock.get("metadata")
    text = metadata.get("lock-version") if isinstance(metadata, Mapping) else None
    if not isinstance(text, str) or not all(part.isdecimal() for part in text.split(".")):
        raise LockError(source, "has no lock-version; create it again with `./run invoke env.lock`")
    version = tuple(int(part) for part in text.split("."))
    if version < _OLDEST:
        raise LockError(
            source,
            f"has lock-version {text}, which has no groups; create it again with Poetry 2: `./run invoke env.lock`",
        )
    if version >= _TOO_NEW:
        raise LockError(source, f"has lock-version {text}; versions from 2.1 up to (but not including) 3 are supported")


def _parsed_by_entry(content: bytes) -> dict[str, Any] | None:
    """What tomllib returns for the complete file, but faster; None if the file does not have Poetry's layout."""
    # Poetry does not write multi-line strings, so this text can only be the start of an entry.
    head, *entries = (b"\n" + content.replace(b"\r\n", b"\n")).split(b"\n[[package]]\n")
    after = _AFTER_ENTRIES.search(entries[-1]) if entries else None
    if not after or b'"""' in content or b"'''" in content:
        return None
    rest, entries[-1] = entries[-1][after.start() :], entries[-1][: after.start()]
    try:
        lock = tomllib.loads((head + rest).decode("utf-8"))
        lock["package"] = [_parsed_entry(entry) for entry in entries]
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return lock


@lru_cache(maxsize=4096)
def _parsed_entry(entry: bytes) -> dict[str, Any]:
    # The subtables of an entry are called [package.dependencies], so without its array `package` must be a table.
    text = "[package]\n" + entry.decode("utf-8")
    # Nearly all lines of a lock list files, and tomllib spends nine tenths of its time on them.
    files = _FILES.search(text)
    if files:
        text = text[: files.start()] + text[files.end() :]
    parsed: dict[str, Any] = tomllib.loads(text)["package"]
    if files:
        parsed["files"] = [{"file": name, "hash": digest} for name, digest in _FILE.findall(files[0])]
    return parsed

"""Merges the two sides of a poetry.lock that git left in conflict, as the start for Poetry's own resolution."""

from __future__ import annotations

import re
import tomllib

_ENTRY = "[[package]]\n"
_AFTER_ENTRIES = re.compile(r"(?m)^\[(?!package\.|\[)")
# Poetry reads versions to prefer from a lock, whatever its hash is; this hash fits no pyproject.toml.
_METADATA = """\
[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = "of a merge; `./run invoke env.lock` finishes it"
"""


def conflict_sides(text: str) -> tuple[str, str]:
    """The text of both sides of a file with merge conflict markers; git's style `diff3` has the common text, too."""
    sides: tuple[list[str], list[str]] = ([], [])
    # Outside of a conflict both sides have a line; in the common text neither has it.
    into: tuple[int, ...] = (0, 1)
    for line in text.splitlines(keepends=True):
        marker = line[:7] if line[7:8] in (" ", "\n", "\r", "") else ""
        if marker == "<<<<<<<":
            into = (0,)
        elif marker == "|||||||":
            into = ()
        elif marker == "=======" and into != (0, 1):
            into = (1,)
        elif marker == ">>>>>>>":
            into = (0, 1)
        else:
            for side in into:
                sides[side].append(line)
    return "".join(sides[0]), "".join(sides[1])


def merged_lock(text: str) -> str:
    """A lock with the packages of both sides, which Poetry takes as the versions to keep where they are allowed.

    Where the sides have two versions of a package, both are in it, and Poetry keeps the newest that pyproject.toml
    allows. An entry that is no TOML by itself, because a conflict cuts it, is left out: Poetry chooses its version.
    """
    entries: dict[tuple[str, ...], str] = {}
    for side in conflict_sides(text):
        for entry in _entries(side):
            if identity := _identity(entry):
                entries.setdefault(identity, entry.rstrip("\n"))
    ordered = [entries[identity] for identity in sorted(entries)]
    return "\n\n".join([*(f"{_ENTRY}{entry}" for entry in ordered), _METADATA])


def locked_versions(text: str) -> dict[str, str]:
    """The versions in a lock by package; of one in conflict, those of the first side; empty if there are none."""
    found: dict[str, set[str]] = {}
    for entry in _entries(conflict_sides(text)[0]):
        if identity := _identity(entry):
            found.setdefault(identity[0], set()).add(identity[1])
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def moved_packages(before: str, after: str) -> list[str]:
    """What differs between two locks: a line for each package that was added, removed or has another version."""
    old, new = locked_versions(before), locked_versions(after)
    lines = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            lines.append(f"{name} {new[name]} added")
        elif name not in new:
            lines.append(f"{name} {old[name]} removed")
        elif old[name] != new[name]:
            lines.append(f"{name} {old[name]} → {new[name]}")
    return lines


def _entries(text: str) -> list[str]:
    _, *entries = ("\n" + text.replace("\r\n", "\n")).split(f"\n{_ENTRY}")
    if entries:
        after = _AFTER_ENTRIES.search(entries[-1])
        entries[-1] = entries[-1][: after.start()] if after else entries[-1]
    return entries


def _identity(entry: str) -> tuple[str, ...] | None:
    """Name, version and source of an entry; None if it is not a complete entry."""
    try:
        package = tomllib.loads(f"[package]\n{entry}")["package"]
        source = package.get("source", {})
        return (package["name"], package["version"], source.get("url", ""), source.get("resolved_reference", ""))
    except (tomllib.TOMLDecodeError, KeyError, AttributeError):
        return None

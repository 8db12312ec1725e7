"""A further lock of a project, in the terms of the project: groups are `LOCK:GROUP`, and paths start at the root."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from env_spec.declaration.tables import Table, normalized_name

_WITH_PATH = ("directory", "file")


def further_lock(lock: Table, *, name: str, folder: str) -> dict[str, Any]:
    """The parsed lock of a folder with other names of groups, and with paths relative to the project.

    Args:
        folder: Relative to the project.
    """
    return {**lock, "package": [_entry(entry, name, folder) for entry in lock.get("package", [])]}


def _entry(entry: Mapping[str, Any], lock: str, folder: str) -> dict[str, Any]:
    renamed = {**entry, "groups": [f"{lock}:{normalized_name(group)}" for group in entry["groups"]]}
    markers = entry.get("markers")
    if isinstance(markers, Mapping):
        renamed["markers"] = {f"{lock}:{normalized_name(group)}": marker for group, marker in markers.items()}
    source = entry.get("source", {})
    if source.get("type") in _WITH_PATH:
        renamed["source"] = {**source, "url": posixpath.normpath(posixpath.join(folder, source["url"]))}
    return renamed

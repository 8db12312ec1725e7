"""What the capsules of notebooks need: the commit that each was made from, and the parts of its datasets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from data_share.errors import RecordError
from data_share.records.objects import is_oid

# What every capsule has, so that it is recognised in any folder.
_KEYS = frozenset({"cells", "commit", "data", "notebook"})
# Of a run in a container, and of a local run.
_PLACES = frozenset({"environment", "image"})
# Where `invoke notebook.freeze` writes them.
_FOLDER = "capsules"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, kw_only=True)
class CapsuleRecord:
    """The data that a capsule needs.

    Attributes:
        source: The file.
        commit: Full name of the commit whose data the notebook read.
        datasets: The datasets that it read.
        parts: The objects of the parts that it read.
    """

    source: str
    commit: str
    datasets: frozenset[str]
    parts: frozenset[str]


def capsule_record(text: str, source: str) -> CapsuleRecord | None:
    """The data that a file needs if it is a capsule; None for any other file.

    Raises:
        RecordError: The file is a capsule, and its data cannot be read.
    """
    try:
        document = json.loads(text) if all(key in text for key in _KEYS) else None
    except ValueError as error:
        if PurePosixPath(source).parent.name != _FOLDER:
            return None
        raise RecordError(source, f"is not JSON: {error}; does it still contain a merge conflict?") from error
    if not isinstance(document, dict) or not document.keys() >= _KEYS or not document.keys() & _PLACES:
        return None
    try:
        data = document["data"]
        record = CapsuleRecord(
            source=source,
            commit=document["commit"],
            datasets=frozenset(data),
            parts=frozenset(oid for dataset in data.values() for oid in dataset["parts"].values()),
        )
        is_valid = _COMMIT.fullmatch(record.commit) and all(map(is_oid, record.parts))
    except (AttributeError, KeyError, TypeError):
        is_valid = False
    if not is_valid:
        raise RecordError(source, "is not a capsule that `invoke notebook.freeze` writes: its data cannot be read")
    return record

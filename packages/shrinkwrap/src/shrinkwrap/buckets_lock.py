"""`data/buckets.lock`: the record of datasets whose output is in a bucket, which DVC cannot track.

Git keeps it. It is to these datasets what `data/dvc.lock` is to the others; docs/decisions/0029 says why it exists.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from terminal import ShrinkwrapError

BUCKETS_LOCK: Final = "data/buckets.lock"
_VERSION: Final = 1


def read_buckets_lock(root: Path) -> dict[str, Mapping[str, Any]]:
    """The records by dataset; none if the file does not exist.

    Raises:
        ShrinkwrapError: It cannot be read, or another version wrote it.
    """
    try:
        content = json.loads((root / BUCKETS_LOCK).read_text("utf-8"))
        if content["version"] != _VERSION:
            raise ShrinkwrapError(
                f"{BUCKETS_LOCK} has version {content['version']}, and this code reads version {_VERSION}. Update it."
            )
        return dict(content["datasets"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ShrinkwrapError(
            f"{BUCKETS_LOCK} cannot be read ({error}). If it has a merge conflict, keep either side: the next"
            " `invoke data.compress` compares the buckets with it and writes it again."
        ) from None


def record_dataset(root: Path, name: str, record: Mapping[str, Any], *, known: Collection[str]) -> None:
    """Write the record of one dataset; those of datasets that are not known any more are removed.

    Raises:
        ShrinkwrapError: The file cannot be read or written.
    """
    records = {other: found for other, found in read_buckets_lock(root).items() if other in known}
    content = {"version": _VERSION, "datasets": {**records, name: record}}
    path = root / BUCKETS_LOCK
    temporary = path.with_name(f".{path.name}")
    try:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ShrinkwrapError(f"cannot write {BUCKETS_LOCK}: {error.strerror or error}") from None

"""DVC's objects: named by the MD5 of their content, a folder's list being one of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_share.errors import RecordError

FOLDER_SUFFIX = ".dir"
# Where DVC 3 keeps objects, below the cache and below a remote's URL.
AREA = "files/md5"
_OID = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a tracked folder, by its path below the folder."""

    path: str
    oid: str


def is_oid(text: str) -> bool:
    return _OID.fullmatch(text) is not None


def key(oid: str) -> str:
    """Where an object is, below the cache or the remote's URL."""
    return f"{AREA}/{oid[:2]}/{oid[2:]}"


def oid_of(key: str) -> str | None:
    """The object at `…/files/md5/ab/cdef…`; None if no object is named like that."""
    text = "".join(key.split("/")[-2:])
    return text if is_oid(text) else None


def folder_entries(content: bytes, oid: str) -> tuple[Entry, ...]:
    """The files that a folder's object lists.

    Raises:
        RecordError: It is no list, or a path in it leads out of the folder.
    """
    try:
        entries = tuple(Entry(path=item["relpath"], oid=item["md5"]) for item in json.loads(content))
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"object {oid}", f"is no list of files ({type(error).__name__})") from error
    for entry in entries:
        if not is_oid(entry.oid) or not is_inside(entry.path):
            raise RecordError(f"object {oid}", f"lists {entry.path!r}, which is outside of the folder")
    return entries


def is_inside(path: str) -> bool:
    """A relative path that does not leave the folder it is relative to."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path and "\\" not in path


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def md5_of_file(path: Path) -> str:
    """MD5 of what is in the file now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def digest_of(oid: str) -> str:
    """The MD5 that an object's content should have."""
    return oid.removesuffix(FOLDER_SUFFIX)

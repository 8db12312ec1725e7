"""DVC's objects: files named by the MD5 of their content; the list of a folder's files is an object, too."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_share.errors import RecordError

LIST_SUFFIX = ".dir"
# Where DVC 3 keeps objects, below its cache and below the URL of a remote.
OBJECTS_FOLDER = "files/md5"
_OID = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a tracked folder.

    Attributes:
        path: Relative to the folder, with slashes.
        oid: Name of its object.
    """

    path: str
    oid: str


def is_oid(text: str) -> bool:
    """Whether a text is the name of an object."""
    return _OID.fullmatch(text) is not None


def is_list(oid: str) -> bool:
    """Whether the object is the list of a folder's files."""
    return oid.endswith(LIST_SUFFIX)


def object_key(oid: str) -> str:
    """The path of an object below the cache or below the URL of a remote."""
    return f"{OBJECTS_FOLDER}/{oid[:2]}/{oid[2:]}"


def oid_of(key: str) -> str | None:
    """The object at `…/files/md5/ab/cdef…`; None if the path is not that of an object."""
    text = "".join(key.split("/")[-2:])
    return text if is_oid(text) else None


def folder_entries(content: bytes, oid: str) -> tuple[Entry, ...]:
    """The files in the list of a folder.

    Args:
        content: The object of the list.
        oid: Its name, for errors.

    Raises:
        RecordError: The content is not a list, or one of its paths leads out of the folder.
    """
    try:
        entries = tuple(Entry(path=item["relpath"], oid=item["md5"]) for item in json.loads(content))
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f"object {oid}", f"is not a list of files ({type(error).__name__})") from error
    for entry in entries:
        if not is_oid(entry.oid) or not is_inside(entry.path):
            raise RecordError(f"object {oid}", f"lists {entry.path!r}, which is outside of the folder")
    return entries


def is_inside(path: str) -> bool:
    """Whether a path is relative and stays inside the folder that it is relative to."""
    pure = PurePosixPath(path)
    # Elsewhere, a backslash is a letter of a name.
    separates = os.sep == "\\" and "\\" in path
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path and not separates


def md5_of(content: bytes) -> str:
    """The MD5 of some bytes, as DVC writes it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def md5_of_file(path: Path) -> str:
    """The MD5 of what the file contains now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def digest_of(oid: str) -> str:
    """The MD5 that the content of an object must have."""
    return oid.removesuffix(LIST_SUFFIX)

"""One hash of a folder's files that is equal for a checkout and for the same files in a commit."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

# Tests and files left by tools: they do not influence what is built or installed.
_IGNORED = frozenset(
    {".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store", "__pycache__", "build", "dist", "tests"}
)


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file; for a symbolic link, `data` is its target."""

    data: bytes
    is_executable: bool = False
    is_link: bool = False


def is_hashed(path: str) -> bool:
    """Whether the hash of a folder includes the file at this path, which is relative to the folder."""
    parts = PurePosixPath(path).parts
    return not any(part in _IGNORED or part.endswith((".egg-info", ".pyc")) for part in parts)


def is_in_project(path: str) -> bool:
    """Whether a path, which is relative to the project, is below its folder."""
    normal = posixpath.normpath(path)
    return not normal.startswith("/") and normal not in (".", "..") and not normal.startswith("../")


def folder_digest(files: Mapping[str, Content]) -> str:
    """The sha256 of a folder's files and their relative paths; times, owners and empty folders are ignored."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        if is_hashed(path):
            kind = "link" if file.is_link else "program" if file.is_executable else "file"
            digest.update(f"{kind} {path}\0{hashlib.sha256(file.data).hexdigest()}\n".encode())
    return digest.hexdigest()


# Of a folder or file that does not exist.
EMPTY_DIGEST = folder_digest({})

"""What a folder's files hold, as one hash that is the same for a checkout and for a commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

# Nothing of these is installed or built from: what tools leave behind, and the tests.
_LEFT_OUT = frozenset(
    {".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store", "__pycache__", "build", "dist", "tests"}
)


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file; of a symbolic link `data` is the target."""

    data: bytes
    is_executable: bool = False
    is_link: bool = False


def counts(path: str) -> bool:
    """The file at this path, relative to its folder, is part of what the folder stands for."""
    parts = PurePosixPath(path).parts
    return not any(part in _LEFT_OUT or part.endswith((".egg-info", ".pyc")) for part in parts)


def folder_digest(files: Mapping[str, Content]) -> str:
    """sha256 of a folder's files by relative path; time, owner and empty folders count for nothing."""
    digest = hashlib.sha256()
    for path, file in sorted(files.items()):
        if counts(path):
            kind = "link" if file.is_link else "program" if file.is_executable else "file"
            digest.update(f"{kind} {path}\0{hashlib.sha256(file.data).hexdigest()}\n".encode())
    return digest.hexdigest()

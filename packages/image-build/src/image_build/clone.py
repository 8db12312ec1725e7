"""This checkout of the repository: its name on a shared engine, and the lock that allows one build at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from image_build.errors import ImageBuildError


def clone_name(root: Path) -> str:
    """A short, stable name that distinguishes this checkout from others that use the same engine."""
    return hashlib.sha256(f"{socket.gethostname()} {root.resolve()}".encode()).hexdigest()[:8]


@contextmanager
def exclusive_build(root: Path) -> Iterator[None]:
    """Hold the build lock of this checkout. The kernel releases it when the process ends, however that happens.

    Raises:
        ImageBuildError: Another build of this checkout is running.
    """
    path = root / ".shrinkwrap" / "image-build.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise ImageBuildError(
                f"another build of this clone is running ({owner}); wait for it or stop it. It holds the lock {path}."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}")
        file.flush()
        yield
        with suppress(OSError):
            file.truncate(0)

"""Locks on folders. The kernel releases a lock when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock_folder(folder: Path, kind: int) -> int:
    """Lock a folder and return a file descriptor; closing it releases the lock.

    Args:
        kind: A constant of `fcntl`: `LOCK_SH` or `LOCK_EX`, with `LOCK_NB` to return at once.

    Raises:
        BlockingIOError: Another process has the lock, and the call was not to wait.
        OSError: The folder cannot be opened, or its file system has no locks.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Wait until no other process has the folder's lock, and keep it until the block ends."""
    descriptor = lock_folder(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)

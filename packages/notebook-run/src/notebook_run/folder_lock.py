"""Locks on folders: the kernel gives one back with the process that held it, however that ended."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock(folder: Path, kind: int) -> int:
    """A handle that has the lock until it is closed.

    Args:
        kind: Of `fcntl`: `LOCK_SH` or `LOCK_EX`, with `LOCK_NB` for not to wait.

    Raises:
        BlockingIOError: Somebody else has it, and it was not to be waited for.
        OSError: The folder cannot be opened, or its file system has no locks.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, kind)
    except BaseException:
        os.close(handle)
        raise
    return handle


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Have a folder alone, as soon as whoever has it is done."""
    handle = lock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(handle)

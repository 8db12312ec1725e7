"""A kernel lock, so that only one process at a time installs into the environments of a repository."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from env_make.report import OnLine


@contextmanager
def exclusive_lock(path: Path, on_line: OnLine) -> Iterator[int]:
    """Hold the lock of a file; yields its file descriptor.

    The kernel releases the lock when the last process that has the descriptor ends, however it ends. Pass it to child
    processes: if only this process is killed, the next one then waits until uv or Poetry has ended too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_line("waiting for another run to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()

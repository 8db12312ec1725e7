"""How the process's memory allocator treats freed memory."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

import pyarrow as pa

# From malloc.h of glibc.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_ARENAS: Final = 2
"""What one thread has freed is of use to few others: each arena keeps memory of its own."""

_LARGEST_ALLOWED_BYTES: Final = 32 << 20
"""glibc refuses a larger M_MMAP_THRESHOLD."""


@cache
def keep_freed_memory() -> None:
    """Let the C library keep the blocks that a conversion frees, up to 32 MB each, for its next blocks.

    By default, it returns them to the system at once, and the next block pays for fresh pages: a fifth of the CPU time
    of a conversion. Arrow takes its memory from there too: with a pool of its own, a conversion of a long file takes 60
    MB more. Other C libraries than glibc have no such setting; nothing happens there.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    set_option(_M_MMAP_THRESHOLD, _LARGEST_ALLOWED_BYTES)
    set_option(_M_TRIM_THRESHOLD, 8 * _LARGEST_ALLOWED_BYTES)
    set_option(_M_ARENA_MAX, _ARENAS)
    pa.set_memory_pool(pa.system_memory_pool())


def return_freed_memory() -> None:
    """Return to the system what `keep_freed_memory` keeps: holes between the arrays of blocks, up to 200 MB.

    That takes a hundredth of the time of writing a row group, and is for large ones only.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
    pa.default_memory_pool().release_unused()

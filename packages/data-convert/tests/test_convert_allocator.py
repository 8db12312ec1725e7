"""The setting of the memory allocator during a conversion."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import Final

import pytest

_FAULTS: Final = """\
import resource
from data_convert.conversion.memory import keep_freed_memory
keep_freed_memory()
for run in range(20):
    if run == 3:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(b"x") * (4 << 20) for _ in range(10)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")
def test_freed_memory_is_used_again() -> None:
    """Ten blocks of 4 MB, freed and allocated again, need no fresh pages: by default, each needs a thousand."""
    run = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 5_000

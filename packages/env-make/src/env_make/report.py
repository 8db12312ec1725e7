"""Progress of an installation."""

from __future__ import annotations

import sys
from collections.abc import Callable

OnLine = Callable[[str], None]


def print_line(line: str) -> None:
    """Print a line on standard error; used unless the caller passes a function of its own."""
    sys.stderr.write(f"{line}\n")

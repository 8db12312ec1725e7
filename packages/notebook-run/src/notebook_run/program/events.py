"""Lines of JSON in which the program reports each step to the host."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

_streams: list[TextIO] = []


def reserve_standard_output() -> None:
    """Keep standard output for events: output that a kernel writes past Jupyter is sent to standard error."""
    _streams.append(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)


def report(event: str, **facts: Any) -> None:
    """Write an event."""
    stream = _streams[-1] if _streams else sys.stdout
    stream.write(json.dumps({"event": event, **facts}) + "\n")
    stream.flush()

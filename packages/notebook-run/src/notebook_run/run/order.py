"""What the program that runs a notebook reads: its text, and the order on its command line."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from notebook_run.run.place import Program
from notebook_run.run.program_text import program_text
from notebook_run.run.request import RunRequest


def program(request: RunRequest) -> Program:
    """The program for a request."""
    order = {
        "name": request.notebook.name,
        "parameters": dict(request.parameters),
        "timeout_s": request.cell_timeout_s,
        "max_text": request.notebook.max_text_bytes,
        "max_output": request.notebook.max_output_bytes,
    }
    return Program(text=program_text(), order=order)


def encoded(order: Mapping[str, Any]) -> str:
    """An order as one word of a command line."""
    return base64.b64encode(json.dumps(order).encode()).decode()

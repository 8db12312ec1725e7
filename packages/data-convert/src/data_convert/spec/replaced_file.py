"""Replaces a text file completely or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from data_convert.errors import OutputError


def replace_text(path: Path, text: str) -> None:
    """Write the text to a new file next to `path`, and rename it to `path`.

    Raises:
        OutputError: It cannot be written; the old file is unchanged.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(path, error) from error

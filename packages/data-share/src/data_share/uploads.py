"""Uploads in parts that were begun and not completed: what the server gave us of them, so that they can go on."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Buckets abort uploads that nobody completes within some days; what is older than one is not counted on.
_VALID_S = 86400


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload of which some parts are there.

    Attributes:
        etags: Of the parts that are there, from the first on.
    """

    upload_id: str
    size_bytes: int
    part_bytes: int
    etags: tuple[str, ...]
    at: float

    @property
    def sent_bytes(self) -> int:
        return min(self.size_bytes, self.part_bytes * len(self.etags))


class BegunUploads:
    """The uploads by the URL of what they will be, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def find(self, url: str, size_bytes: int, part_bytes: int) -> Upload | None:
        """The upload, if there is one of that size that is not too old."""
        with self._lock:
            entry = self._read().get(url)
        if entry is None:
            return None
        try:
            upload = Upload(**{**entry, "etags": tuple(entry["etags"])})
        except (TypeError, KeyError):
            return None
        fits = (upload.size_bytes, upload.part_bytes) == (size_bytes, part_bytes)
        return upload if fits and time.time() - upload.at < _VALID_S else None

    def keep(self, url: str, upload: Upload) -> None:
        """Remember it; that this cannot be written only means that it will begin anew."""
        with self._lock:
            self._write({**self._read(), url: asdict(upload)})

    def forget(self, url: str) -> None:
        with self._lock:
            entries = self._read()
            if entries.pop(url, None) is not None:
                self._write(entries)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, entries: dict[str, dict[str, Any]]) -> None:
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            partial.write_text(json.dumps(entries))
            partial.replace(self._file)

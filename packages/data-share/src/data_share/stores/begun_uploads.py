"""A file that remembers multipart uploads which were begun and not completed, so that the next push continues them."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Buckets abort incomplete uploads after some days; an upload of this age may be gone.
_VALID_S = 86400


@dataclass(frozen=True, kw_only=True)
class BegunUpload:
    """A multipart upload of which the server has some parts.

    Attributes:
        etags: ETags of these parts, from the first part on.
        at: Time of the last part, in seconds since the epoch.
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
    """The begun uploads by the URL of their objects, in a file; any thread may use it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def find(self, url: str, *, size_bytes: int, part_bytes: int) -> BegunUpload | None:
        """The upload of an object with these sizes, if it is not too old."""
        with self._lock:
            entry = self._read().get(url)
        if entry is None:
            return None
        try:
            upload = BegunUpload(**{**entry, "etags": tuple(entry["etags"])})
        except (TypeError, KeyError):
            return None
        fits = (upload.size_bytes, upload.part_bytes) == (size_bytes, part_bytes)
        return upload if fits and time.time() - upload.at < _VALID_S else None

    def save(self, url: str, upload: BegunUpload) -> None:
        """Remember an upload; if that fails, the next push starts it from the beginning."""
        with self._lock:
            self._write({**self._read(), url: asdict(upload)})

    def forget(self, url: str) -> None:
        """Remove an upload from the file."""
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

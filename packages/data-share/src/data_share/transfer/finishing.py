"""What follows when all objects have moved: the costs of a second listing, and of placing files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from data_share.stores.store import ListingCost

# On a machine with two cores: a request, and a listed object of its answer.
_REQUEST_S, _LISTED_S = 0.001, 0.00005
# DVC starts; the work on each file except for what the file system does, which `measure_placing` measures.
_START_S, _START_WITHOUT_BYTECODE_S, _FILE_S = 0.7, 1.9, 0.0003
# What the file system and MD5 take, if they are not measured.
_SYSTEM_FILE_S, _BYTE_S = 0.0003, 3e-9
# Fewer files, or fewer bytes, are placed sooner than they are measured.
_FEWEST_FILES, _FEWEST_BYTES = 32, 32 * 1024 * 1024
_TRIAL_FILES, _LONGEST_S, _TRIAL_BYTES, _CHUNK_BYTES = 64, 0.5, 8 * 1024 * 1024, 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Finishing:
    """What follows when all objects have moved.

    Attributes:
        fixed_s: Seconds however few the files are.
        file_s: Seconds of each file, whatever its size.
        byte_s: Seconds of each byte.
    """

    fixed_s: float = 0.0
    file_s: float = 0.0
    byte_s: float = 0.0

    def seconds(self, files: int, size_bytes: int) -> float:
        return self.fixed_s + files * self.file_s + size_bytes * self.byte_s

    def updated(self, files: int, size_bytes: int, seconds: float) -> Finishing:
        """The costs after a transfer, which corrects the term that decided its duration."""
        counts = {"fixed_s": 1, "file_s": files, "byte_s": size_bytes}
        terms = {name: count * getattr(self, name) for name, count in counts.items()}
        largest = max(terms, key=lambda name: terms[name])
        rest_s = sum(terms.values()) - terms[largest]
        return replace(self, **{largest: max(0.0, seconds - rest_s) / counts[largest]}) if terms[largest] else self


NOTHING: Final = Finishing()


def listing_again(cost: ListingCost, latency_s: float) -> Finishing:
    """What a push does at the end: it lists the remote.

    Args:
        latency_s: Of an upload, which is two round trips: the server is asked before the content is sent.
    """
    work_s = cost.requests * _REQUEST_S + cost.objects * _LISTED_S
    return Finishing(fixed_s=cost.rounds * latency_s / 2 + work_s)


def first_placing() -> Finishing:
    """A guess of what placing files costs. How long DVC starts depends on whether Python has its bytecode."""
    start_s = _START_S if _has_bytecode("dvc") else _START_WITHOUT_BYTECODE_S
    return Finishing(fixed_s=start_s, file_s=_SYSTEM_FILE_S + _FILE_S, byte_s=_BYTE_S)


def measure_placing(folder: Path, files: int, size_bytes: int) -> Finishing:
    """What placing files costs, for the terms that are large enough to be measured; nothing is left behind.

    Args:
        folder: A folder on the disk of the working tree.
        files: How many are to be placed.
        size_bytes: What they contain together.
    """
    costs = first_placing()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".trial-", dir=folder) as name:
            if files >= _FEWEST_FILES:
                costs = replace(costs, file_s=_seconds_per_file(Path(name), files) + _FILE_S)
            if size_bytes >= _FEWEST_BYTES:
                costs = replace(costs, byte_s=_seconds_per_byte(Path(name)))
    except OSError:
        # If this disk cannot be written, placing the files will say so.
        return first_placing()
    return costs


def _seconds_per_file(folder: Path, files: int) -> float:
    """Like DVC: create a file for a reflink, which most file systems refuse, then a temporary one, and rename it."""
    started_s = time.perf_counter()
    count = 0
    while count < min(files, _TRIAL_FILES) and time.perf_counter() - started_s < _LONGEST_S:
        target, temporary = folder / f"{count}", folder / f"{count}.tmp"
        target.touch()
        target.unlink()
        temporary.touch()
        temporary.chmod(0o644)
        temporary.replace(target)
        count += 1
    return (time.perf_counter() - started_s) / count


def _seconds_per_byte(folder: Path) -> float:
    """Copy a file, and hash it."""
    content = os.urandom(_CHUNK_BYTES)
    file = folder / "copy"
    started_s = time.perf_counter()
    with file.open("wb") as target:
        for _ in range(_TRIAL_BYTES // _CHUNK_BYTES):
            target.write(content)
    hashed = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as source:
        for chunk in iter(lambda: source.read(_CHUNK_BYTES), b""):
            hashed.update(chunk)
    return (time.perf_counter() - started_s) / _TRIAL_BYTES


def _has_bytecode(package: str) -> bool:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return False
    # The package itself may be imported here. Its command line only runs as the program.
    command_line = Path(spec.origin).with_name("cli") / "__init__.py"
    return Path(importlib.util.cache_from_source(str(command_line))).exists()

"""What `data/buckets.lock` records of a dataset whose output is in a bucket: what was read, and what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_convert.reading.sources import find_sources
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.spec.spec_file import load_specs, select_specs
from dataset_spec import DATASETS_FILE, read_datasets
from s3_access import is_s3_url


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a place at one time.

    Attributes:
        sha256: Digest over a line for each file: its size, its version, and its name.
    """

    files: int
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, files: Iterable[tuple[str, int, str]]) -> Listing:
        """The listing of files, each with its name, its size and its version."""
        digest, count, total = hashlib.sha256(), 0, 0
        for name, size_bytes, version in sorted(files):
            digest.update(f"{size_bytes} {version} {name}\n".encode("utf-8", "surrogateescape"))
            count, total = count + 1, total + size_bytes
        return cls(files=count, size_bytes=total, sha256=digest.hexdigest())

    def facts(self) -> dict[str, Any]:
        """The listing as plain data."""
        return {"files": self.files, "bytes": self.size_bytes, "sha256": self.sha256}


def bucket_record(root: Path, name: str) -> dict[str, Any]:
    """The present state of a dataset whose output is in a bucket. Reads two listings, and no object.

    Raw files of a folder are read, because only their content shows whether they changed.

    Args:
        root: The project.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, the name is unknown, there are no raw files, or the server refuses.
    """
    from data_convert.reading.streams import digest_of
    from data_convert.storage.object_listing import list_objects
    from data_convert.writing.provenance import FORMAT, Provenance

    path = root / DATASETS_FILE
    (spec,) = select_specs(load_specs(path), [name])
    if is_s3_url(spec.source):
        read = _listing_of(path.parent, spec)
    else:
        read = Listing.of((s.name, s.size_bytes, digest_of(s).sha256) for s in find_sources(path.parent, spec))
    # Everything below the prefix: also rejects files, and what does not belong there.
    written = Listing.of((found.name, found.size_bytes, found.version) for found in list_objects(spec.output))
    return {
        "description": _digest_of(dict(read_datasets(root)[name].table)),
        "format": f"{FORMAT}, {Provenance.writer}",
        "source": {"where": spec.source, **read.facts()},
        "output": {"where": spec.output, **written.facts()},
    }


def source_listing(root: Path, name: str) -> Listing:
    """The raw files of a dataset whose source is in a bucket.

    Args:
        root: The project.

    Raises:
        ShrinkwrapError: datasets.toml is wrong, the name is unknown, there are no raw files, or the server refuses.
    """
    path = root / DATASETS_FILE
    (spec,) = select_specs(load_specs(path), [name])
    return _listing_of(path.parent, spec)


def _listing_of(data_folder: Path, spec: DatasetSpec) -> Listing:
    return Listing.of((s.name, s.size_bytes, s.file.version or "") for s in find_sources(data_folder, spec))


def _digest_of(table: dict[str, Any]) -> str:
    text = json.dumps(table, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

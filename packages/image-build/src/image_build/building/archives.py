"""Compares two images in OCI archives, down to the file that differs."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from image_build.errors import ImageBuildError

_SHOWN = 20
_FACTS = ("type", "mode", "owner", "time", "link", "size", "content")


@dataclass(frozen=True, kw_only=True)
class ArchivedImage:
    """An image in an OCI archive.

    Attributes:
        layers: Their digests, starting with those of the base.
    """

    digest: str
    config: Mapping[str, Any]
    layers: tuple[str, ...]


def read_archive(path: Path) -> ArchivedImage:
    """The image in an OCI archive, which must be the only one."""
    with tarfile.open(path) as archive:
        index = json.loads(_member(archive, "index.json").read())
        digest = index["manifests"][0]["digest"]
        manifest = json.loads(_blob(archive, digest).read())
        config = json.loads(_blob(archive, manifest["config"]["digest"]).read())
    return ArchivedImage(digest=digest, config=config, layers=tuple(layer["digest"] for layer in manifest["layers"]))


def compare_archives(first: Path, second: Path) -> list[str]:
    """One line for each difference between two images; no lines only if their digests are equal."""
    one, other = read_archive(first), read_archive(second)
    if one.digest == other.digest:
        return []
    lines = [
        f"configuration: {key} is {one.config.get(key)!r} and {other.config.get(key)!r}"
        for key in sorted(one.config.keys() | other.config.keys())
        if key != "rootfs" and one.config.get(key) != other.config.get(key)
    ]
    if len(one.layers) != len(other.layers):
        return [*lines, f"one has {len(one.layers)} layers, the other {len(other.layers)}"]
    with tarfile.open(first) as archive, tarfile.open(second) as counterpart:
        for number, (left, right) in enumerate(zip(one.layers, other.layers, strict=True), start=1):
            if left != right:
                found = _compare_layers(_entries(_blob(archive, left)), _entries(_blob(counterpart, right)))
                layer = f"layer {number}{_step(one, number)}"
                lines += [f"{layer}: {line}" for line in found or ["only its compression differs"]]
    return lines[:_SHOWN] + ([f"… and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else [])


def _step(image: ArchivedImage, number: int) -> str:
    """The step that made a layer, in parentheses; empty if the configuration does not have it."""
    steps = [entry.get("created_by", "") for entry in image.config.get("history", []) if not entry.get("empty_layer")]
    is_known = len(steps) == len(image.layers) and steps[number - 1]
    return f" ({steps[number - 1].removesuffix(' # buildkit')})" if is_known else ""


def _compare_layers(one: Mapping[str, tuple[Any, ...]], other: Mapping[str, tuple[Any, ...]]) -> list[str]:
    lines = []
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            lines.append(f"{name} is only in the {'first' if name in one else 'second'}")
            continue
        differing = [
            f"{fact} {left} and {right}"
            for fact, left, right in zip(_FACTS, one[name], other[name], strict=True)
            if left != right
        ]
        if differing:
            lines.append(f"{name}: {', '.join(differing)}")
    if not lines and list(one) != list(other):
        lines.append("the order of the files differs")
    return lines


def _entries(blob: IO[bytes]) -> dict[str, tuple[Any, ...]]:
    with tarfile.open(fileobj=uncompressed(blob), mode="r|") as layer:
        return {
            entry.name: (
                entry.type.decode(),
                oct(entry.mode),
                f"{entry.uid}:{entry.gid}",
                entry.mtime,
                entry.linkname,
                entry.size,
                _content_hash(layer.extractfile(entry) if entry.isfile() else None),
            )
            for entry in layer
        }


def _content_hash(file: IO[bytes] | None) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20) if file else b"":
        digest.update(chunk)
    return digest.hexdigest()[:12]


def _blob(archive: tarfile.TarFile, digest: str) -> IO[bytes]:
    return _member(archive, f"blobs/{digest.replace(':', '/')}")


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise ImageBuildError(f"{name} in the archive {archive.name!r} is not a file")
    return file


def uncompressed(blob: IO[bytes]) -> IO[bytes]:
    """The tar file in a layer, without its gzip or zstd compression."""
    start = blob.read(4)
    blob.seek(0)
    if start[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=blob))
    if start != b"\x28\xb5\x2f\xfd":
        return blob
    import zstandard

    return zstandard.ZstdDecompressor().stream_reader(blob)

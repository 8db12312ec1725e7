"""The comparison of two archives names the file that differs."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from image_build.building.archives import compare_archives, read_archive


def layer(**files: tuple[str, int]) -> bytes:
    """A layer of files with their content and modification time."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, (content, mtime) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), mtime
            tar.addfile(entry, io.BytesIO(content.encode()))
    return gzip.compress(stream.getvalue(), mtime=0)


def archive(path: Path, *layers: bytes, **config: Any) -> Path:
    """An OCI archive with one image."""
    blobs: dict[str, bytes] = {}

    def add(content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[f"blobs/{digest.replace(':', '/')}"] = content
        return digest

    manifest = {
        "config": {"digest": add(json.dumps(config).encode())},
        "layers": [{"digest": add(content)} for content in layers],
    }
    index = {"manifests": [{"digest": add(json.dumps(manifest).encode())}]}
    blobs["index.json"] = json.dumps(index).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in blobs.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_equal_images_do_not_differ(tmp_path: Path) -> None:
    """Images with the same layers and configuration have no differences."""
    one = archive(tmp_path / "1", layer(a=("x", 1)))
    assert compare_archives(one, archive(tmp_path / "2", layer(a=("x", 1)))) == []
    assert len(read_archive(one).layers) == 1


def test_the_differing_file_is_named(tmp_path: Path) -> None:
    """The line has the layer, the file and the difference: time, content, or that it is missing."""
    one = archive(tmp_path / "1", layer(same=("x", 1)), layer(a=("x", 1), b=("old", 1), c=("x", 1)))
    other = archive(tmp_path / "2", layer(same=("x", 1)), layer(a=("x", 2), b=("new", 1)))
    lines = compare_archives(one, other)
    assert lines[0] == "layer 2: a: time 1 and 2"
    assert lines[1].startswith("layer 2: b: content ")
    assert lines[2] == "layer 2: c is only in the first"


def test_the_step_of_a_layer_is_named(tmp_path: Path) -> None:
    """A history with an entry for each layer has the step that made it; an incomplete history does not."""
    steps = [{"created_by": "imported"}, {"created_by": "USER 1000", "empty_layer": True}]
    for history, name in (
        ([*steps, {"created_by": "COPY /out/ / # buildkit"}], "layer 2 (COPY /out/ /)"),
        (steps, "layer 2"),
    ):
        one, other = (
            archive(tmp_path / time, layer(), layer(a=("x", int(time))), history=history) for time in ("1", "2")
        )
        assert compare_archives(one, other) == [f"{name}: a: time 1 and 2"]


def test_the_configuration_is_compared(tmp_path: Path) -> None:
    """A key of the configuration that differs is reported with both values."""
    one, other = (archive(tmp_path / time, layer(), created=time) for time in ("1", "2"))
    assert compare_archives(one, other) == ["configuration: created is '1' and '2'"]


def test_another_order_of_files_is_reported(tmp_path: Path) -> None:
    """The same files in another order make another layer."""
    one = archive(tmp_path / "1", layer(a=("x", 1), b=("x", 1)))
    other = archive(tmp_path / "2", layer(b=("x", 1), a=("x", 1)))
    assert compare_archives(one, other) == ["layer 1: the order of the files differs"]

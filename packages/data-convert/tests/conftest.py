"""A folder with raw files and a dataset that describes them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from data_convert.convert import convert_dataset
from data_convert.report import ConversionReport
from data_convert.spec import ColumnSpec, DatasetSpec
from data_convert.verification.dataset_check import VerifyReport, verify_dataset


def _zipped(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.csv", text)
    return buffer.getvalue()


COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    ".gz": lambda text: gzip.compress(text, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".zip": _zipped,
}


class Lab:
    """The dataset `trees`: raw files in `raw`, parts in `parts`, both below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.compress = COMPRESS

    def spec(self, columns: dict[str, Any] | None = None, **settings: Any) -> DatasetSpec:
        """A spec whose columns are given as name -> type, or name -> keyword arguments of ColumnSpec."""
        layout = tuple(
            ColumnSpec(**{"name": name, "header": name, **({"type": kind} if isinstance(kind, str) else kind)})
            for name, kind in (columns or {"id": "int32", "kind": "string"}).items()
        )
        return DatasetSpec(**{"name": "trees", "source": "raw", "output": "parts", "layout": layout, **settings})

    def raw(self, name: str, content: str | bytes) -> Path:
        """Write a raw file; its text as it is, without translated line ends."""
        path = self.root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def convert(self, spec: DatasetSpec, **options: Any) -> ConversionReport:
        """Convert with two threads."""
        return convert_dataset(spec, root=self.root, **{"jobs": 2, **options})

    def verify(self, spec: DatasetSpec, **options: Any) -> VerifyReport:
        """Verify with two processes allowed."""
        return verify_dataset(spec, root=self.root, **{"jobs": 2, **options})

    def part(self, name: str = "a.parquet") -> Path:
        """Where a part is."""
        return self.root / "parts" / name

    def table(self, name: str = "a.parquet") -> pa.Table:
        """What a part holds."""
        return pq.read_table(self.part(name))

    def rejects(self, name: str = "a.rejects.csv") -> list[list[str]]:
        """The rows of a rejects file, without its header; none if there is no file."""
        path = self.part(name)
        if not path.exists():
            return []
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return list(csv.reader(file))[1:]

    def left(self) -> list[str]:
        """Names of all files in the output folder."""
        folder = self.root / "parts"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A place of its own to convert in."""
    return Lab(tmp_path)

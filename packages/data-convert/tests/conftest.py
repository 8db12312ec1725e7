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

from data_convert.conversion.conversion_report import ConversionReport
from data_convert.conversion.dataset_conversion import convert_dataset
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
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
    """The dataset `trees`: raw files in `raw`, parts in `parts`, both below the data folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.compress = COMPRESS

    def spec(self, columns: dict[str, Any] | None = None, **settings: Any) -> DatasetSpec:
        """A spec with columns from name -> type, or from name -> keyword arguments of ColumnSpec.

        Any share of the rows may be rejected.
        """
        layout = tuple(
            ColumnSpec(**{"name": name, "header": name, **({"type": kind} if isinstance(kind, str) else kind)})
            for name, kind in (columns or {"id": "int32", "kind": "string"}).items()
        )
        usual = {"name": "trees", "source": "raw", "output": "parts", "layout": layout, "max_rejects": 1.0}
        return DatasetSpec(**{**usual, **settings})

    def raw(self, name: str, content: str | bytes) -> Path:
        """Write a raw file without translating its line ends."""
        path = self.root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def convert(self, spec: DatasetSpec, **options: Any) -> ConversionReport:
        """Convert with two threads."""
        return convert_dataset(spec, data_folder=self.root, **{"jobs": 2, **options})

    def verify(self, spec: DatasetSpec, **options: Any) -> VerifyReport:
        """Verify with two processes allowed."""
        return verify_dataset(spec, data_folder=self.root, **{"jobs": 2, **options})

    def part(self, name: str = "a.parquet") -> Path:
        """Path of a part."""
        return self.root / "parts" / name

    def table(self, name: str = "a.parquet") -> pa.Table:
        """Content of a part."""
        return pq.read_table(self.part(name))

    def rejects_file(self, name: str = "a.csv") -> Path:
        """Path of a rejects file."""
        return self.root / "rejects" / "trees" / name

    def rejects(self, name: str = "a.csv") -> list[list[str]]:
        """The rows of a rejects file, without its header; none if there is no file."""
        path = self.rejects_file(name)
        if not path.exists():
            return []
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return list(csv.reader(file))[1:]

    def left(self) -> list[str]:
        """Names of all files in the output folder."""
        return self._names(self.root / "parts")

    def left_rejects(self) -> list[str]:
        """Names of all files in the folder of the rejects."""
        return self._names(self.root / "rejects" / "trees")

    def _names(self, folder: Path) -> list[str]:
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An empty data folder to convert in."""
    return Lab(tmp_path)

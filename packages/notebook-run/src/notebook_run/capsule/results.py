"""The files that a run wrote to its results folder, in the form in which two runs are compared."""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from notebook_run.outputs.cell_outputs import picture_output

# The files of results are committed to git next to the capsule. Of a larger file, the capsule has only the hash.
LARGEST_KEPT_BYTES: Final = 500_000
# Larger Parquet files are compared by their bytes: reading their values takes minutes.
_LARGEST_TABLE_BYTES: Final = 20_000_000
_BLOCK_ROWS: Final = 65_536
_BLOCK_BYTES: Final = 1_048_576
# When and by whom it was made.
_WORKBOOK_TIMES: Final = "docProps/core.xml"
# They are in the folder of a notebook's results, but no run of the notebook wrote them.
_REPRODUCTION: Final = ("reproduction", "reproduction.html")
_FIGURE: Final = re.compile(r"figures/(.+)-\d+\.png")


@dataclass(frozen=True, kw_only=True)
class ResultFile:
    """A file of a run.

    Attributes:
        hash: `KIND SHA256`: of a picture the pixels, of a table (Parquet) names, types and values, of other files the
            bytes, unpacked.
        content: None if it is too large to keep.
    """

    hash: str
    content: bytes | None = None


def result_files(folder: Path, name: str, cells: Collection[str]) -> dict[str, ResultFile]:
    """The files of a results folder by their path in it.

    The executed notebook, its page and the pictures of its cells are left out: they are outputs of cells.

    Args:
        name: Of the notebook.
        cells: The ids of its cells.
    """
    return {path: result_file(folder / path) for path in sorted(_paths(folder, name, cells))}


def result_file(path: Path) -> ResultFile:
    """A file with its hash."""
    size_bytes = path.stat().st_size
    content = path.read_bytes() if size_bytes <= LARGEST_KEPT_BYTES else None
    return ResultFile(hash=_hash(path, size_bytes), content=content)


def file_text(content: bytes) -> str | None:
    """The text of a file; None if it is no text."""
    try:
        return None if b"\0" in content else content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _paths(folder: Path, name: str, cells: Collection[str]) -> Iterator[str]:
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        text, figure = relative.as_posix(), _FIGURE.fullmatch(relative.as_posix())
        is_own = text in (f"{name}.ipynb", f"{name}.html") or relative.parts[0] in _REPRODUCTION
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and not (is_own or is_hidden or (figure and figure[1] in cells)):
            yield text


def _hash(path: Path, size_bytes: int) -> str:
    if path.suffix == ".png" and (output := picture_output(path.read_bytes())).picture:
        return output.hash
    if path.suffix == ".parquet" and size_bytes <= _LARGEST_TABLE_BYTES and (digest := _table_digest(path)):
        return f"table {digest}"
    return f"file {_unpacked_digest(path) or _digest(path)}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpacked_digest(path: Path) -> str | None:
    """The hash of what is packed: the packed bytes contain the time. None for any other file, or a damaged one."""
    try:
        if path.suffix == ".gz":
            return _stream_digest(gzip.open(path))
        # A workbook is an archive, too.
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = sorted(set(archive.namelist()) - {_WORKBOOK_TIMES})
                members = [f"{name} {_stream_digest(archive.open(name))}\n" for name in names]
            return hashlib.sha256("".join(members).encode()).hexdigest()
    except (OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile):
        pass
    return None


def _stream_digest(stream: IO[bytes] | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    with stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _table_digest(path: Path) -> str | None:
    """The hash of names, types and values, whatever the row groups and encodings; None if it cannot be read."""
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            # Metadata names the versions of libraries.
            fields = [(field.name, str(field.type)) for field in file.schema_arrow]
            columns = [hashlib.sha256(repr(field).encode()) for field in fields]
            for batch in file.iter_batches(_BLOCK_ROWS):
                for column, digest in zip(batch.columns, columns, strict=True):
                    digest.update("".join(f"{value!r}\n" for value in column.to_pylist()).encode())
    except (OSError, ValueError, pyarrow.ArrowException):
        return None
    return hashlib.sha256("".join(column.hexdigest() for column in columns).encode()).hexdigest()

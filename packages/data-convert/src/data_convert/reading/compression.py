"""Compressed raw files: which endings are read, how each is decompressed, and how its content begins."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import IO, Final, cast

from data_convert.errors import SourceError
from data_convert.reading.frames import FramesReader

OPENERS: Final[dict[str, Callable[[IO[bytes]], IO[bytes]]]] = {
    ".gz": lambda raw: cast(IO[bytes], gzip.GzipFile(fileobj=raw)),
    # Not bz2.BZ2File and lzma.LZMAFile, which ignore damage where a later frame starts.
    ".bz2": lambda raw: cast(IO[bytes], FramesReader(raw, bz2.BZ2Decompressor)),
    ".xz": lambda raw: cast(IO[bytes], FramesReader(raw, lzma.LZMADecompressor)),
    # Not zstandard's stream_reader, which ends without an error where a frame is truncated.
    ".zst": lambda raw: _zstd_reader(raw),
    ".zip": lambda raw: _only_member(raw),
}
"""File ending -> a reader of the decompressed bytes."""

MAGIC: Final = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PK\x03\x04": ".zip",
    b"PAR1": ".parquet",
}
"""First bytes of a file -> the ending that such a file should have."""

CORRUPTION_ERRORS: Final = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What a reader raises for truncated or corrupt data."""


_ENCRYPTED: Final = 1
"""The bit of a member's flags."""

_SHOWN_MEMBERS: Final = 3


def _zstd_reader(raw: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa  # A tenth of a second, which a command without a .zst file saves.

    return cast(IO[bytes], pa.CompressedInputStream(raw, "zstd"))


def _only_member(raw: IO[bytes]) -> IO[bytes]:
    raw.seek(0)
    archive = zipfile.ZipFile(raw)
    members = archive_members(archive)
    if not members:
        raise SourceError(raw.name, "the archive has no file. Get it again, or remove it.")
    if len(members) > 1:
        raise SourceError(
            raw.name,
            f"the archive has {len(members):,} files ({_listed(members)}), and a raw file is one table. Unpack them"
            " into this folder, and move the archive away.",
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise SourceError(raw.name, "the archive is encrypted. Unpack it into this folder, and move it away.")
    try:
        return archive.open(members[0])
    except NotImplementedError as error:
        problem = f"the archive cannot be decompressed ({error}). Unpack it into this folder, and move it away."
        raise SourceError(raw.name, problem) from error


def archive_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive."""
    # Archives made on a Mac have a second entry per file with its attributes.
    return [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]


def _listed(members: Sequence[zipfile.ZipInfo]) -> str:
    shown = ", ".join(info.filename for info in members[:_SHOWN_MEMBERS])
    return shown if len(members) <= _SHOWN_MEMBERS else f"{shown}, …"

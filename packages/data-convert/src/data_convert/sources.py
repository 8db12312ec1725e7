"""The raw files of a dataset: which there are, and their text as a stream that proves what was read."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeVar, cast

import pyarrow as pa

from data_convert.errors import (
    NoRawDataAtAllError,
    NoRawDataError,
    PartNameClashError,
    SourceChangedError,
    SourceError,
    UnmatchedSourceError,
)
from data_convert.frames import FramesReader
from data_convert.spec import DatasetSpec

_T = TypeVar("_T")

Progress = Callable[[int], None]
"""Told the bytes on disk that have been dealt with since the last call, from any thread."""

TEXT_SUFFIXES: Final = (".csv", ".txt", ".tsv")
_OPENERS: Final[dict[str, Callable[[IO[bytes]], IO[bytes]]]] = {
    ".gz": lambda raw: cast(IO[bytes], gzip.GzipFile(fileobj=raw)),
    ".bz2": lambda raw: cast(IO[bytes], FramesReader(raw, bz2.BZ2Decompressor)),
    ".xz": lambda raw: cast(IO[bytes], FramesReader(raw, lzma.LZMADecompressor)),
    # zstandard's stream_reader ends in silence where a frame is cut off; Arrow says so.
    ".zst": lambda raw: cast(IO[bytes], pa.CompressedInputStream(raw, "zstd")),
    ".zip": lambda raw: _only_member(raw),
}
_MAGIC: Final = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
    b"PK\x03\x04": ".zip",
    b"PAR1": ".parquet",
}
_BROKEN: Final = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One raw file.

    Attributes:
        name: Its path below the dataset's folder, with forward slashes.
        size_bytes: Its size on disk, compressed or not.
    """

    path: Path
    name: str
    size_bytes: int

    @property
    def stem(self) -> str:
        """Its name without the endings of text and compression."""
        name = PurePosixPath(self.name)
        while name.suffix.lower() in (*TEXT_SUFFIXES, *_OPENERS):
            name = name.with_suffix("")
        return str(name)


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """What was read of a source.

    Attributes:
        size_bytes: Bytes on disk.
        text_bytes: Bytes of text after decompression.
        sha256: Digest of the bytes on disk.
    """

    name: str
    size_bytes: int
    text_bytes: int
    sha256: str


def find_sources(root: Path, spec: DatasetSpec) -> list[Source]:
    """The dataset's raw files below `root` (the folder of datasets.toml), sorted by name.

    Links are followed. Hidden files and files of other endings are not raw data.

    Raises:
        NoRawDataError: There is none.
        SourceError: One cannot be read, or not be named.
    """
    folder = root / spec.source
    paths = [path for path in _walk(folder) if path.match(spec.files) or spec.files in ("**/*", "*")]
    found = [path for path in paths if _is_raw_name(path.name)]
    if not found:
        others = sorted(path.name for path in _walk(folder) if not path.name.startswith("."))
        raise NoRawDataError(spec.name, folder, _wanted(spec), others=others)
    return sorted((_source(path, folder) for path in found), key=lambda source: source.name)


def _source(path: Path, folder: Path) -> Source:
    name = path.relative_to(folder).as_posix()
    if not name.isprintable() and any("\udc80" <= character <= "\udcff" for character in name):
        raise SourceError(repr(str(path)), "the file name is not valid UTF-8. Rename it.")
    try:
        return Source(path=path, name=name, size_bytes=path.stat().st_size)
    except FileNotFoundError:
        raise SourceError(path, "cannot be read: it is a link to a file that is not there") from None


def with_raw_data(
    specs: Sequence[DatasetSpec], root: Path, *, wants_all: bool
) -> tuple[list[DatasetSpec], list[NoRawDataError]]:
    """The datasets that have raw files below `root`, and what is to be said of the others.

    Raises:
        NoRawDataError: None has any, or `wants_all` and one has none.
    """
    present, missing = [], []
    for spec in specs:
        try:
            find_sources(root, spec)
            present.append(spec)
        except NoRawDataError as error:
            missing.append(error)
    if missing and (wants_all or not present):
        raise missing[0] if len(missing) == 1 else NoRawDataAtAllError(missing)
    return present, missing


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, followlinks=True):
        here = Path(parent).resolve()
        inner = ((name, (here / name).resolve()) for name in folders if not name.startswith("."))
        # A link to a folder in which it stands would be walked for ever.
        folders[:] = sorted(name for name, path in inner if path != here and path not in here.parents)
        yield from (Path(parent) / name for name in files)


def _is_raw_name(name: str) -> bool:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if name.startswith((".", "~")) or not suffixes:
        return False
    if suffixes[-1] in _OPENERS:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in TEXT_SUFFIXES


def _wanted(spec: DatasetSpec) -> str:
    endings = f"{' '.join(TEXT_SUFFIXES)} (plain or {' '.join(_OPENERS)})"
    return endings if spec.files in ("**/*", "*") else f"{spec.files} with one of {endings}"


def group_into_parts(spec: DatasetSpec, sources: list[Source]) -> dict[str, list[Source]]:
    """Part file name -> its sources in order.

    Raises:
        PartNameClashError: Without `parts`, two sources would become one part.
        UnmatchedSourceError: A file name lacks what `parts` is made of.
    """
    parts: dict[str, list[Source]] = {}
    for source in sources:
        parts.setdefault(_part_name(spec, source) + ".parquet", []).append(source)
    for part, members in parts.items():
        if spec.parts is None and len(members) > 1:
            raise PartNameClashError(spec.name, part, [member.name for member in members])
    return dict(sorted(parts.items()))


def _part_name(spec: DatasetSpec, source: Source) -> str:
    if spec.parts is None or spec.pattern is None:
        return source.stem
    match = re.search(spec.pattern, source.name)
    if match is None or None in match.groupdict().values():
        raise UnmatchedSourceError(spec.name, source.name, spec.pattern)
    return spec.parts.format(**match.groupdict())


class SourceStream:
    """The decompressed bytes of one source, with the digest of what was read of the disk."""

    def __init__(self, source: Source, raw: IO[bytes]) -> None:
        self._source = source
        self._raw = raw
        self._before = os.fstat(raw.fileno())
        self._tap = _HashingReader(raw)
        self._text_bytes = 0
        self._text = self._open()

    def _open(self) -> IO[bytes]:
        head = self._raw.read(8)
        self._raw.seek(0)
        suffix = Path(self._source.name).suffix.lower()
        actual = next((ending for magic, ending in _MAGIC.items() if head.startswith(magic)), None)
        if suffix not in _OPENERS:
            if actual is not None:
                raise SourceError(self._source.path, f"this is a {actual} file by its content. Give it that ending.")
            return cast(IO[bytes], self._tap)
        if suffix == ".zip":
            hashlib.file_digest(self._tap, "sha256")  # the directory of a zip is at its end: hash first
            return self._guarded(lambda: _OPENERS[suffix](self._raw))
        return self._guarded(lambda: _OPENERS[suffix](cast(IO[bytes], io.BufferedReader(self._tap, 1 << 20))))

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of text; fewer only at the end.

        Raises:
            SourceError: The compressed data are corrupt or end too early.
            SourceChangedError: The file is longer than when it was opened.
        """
        pieces = []
        while size > 0 and (piece := self._guarded(partial(self._text.read, size))):
            pieces.append(piece)
            size -= len(piece)
        if self._tap.size_bytes > self._before.st_size:  # at once, or a file that keeps growing is read for ever
            raise SourceChangedError(self._source.path)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._text_bytes += len(data)
        return data

    def _guarded(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise SourceError(self._source.path, f"cannot be read: {error.strerror}") from error
            ending = Path(self._source.name).suffix
            raise SourceError(
                self._source.path,
                f"the {ending} data are truncated or corrupt ({error}). Get the file again.",
            ) from error

    def facts(self) -> SourceFacts:
        """What was read, once all of it was.

        Raises:
            SourceChangedError: The file is not the one that was opened, or not as it was.
        """
        if self._tap.size_bytes < self._before.st_size:  # a zip has been read whole, and stands anywhere
            self._tap.drain()
        try:
            now = self._source.path.stat()
        except FileNotFoundError:
            raise SourceChangedError(self._source.path) from None
        if _identity(now) != _identity(self._before) or self._tap.size_bytes != self._before.st_size:
            raise SourceChangedError(self._source.path)
        return SourceFacts(
            name=self._source.name,
            size_bytes=self._tap.size_bytes,
            text_bytes=self._text_bytes,
            sha256=self._tap.digest.hexdigest(),
        )


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


class _HashingReader(io.RawIOBase):
    """Passes a file's bytes on and takes their digest on the way."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.digest.update(data)
        self.size_bytes += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = self._raw.readinto(buffer)  # type: ignore[attr-defined]
        self.digest.update(memoryview(buffer)[:size])
        self.size_bytes += size
        return int(size)

    def drain(self) -> None:
        """Read what a decompressor left behind its last block."""
        while self.read(1 << 20):
            pass


def _only_member(raw: IO[bytes]) -> IO[bytes]:
    raw.seek(0)
    archive = zipfile.ZipFile(raw)
    members = [info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(info.filename for info in members[:3]) or "none"
        raise zipfile.BadZipFile(f"it holds {len(members)} files ({names}), and one is expected: unpack it")
    return archive.open(members[0])


@contextmanager
def open_source(source: Source) -> Iterator[SourceStream]:
    """The source's text for reading.

    Raises:
        SourceError: It cannot be opened, or is not what its ending says.
    """
    try:
        raw = source.path.open("rb", buffering=0)
    except OSError as error:
        raise SourceError(source.path, f"cannot be read: {error.strerror}") from error
    with raw:
        yield SourceStream(source, cast(IO[bytes], raw))


def digest_of(source: Source) -> SourceFacts:
    """The source's facts without reading its text (`text_bytes` is 0)."""
    with source.path.open("rb", buffering=0) as raw:
        tap = _HashingReader(cast(IO[bytes], raw))
        tap.drain()
    return SourceFacts(name=source.name, size_bytes=tap.size_bytes, text_bytes=0, sha256=tap.digest.hexdigest())


def telling(read: Callable[[int], bytes], source: Source, progress: Progress) -> Callable[[int], bytes]:
    """Reads the same, and tells `progress` in bytes on disk, as near as the text read lets it."""
    told = 0

    def reading(size: int) -> bytes:
        nonlocal told
        data = read(size)
        step = min(len(data), source.size_bytes - told) if data else source.size_bytes - told
        told += step
        progress(step)
        return data

    return reading

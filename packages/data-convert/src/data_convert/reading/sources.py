"""The raw files of a dataset: which files belong to it, and which of them become one part."""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from data_convert.errors import DataConvertError, NoRawDataError, no_raw_data_error
from data_convert.reading.compression import OPENERS, archive_members
from data_convert.spec.dataset_spec import DatasetSpec
from data_convert.storage.source_folder import SourceFolder
from data_convert.storage.source_place import SourcePlace, source_place
from data_convert.storage.stored_file import StoredFile
from s3_access import StoreError
from terminal import note

TEXT_SUFFIXES: Final = (".csv", ".txt", ".tsv")
RAW_ENDINGS: Final = f"{', '.join(TEXT_SUFFIXES)}, plain or compressed"
_ARCHIVE_SUFFIXES: Final = (".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".Z")
_EVERY_FILE: Final = ("**/*", "*")


@dataclass(frozen=True, kw_only=True)
class Source:
    """One raw file.

    Attributes:
        file: Where its bytes are.
        name: Its path below the dataset's folder, with forward slashes.
    """

    file: StoredFile
    name: str

    @property
    def size_bytes(self) -> int:
        """Its size where it is stored, compressed or not."""
        return self.file.size_bytes

    @property
    def stem(self) -> str:
        """The name without the endings of text and compression."""
        name = PurePosixPath(self.name)
        while name.suffix.lower() in (*TEXT_SUFFIXES, *OPENERS):
            name = name.with_suffix("")
        return str(name)


@dataclass(frozen=True, kw_only=True)
class RawFiles:
    """One listing of the place where the raw files of a dataset are.

    Attributes:
        sources: The raw files, sorted by name.
        others: Names of all other files.
    """

    place: SourcePlace
    sources: tuple[Source, ...]
    others: tuple[str, ...]

    def remarks(self, spec: DatasetSpec) -> list[str]:
        """What the user should know of the names: archives that are not read, and names that may collide."""
        hints = sorted(f"not read: {hint}" for name in self.others if (hint := _archive_hint(self.place, name)))
        parts = group_into_parts(spec, list(self.sources))
        return hints + [
            f"{' and '.join(names)} differ only in case. On disks of Windows and macOS they are one file: rename a raw"
            " file."
            for names in equal_but_for_case(parts)
        ]


def find_sources(data_folder: Path, spec: DatasetSpec) -> list[Source]:
    """The dataset's raw files, sorted by name; see `find_raw_files`."""
    return list(find_raw_files(data_folder, spec).sources)


def find_raw_files(data_folder: Path, spec: DatasetSpec) -> RawFiles:
    """List the dataset's raw files.

    Hidden files and files with other endings are not raw data.

    Args:
        data_folder: Folder of datasets.toml.

    Raises:
        NoRawDataError: There are none.
        SourceError: One cannot be read, or its name cannot be stored.
        StoreError: The server of a bucket refuses the listing, or cannot be reached.
    """
    place = source_place(data_folder, spec.source)
    names = list(place.names())
    found = {name for name in names if _belongs(place, name, spec)}
    if not found:
        raise _nothing_found(place, names, spec)
    return RawFiles(
        place=place,
        sources=tuple(Source(file=place.file(name), name=name) for name in sorted(found)),
        others=tuple(name for name in names if name not in found),
    )


def check_raw_data(data_folder: Path, spec: DatasetSpec) -> None:
    """Check that the dataset has raw files; the listing of a bucket ends at the first one.

    Raises:
        NoRawDataError: There are none.
        SourceError: A file of a folder cannot be read, or its name cannot be stored.
        StoreError: The server of a bucket refuses the listing, or cannot be reached.
    """
    place = source_place(data_folder, spec.source)
    if isinstance(place, SourceFolder) or not any(_belongs(place, name, spec) for name in place.names()):
        find_raw_files(data_folder, spec)


def _belongs(place: SourcePlace, name: str, spec: DatasetSpec) -> bool:
    """Whether the file is raw data of the dataset."""
    path = PurePosixPath(place.where, name)
    return is_raw_name(path.name) and (spec.files in _EVERY_FILE or path.match(spec.files))


def _nothing_found(place: SourcePlace, names: Sequence[str], spec: DatasetSpec) -> DataConvertError:
    if not names and place.is_single_file:
        return DataConvertError(
            f"{spec.name}: `source` = {spec.source!r} is a file and must be a folder. Declare its folder as `source`"
            f" and `files` = {PurePosixPath(spec.source).name!r}."
        )
    others = sorted((name for name in names if not PurePosixPath(name).name.startswith(".")), key=PurePosixPath)
    return NoRawDataError(
        spec.name,
        place.where,
        _expected_text(spec),
        others=[PurePosixPath(name).name for name in others],
        hints=[hint for name in others if (hint := _archive_hint(place, name))],
    )


def equal_but_for_case(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that differ only in case."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[name.casefold()].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _archive_hint(place: SourcePlace, file: str) -> str | None:
    """What to do with a compressed file whose name is not that of a raw file; None for other files."""
    path = PurePosixPath(file)
    name, suffix = path.name, path.suffix
    if name.startswith((".", "~")) or is_raw_name(name):
        return None
    if suffix in _ARCHIVE_SUFFIXES or name.lower().endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")):
        return f"{name} is an archive. Unpack it."
    if suffix.lower() not in OPENERS:
        return None
    if suffix.lower() == ".zip" and (files := _zip_members(place, file)) is not None and len(files) != 1:
        return f"{name} is an archive of {len(files):,} files. Unpack it."
    return f"{name} is compressed, but its name does not say what it has. Rename it to {path.stem}.csv{suffix}."


def _zip_members(place: SourcePlace, name: str) -> list[str] | None:
    """The files of an archive; None if it cannot be opened, or only with requests to a server."""
    if not isinstance(place, SourceFolder):
        return None
    try:
        with zipfile.ZipFile(place.folder / name) as archive:
            return [member.filename for member in archive_members(archive)]
    except (OSError, zipfile.BadZipFile):
        return None


def with_raw_data(specs: Sequence[DatasetSpec], data_folder: Path, *, is_each_required: bool) -> list[DatasetSpec]:
    """The datasets that have raw files; the others are named on standard error.

    Args:
        data_folder: Folder of datasets.toml.
        is_each_required: Whether a dataset without raw files is an error, because the user named it.

    Raises:
        DataConvertError: No dataset has raw files, or a required one has none.
        StoreError: The server of a required one refuses, or cannot be reached.
    """
    present, missing = [], []
    for spec in specs:
        try:
            check_raw_data(data_folder, spec)
            present.append(spec)
        except NoRawDataError as error:
            missing.append(error)
        except StoreError:
            if is_each_required:
                raise
            # It fails where it is used, and must not keep other datasets from their work.
            present.append(spec)
    if missing and (is_each_required or not present):
        raise no_raw_data_error(missing)
    for skipped in missing:
        note(f"{skipped.dataset}: no raw data in {skipped.folder}, skipped")
    return present


def is_raw_name(name: str) -> bool:
    """Whether a file of this name can be raw data: it is not hidden, and has the ending of a text."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if name.startswith((".", "~")) or not suffixes:
        return False
    if suffixes[-1] in OPENERS:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in TEXT_SUFFIXES


def _expected_text(spec: DatasetSpec) -> str:
    endings = f"{' '.join(TEXT_SUFFIXES)} (plain or {' '.join(OPENERS)})"
    return endings if spec.files in _EVERY_FILE else f"{spec.files} with one of {endings}"


def group_into_parts(spec: DatasetSpec, sources: list[Source]) -> dict[str, list[Source]]:
    """The sources of each part, in order, by the name of the part's file.

    Raises:
        DataConvertError: Without `parts`, two sources would become one part; or a file name does not match `pattern`.
    """
    parts: dict[str, list[Source]] = {}
    for source in sources:
        parts.setdefault(_part_name(spec, source) + ".parquet", []).append(source)
    for part, members in parts.items():
        if spec.parts is None and len(members) > 1:
            raise DataConvertError(
                f"{spec.name}: {' and '.join(member.name for member in members)} would both become {part}."
                " Remove one of them, or group them on purpose with `parts` in data/datasets.toml."
            )
    return dict(sorted(parts.items()))


def _part_name(spec: DatasetSpec, source: Source) -> str:
    if spec.parts is None or spec.pattern is None:
        return source.stem
    match = re.search(spec.pattern, source.name)
    if match is None or None in match.groupdict().values():
        raise DataConvertError(
            f"{spec.name}: the file name {source.name!r} does not match `pattern` = {spec.pattern!r}, from which the"
            " part's name is made. Rename the file, or fix the pattern in data/datasets.toml."
        )
    return spec.parts.format(**match.groupdict())

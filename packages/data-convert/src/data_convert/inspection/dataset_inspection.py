"""Inspects raw files whole: what is in each column, how to declare it, and what to beware of."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from data_convert.errors import NoRawDataError, NotATableError, NothingToInspectError
from data_convert.header import dropped_headers, numbered
from data_convert.inspection.column_inspection import ColumnInspection, column_inspection, column_names, column_spec
from data_convert.inspection.conclusions import conclusion
from data_convert.inspection.dialects import ENCODINGS, HEAD_BYTES, SniffedDialect, encoding_note, sniffed_dialect
from data_convert.inspection.encoded_size import encoded_sizes
from data_convert.inspection.profile import Profile, WrongEncodingError
from data_convert.records import cut_blocks
from data_convert.rows import split_header
from data_convert.sources import TEXT_SUFFIXES, Progress, Source, find_sources, open_source
from data_convert.spec import DatasetSpec, Dialect

if TYPE_CHECKING:
    from rich.console import RenderableType

_ENDINGS: Final = f"{', '.join(TEXT_SUFFIXES)}, plain or compressed"


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What some raw files hold.

    Attributes:
        folder: Folder of the files.
        pattern: Glob below it that finds exactly them.
        files: Their names below it.
        rows: Rows that fit the table's shape.
        ragged_rows: Rows that do not.
        raw_bytes: The files on disk.
        text_bytes: The files decompressed.
        parquet_share: Part of the rows that was really encoded; sizes are scaled up from it.
        notes: What to know about the files as a whole.
    """

    folder: Path
    pattern: str
    files: tuple[str, ...]
    rows: int
    ragged_rows: int
    raw_bytes: int
    text_bytes: int
    dialect: Dialect
    columns: tuple[ColumnInspection, ...]
    parquet_share: float
    notes: tuple[str, ...]

    @property
    def parquet_bytes(self) -> int:
        """All columns' pages."""
        return sum(column.parquet_bytes for column in self.columns)

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        facts = asdict(self)
        facts["folder"] = str(self.folder)
        facts["parquet_bytes"] = self.parquet_bytes
        return facts

    def table(self) -> RenderableType:
        """Everything, for a terminal."""
        from data_convert.inspection.inspection_table import InspectionTable

        return InspectionTable(self)


def inspect_path(
    path: Path, *, root: Path | None = None, progress: Progress | None = None, jobs: int | None = None
) -> Inspection:
    """Read one raw file, or all raw files of a folder, and infer how to declare them.

    Args:
        root: Folder of datasets.toml, which a relative `path` may be relative to.
        progress: Told of raw bytes read.

    Raises:
        DataConvertError: There is no raw file, or the files are no table of one shape.
    """
    path = _existing(path, root)
    if path.is_file():
        sources = [Source(path=path, name=path.name, size_bytes=path.stat().st_size)]
        return _inspected(path.parent, glob.escape(path.name), sources, None, progress, jobs)
    spec = DatasetSpec(name=path.name, source=str(path.absolute()), output="", layout=())
    try:
        sources = find_sources(Path("/"), spec)
    except NoRawDataError as error:
        raise NothingToInspectError(path, endings=_ENDINGS, others=error.others) from None
    return _inspected(path, "**/*", sources, None, progress, jobs)


def inspect_dataset(
    spec: DatasetSpec, root: Path, *, progress: Progress | None = None, jobs: int | None = None
) -> Inspection:
    """Read the raw files of a described dataset under its dialect; `root` is the folder of datasets.toml.

    Raises:
        DataConvertError: It has no raw file, or the files are no table of one shape.
    """
    inspection = _inspected(root / spec.source, spec.files, find_sources(root, spec), spec, progress, jobs)
    kept = {column.header: column for column in spec.columns}
    dropped = dropped_headers(spec)
    columns = []
    for column in inspection.columns:
        header = column.header or column.name
        if header in kept:
            columns.append(replace(column, name=kept[header].name, declared=kept[header].type))
        else:
            columns.append(replace(column, declared="dropped" if header in dropped else None))
    return replace(inspection, columns=tuple(columns))


def _existing(path: Path, root: Path | None) -> Path:
    if not path.exists() and root is not None and (root / path).exists():
        return root / path
    if not path.exists():
        raise NothingToInspectError(path, endings=_ENDINGS)
    return path


def _inspected(
    folder: Path,
    pattern: str,
    sources: Sequence[Source],
    spec: DatasetSpec | None,
    progress: Progress | None,
    jobs: int | None,
) -> Inspection:
    jobs = jobs or os.cpu_count() or 1
    sniffed = _sniffed(sources[0]) if spec is None else SniffedDialect(dialect=spec.dialect, width=0, notes=())
    headers = _headers(sources[0], sniffed, spec)
    profile, notes = _profile(sources, sniffed, headers, jobs, progress or (lambda _: None), is_given=spec is not None)
    if not profile.rows:
        raise NotATableError(sources[0].path if len(sources) == 1 else folder, _no_rows(profile))
    conclusions = [
        conclusion(evidence, header=header) for evidence, header in zip(profile.evidence, headers, strict=True)
    ]
    names = column_names(headers, [found.type for found in conclusions])
    declared = [column_spec(*one) for one in zip(headers, names, conclusions, strict=True)]
    layout = DatasetSpec(name="inspected", source="", output="", layout=tuple(declared), dialect=profile.dialect)
    sizes, encoded_rows = encoded_sizes(layout, sources)
    share = encoded_rows / profile.rows
    columns = [
        column_inspection(declared[place], conclusions[place], profile, place, names, round(sizes[place] / share))
        for place in range(profile.width)
    ]
    if not profile.dialect.header:
        columns = [replace(column, header=None) for column in columns]
    return Inspection(
        folder=folder,
        pattern=pattern,
        files=tuple(source.name for source in sources),
        rows=profile.rows,
        ragged_rows=profile.ragged_rows,
        raw_bytes=sum(source.size_bytes for source in sources),
        text_bytes=profile.text_bytes,
        dialect=profile.dialect,
        columns=tuple(columns),
        parquet_share=share,
        notes=(*notes, *_ragged_notes(profile)),
    )


def _sniffed(source: Source) -> SniffedDialect:
    with open_source(source) as stream:
        head = stream.read(HEAD_BYTES)
    return sniffed_dialect(head, source=str(source.path), is_whole=len(head) < HEAD_BYTES)


def _headers(source: Source, sniffed: SniffedDialect, spec: DatasetSpec | None) -> list[str]:
    if not sniffed.dialect.header:
        return list(spec.raw_headers) if spec else [f"column_{number}" for number in range(1, sniffed.width + 1)]
    with open_source(source) as stream:
        for block in cut_blocks(stream.read, sniffed.dialect, source=str(source.path), block_bytes=HEAD_BYTES):
            header, _ = split_header(block, sniffed.dialect)
            if header is not None:
                return numbered([_mended(cell) for cell in header.cells])
    raise NotATableError(source.path, "the file is empty. Get it again, or remove it.")


def _mended(cell: str) -> str:
    """The cell without bytes that are of another encoding; the reading of the whole finds the encoding."""
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _profile(
    sources: Sequence[Source],
    sniffed: SniffedDialect,
    headers: Sequence[str],
    jobs: int,
    progress: Progress,
    *,
    is_given: bool,
) -> tuple[Profile, list[str]]:
    """All rows, in the first encoding that holds for the whole text."""
    dialect, notes = sniffed.dialect, list(sniffed.notes)
    while True:
        profile = Profile(dialect=dialect, headers=headers, jobs=jobs)
        source = sources[0]
        try:
            for source in sources:
                profile.read(source, sources[0], progress)
            return profile, notes
        except WrongEncodingError as error:
            later = ENCODINGS[ENCODINGS.index(dialect.encoding) + 1 :] if dialect.encoding in ENCODINGS else ()
            if is_given or not later:
                raise NotATableError(source.path, f"{error}: this is not {dialect.encoding}.") from None
            notes = [note for note in notes if note != encoding_note(dialect.encoding)]
            notes += [f"{source.name}, {error}: the first text that is not {dialect.encoding}", encoding_note(later[0])]
            dialect = replace(dialect, encoding=later[0])
            if dialect.header:
                headers = _headers(sources[0], replace(sniffed, dialect=dialect), None)


def _no_rows(profile: Profile) -> str:
    if profile.ragged:
        return f"no row has the shape of the table ({profile.width} cells): {profile.ragged[0]}."
    return "there is a header and no row behind it, so nothing can be inferred."


def _ragged_notes(profile: Profile) -> Iterator[str]:
    if profile.ragged_rows:
        shown = "; ".join(str(row) for row in profile.ragged)
        rows = f"{profile.ragged_rows:,} row{'s do' if profile.ragged_rows > 1 else ' does'}"
        yield f"{rows} not fit the table's shape and are not counted below: {shown}"

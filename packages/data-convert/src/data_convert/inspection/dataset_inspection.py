"""Inspects raw files completely: the content of each column, how to declare it, and its traps."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from data_convert.errors import (
    DataConvertError,
    NoRawDataError,
    NotATableError,
    SourceError,
    UnlikeFilesError,
    nothing_to_inspect_error,
)
from data_convert.inspection.column_inspection import column_inspection, column_names, column_spec, days_of
from data_convert.inspection.column_types.conclusions import conclusions
from data_convert.inspection.column_types.day_order import DayOrder
from data_convert.inspection.folder_reading import read_folder
from data_convert.inspection.folder_survey import fault_of
from data_convert.inspection.inspection_facts import Inspection
from data_convert.inspection.objects_to_inspect import objects_to_inspect
from data_convert.inspection.profile import Profile
from data_convert.inspection.spec_text import column_of_undeclared
from data_convert.measuring.encoded_size import EncodedSizes, encoded_sizes
from data_convert.measuring.row_order import smallest_order
from data_convert.measuring.sample_tables import sample_tables
from data_convert.reading.header import declared_layout, dropped_headers, headers_of
from data_convert.reading.skipped_rows import check_skipped_lines
from data_convert.reading.skips import LONG_ROWS, SHORT_ROWS
from data_convert.reading.sources import RAW_ENDINGS, Source, equal_but_for_case, find_raw_files, find_sources
from data_convert.series.completeness import Finding, completeness_findings, day_findings
from data_convert.series.part_proposal import PartsProposal, parts_proposal
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec
from data_convert.spec.spec_file import load_specs
from data_convert.storage.local_file import LocalFile
from dataset_spec import DATASETS_FILE
from s3_access import is_s3_url
from terminal import OnBytes, nearest_name, progress, unknown_name_text


@dataclass(frozen=True, kw_only=True)
class _Options:
    on_bytes: OnBytes
    jobs: int
    day_order: DayOrder | None

    @classmethod
    def of(cls, on_bytes: OnBytes | None, jobs: int | None, day_order: DayOrder | None) -> Self:
        """The options, with their defaults in place of None."""
        return cls(on_bytes=on_bytes or (lambda _: None), jobs=jobs or os.cpu_count() or 1, day_order=day_order)


def inspect_dataset(root: Path, what: str, *, folder: Path, day_order: DayOrder | None = None) -> Inspection:
    """Inspect a path or a described dataset, and show progress on standard error.

    Args:
        root: The project.
        what: A folder, a file, the URL of an object or of a prefix, or the name of a dataset. If a path of that
            name exists, it is the path.
        folder: Where the user is; a relative path is relative to it or, if it does not exist there, to `root` or to
            the folder of datasets.toml.
        day_order: Which of day and month comes first where all values allow both.

    Raises:
        ShrinkwrapError: The path does not exist, has no raw file, or the files are no table of one shape.
    """
    if is_s3_url(what):
        with progress(f"{what}: reading all of it") as on_bytes:
            return inspect_url(what, on_bytes=on_bytes, day_order=day_order)
    file = root / DATASETS_FILE
    candidates = [folder / what, root / what, file.parent / what]
    path = next((path for path in candidates if path.exists()), None)
    specs = load_specs(file) if path is None and file.exists() else {}
    with progress(f"{what}: reading all of it") as on_bytes:
        if what in specs:
            return inspect_described(specs[what], file.parent, on_bytes=on_bytes, day_order=day_order)
        if path is None and "/" not in what and nearest_name(what, specs):
            raise DataConvertError(f"{what} does not exist, and {unknown_name_text('dataset', what, specs)}")
        return inspect_path(path or candidates[0], on_bytes=on_bytes, day_order=day_order)


def inspect_path(
    path: Path, *, on_bytes: OnBytes | None = None, jobs: int | None = None, day_order: DayOrder | None = None
) -> Inspection:
    """Read one raw file, or all raw files of a folder, and infer how to declare them.

    Args:
        on_bytes: Called with the number of raw bytes read since the previous call.
        day_order: Which of day and month comes first where all values allow both.

    Raises:
        DataConvertError: There is no raw file, or the files are no table of one shape.
    """
    options = _Options.of(on_bytes, jobs, day_order)
    if not path.exists():
        raise nothing_to_inspect_error(path, endings=RAW_ENDINGS)
    if path.is_file():
        sources = [Source(file=LocalFile.of(path), name=path.name)]
        return _inspected(path.parent, glob.escape(path.name), sources, None, options)
    spec = DatasetSpec(name=path.name, source=str(path.absolute()), output="", layout=())
    try:
        raw_files = find_raw_files(Path("/"), spec)
    except NoRawDataError as error:
        raise nothing_to_inspect_error(path, endings=RAW_ENDINGS, others=error.others, hints=error.hints) from None
    inspection = _inspected(path, "**/*", raw_files.sources, None, options)
    return replace(inspection, notes=(*inspection.notes, *raw_files.remarks(spec)))


def inspect_url(
    url: str, *, on_bytes: OnBytes | None = None, jobs: int | None = None, day_order: DayOrder | None = None
) -> Inspection:
    """The same as `inspect_path` for one object, or all objects below a prefix.

    Args:
        url: `s3://BUCKET/KEY` or `s3://BUCKET/PREFIX`.

    Raises:
        DataConvertError: There is no raw file, or the objects are no table of one shape.
        S3AccessError: The URL is wrong, or the server refuses.
    """
    options = _Options.of(on_bytes, jobs, day_order)
    found = objects_to_inspect(url)
    inspection = _inspected(found.where, found.pattern, found.sources, None, options)
    return replace(inspection, notes=(*inspection.notes, *found.remarks))


def inspect_described(
    spec: DatasetSpec,
    data_folder: Path,
    *,
    on_bytes: OnBytes | None = None,
    jobs: int | None = None,
    day_order: DayOrder | None = None,
) -> Inspection:
    """Read the raw files of a described dataset in its dialect.

    Args:
        data_folder: Folder of datasets.toml.

    Raises:
        DataConvertError: It has no raw file, or the files are no table of one shape.
    """
    options = _Options.of(on_bytes, jobs, day_order)
    sources = find_sources(data_folder, spec)
    folder = spec.source if is_s3_url(spec.source) else data_folder / spec.source
    inspection = _inspected(folder, spec.files, sources, spec, options)
    kept = {header: column for column in spec.columns for header in headers_of(column)}
    dropped = dropped_headers(spec)
    columns = []
    for column in inspection.columns:
        headers = (column.header or column.name, *column.names)
        header = next((header for header in headers if header in kept or header in dropped), headers[0])
        if header in kept:
            columns.append(replace(column, name=kept[header].name, declared=kept[header].type))
        else:
            columns.append(column_of_undeclared(column, is_dropped=header in dropped))
    return replace(inspection, columns=tuple(columns))


def _inspected(
    folder: Path | str,
    pattern: str,
    sources: Sequence[Source],
    spec: DatasetSpec | None,
    options: _Options,
) -> Inspection:
    reading = read_folder(folder, sources, spec, options.jobs, options.on_bytes)
    profile = reading.profile
    if not profile.rows and (profile.ragged or not profile.dialect.header):
        raise NotATableError(sources[0].file.where if len(sources) == 1 else folder, _no_rows(profile))
    headers = [history.names[0] for history in reading.histories]
    concluded = conclusions(profile.evidence, headers, day_order=options.day_order)
    names = column_names(headers, [found.type for found in concluded])
    declared = [column_spec(*one) for one in zip(reading.histories, names, concluded, strict=True)]
    layout = DatasetSpec(name="inspected", source="", output="", layout=tuple(declared), dialect=profile.dialect)
    if not profile.dialect.header:
        # Where there is a header, a skipped header is an error anyway.
        _check_skipped_lines(folder, sources, layout)
    tables = sample_tables(layout, sources)
    order = smallest_order(layout, tables)
    sizes = encoded_sizes(replace(layout, sort=order.sort if order else ()), tables)
    share = sum(table.num_rows for table in tables) / profile.rows if profile.rows else 1.0
    columns = [
        column_inspection(declared[place], concluded[place], profile, place, names, round(sizes.columns[place] / share))
        for place in range(profile.width)
    ]
    columns = [
        replace(column, unit=unit, warnings=(*history.warnings, *column.warnings))
        for column, history, unit in zip(columns, reading.histories, reading.units, strict=True)
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
        order=order,
        notes=(
            *reading.notes,
            *_empty_notes(profile),
            *_ragged_notes(profile),
            *_case_notes([column.name for column in columns]),
        ),
        findings=tuple(_findings(profile, declared)),
        proposal=_proposal(profile, sizes, share) if spec is None or spec.parts is None else None,
    )


def _findings(profile: Profile, columns: Sequence[ColumnSpec]) -> list[Finding]:
    days = {
        column.name: days_of(column, evidence.seen)
        for column, evidence in zip(columns, profile.evidence, strict=True)
        if column.type in ("date", "timestamp") and evidence.is_counted
    }
    found = completeness_findings(profile.files)
    return [*found, *day_findings(days, found)]


def _proposal(profile: Profile, sizes: EncodedSizes, share: float) -> PartsProposal | None:
    return parts_proposal(
        profile.files,
        pages_bytes=round(sum(sizes.columns) / share),
        footer_bytes=round(sizes.footer_bytes * len(profile.files)),
    )


def _check_skipped_lines(folder: Path | str, sources: Sequence[Source], layout: DatasetSpec) -> None:
    faults = []
    for source in sources:
        try:
            check_skipped_lines(source, layout, declared_layout(layout))
        except SourceError as error:
            faults.append(fault_of(source, error))
    if faults:
        raise UnlikeFilesError(folder, faults, len(sources))


def _no_rows(profile: Profile) -> str:
    if profile.ragged:
        return (
            f"no row has the shape of the table ({profile.width} cells): {profile.ragged[0]}. If the header is the odd"
            " one, describe the table in data/datasets.toml with dialect = { header = false, skip_lines = 1 } and one"
            " column for each cell of a row."
        )
    return "there is no header and no row, so nothing can be inferred."


def _empty_notes(profile: Profile) -> Iterator[str]:
    if not profile.rows:
        yield (
            "there is a header but no row, so each column is taken for text: correct the types, or inspect again when"
            " there are rows."
        )


def _ragged_notes(profile: Profile) -> Iterator[str]:
    if profile.ragged_rows:
        shown = "; ".join(str(row) for row in profile.ragged)
        is_one = profile.ragged_rows == 1
        do, are = ("row does", "is") if is_one else ("rows do", "are")
        yield f"{profile.ragged_rows:,} {do} not fit the table's shape and {are} not counted below: {shown}"
        yield _reject_note(profile.ragged_rows / (profile.rows + profile.ragged_rows))
        yield from _ragged_advice(profile.kinds)


def _ragged_advice(kinds: Mapping[str | None, int]) -> Iterator[str]:
    """Which `dialect.ragged` makes rows of those that do not fit."""
    long, short = kinds.get(LONG_ROWS, 0), kinds.get(SHORT_ROWS, 0)
    if long:
        have = "1 of them has" if long == 1 else f"{long:,} of them have"
        yield (
            f'{have} only empty cells too many. `ragged = "trim"` in `dialect` leaves these out. Look at some of them:'
            " an empty cell may also be surplus in the middle."
        )
    if short:
        lack = "1 of them lacks" if short == 1 else f"{short:,} of them lack"
        yield (
            f'{lack} cells. If these are empty cells at the end, `ragged = "pad"` in `dialect` fills them in. It is'
            " wrong if a cell is missing in the middle."
        )


def _case_notes(names: Sequence[str]) -> Iterator[str]:
    for group in equal_but_for_case(names):
        yield (
            f"the columns {' and '.join(map(repr, group))} differ only in case, and DuckDB and Spark take them for one:"
            " give each another `name`."
        )


def _reject_note(share: float) -> str:
    """What the table that --write adds makes of rows that do not have its shape."""
    limit = DatasetSpec.max_rejects
    fails = (
        f" But they are {share:.1%} of the rows, and the conversion fails if a part has more than {limit:.0%} of them"
        " (`max_rejects`)."
    )
    return (
        'A table written with --write has `on_reject = "keep"`: the conversion writes these rows to data/rejects'
        f" instead of failing.{fails if share > limit else ''}"
    )

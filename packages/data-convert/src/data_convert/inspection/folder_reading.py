"""Reads all files of a folder as one table, and reports the faults of all of them at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from data_convert.conversion.memory import keep_freed_memory
from data_convert.errors import FileFault, NotATableError, SourceError, UnlikeFilesError
from data_convert.inspection.dialects import ENCODINGS, encoding_note
from data_convert.inspection.file_encodings import late_encoding, mixed_encoding_faults
from data_convert.inspection.folder_survey import FileHead, FolderSurvey, fault_of, header_variants, survey_folder
from data_convert.inspection.profile import Profile, WrongEncodingError
from data_convert.inspection.sniffing.dialect_notes import guessed_encoding_note
from data_convert.inspection.sniffing.encodings import GuessedEncoding
from data_convert.reading.header import headers_of, numbered
from data_convert.reading.sources import Source
from data_convert.series.column_history import ColumnHistory, column_histories, files_text
from data_convert.series.file_dates import chronological
from data_convert.spec.dataset_spec import ColumnSpec, DatasetSpec, Dialect
from data_convert.storage.objects_ahead import files_ahead
from terminal import OnBytes

_FAULTS_SHARE: Final = 0.005
"""Share of the rows with wrong quotes from which on another meaning of the quotes is tried."""


@dataclass(frozen=True, kw_only=True)
class FolderReading:
    """All rows of all files.

    Attributes:
        profile: The evidence on each column.
        histories: The headers of each column, in the same order.
        units: The text of each column in the row behind the header; None where there is none.
        notes: What to know about the files as a whole.
    """

    profile: Profile
    histories: tuple[ColumnHistory, ...]
    units: tuple[str | None, ...]
    notes: tuple[str, ...]


def read_folder(
    folder: Path | str, sources: Sequence[Source], spec: DatasetSpec | None, jobs: int, on_bytes: OnBytes
) -> FolderReading:
    """Read all files, in the first encoding in which all of their text is valid.

    Args:
        spec: The description of the dataset; None infers dialect and columns.

    Raises:
        UnlikeFilesError: Some files do not fit the others, or cannot be read; the error has all of them.
        NotATableError: The only file is no table.
    """
    keep_freed_memory()
    attempt = _Attempt(sources=sources, spec=spec, jobs=jobs, on_bytes=on_bytes)
    reading = attempt.read()
    if not attempt.faults and reading is not None:
        return reading
    if len(sources) == 1:
        raise NotATableError(sources[0].file.where, attempt.faults[0].problem)
    raise UnlikeFilesError(folder, sorted(attempt.faults, key=lambda fault: fault.file), len(sources))


@dataclass(kw_only=True)
class _Attempt:
    """The reading in progress."""

    sources: Sequence[Source]
    spec: DatasetSpec | None
    jobs: int
    on_bytes: OnBytes
    faults: list[FileFault] = field(default_factory=list)

    def read(self) -> FolderReading | None:
        survey = survey_folder(self.sources, self.spec.dialect if self.spec else None)
        dialect, notes = survey.sniffed.dialect, list(survey.sniffed.notes)
        while True:
            self.faults = list(survey.faults)
            if not survey.heads:
                return None
            histories = self._histories(survey, dialect)
            profile = self._profile(dialect, [history.names for history in histories])
            wrong = self._read_files(survey, profile)
            if wrong is None:
                break
            later = None if self.spec else _later_encoding(wrong.source, dialect.encoding)
            if later is None:
                raise NotATableError(wrong.source.file.where, f"{wrong.problem}: this is not {dialect.encoding}.")
            notes = [note for note in notes if note != encoding_note(dialect.encoding)]
            notes.append(f"{wrong.source.name}, {wrong.problem}: the first text that is not {dialect.encoding}")
            notes += guessed_encoding_note(later)
            dialect = replace(dialect, encoding=later.name)
            survey = replace(survey_folder(self.sources, dialect), sniffed=replace(survey.sniffed, dialect=dialect))
        if self.spec is None and _are_quotes_doubtful(profile):
            profile, quote_notes = self._with_other_quotes(survey, profile)
            notes += quote_notes
        if self.spec is None and dialect.encoding in ENCODINGS[1:] and len(self.sources) > 1:
            self.faults += mixed_encoding_faults([head.source for head in survey.heads], dialect.encoding)
        notes += _order_notes(survey.heads)
        if self.spec is None and profile.repeated_headers:
            profile.dialect = replace(profile.dialect, skip_repeated_header=True)
            notes.append(_repeated_note(profile.repeated_headers))
        units = _units(survey, histories)
        return FolderReading(profile=profile, histories=tuple(histories), units=units, notes=tuple(notes))

    def _profile(self, dialect: Dialect, columns: Sequence[Sequence[str]]) -> Profile:
        return Profile(
            dialect=dialect,
            columns=columns,
            jobs=self.jobs,
            skips_repeated_headers=self.spec is None or dialect.skip_repeated_header,
        )

    def _with_other_quotes(self, survey: FolderSurvey, profile: Profile) -> tuple[Profile, list[str]]:
        """The reading in which the quotes mean something else, if more rows fit then; and a note on it."""
        usual = profile.dialect
        others = [replace(usual, quote=None)]
        if usual.escape is None and usual.delimiter != "\\":
            others.insert(0, replace(usual, escape="\\"))
        found = [profile]
        for dialect in others:
            other = self._profile(dialect, profile.columns)
            attempt = replace(self, on_bytes=lambda _: None, faults=[])
            if attempt._read_files(survey, other) is None and not attempt.faults:
                found.append(other)
        best = max(found, key=lambda one: one.rows - one.ragged_rows)
        return best, [] if best is profile else [_quotes_note(profile, best)]

    def _histories(self, survey: FolderSurvey, dialect: Dialect) -> list[ColumnHistory]:
        heads = survey.heads
        if not dialect.header:
            names = self.spec.raw_headers if self.spec else _made_up_names(survey)
            return [ColumnHistory(names=(name,)) for name in names]
        files = [head.source.name for head in heads]
        order = chronological(files)
        variants = header_variants(heads, order, dialect, survey.skip_lines)
        declared = [headers_of(column) for column in self.spec.columns] if self.spec else []
        histories = column_histories(variants, [files[place] for place in order], declared=declared)
        return [_as_declared(history, self.spec) for history in histories] if self.spec else histories

    def _read_files(self, survey: FolderSurvey, profile: Profile) -> _WrongEncoding | None:
        files = files_ahead([head.source.file for head in survey.heads])
        for head, file in zip(survey.heads, files, strict=True):
            try:
                profile.read(replace(head.source, file=file), self.on_bytes, skip_lines=survey.skip_lines)
            except WrongEncodingError as error:
                return _WrongEncoding(source=head.source, problem=str(error))
            except SourceError as error:
                self.faults.append(fault_of(head.source, error))
        profile.add_gathered()
        return None


@dataclass(frozen=True, kw_only=True)
class _WrongEncoding:
    source: Source
    problem: str


def _later_encoding(source: Source, encoding: str) -> GuessedEncoding | None:
    """What to try if the text does not continue in this encoding; None if nothing is left."""
    if encoding == ENCODINGS[0]:
        return late_encoding(source)
    later = ENCODINGS[ENCODINGS.index(encoding) + 1 :] if encoding in ENCODINGS else ()
    return GuessedEncoding(name=later[0], sureness=0.0) if later else None


def _made_up_names(survey: FolderSurvey) -> list[str]:
    """The names that the files have in another place than a header; numbers for columns without."""
    count = len(survey.heads[0].names)
    names = survey.sniffed.names if len(survey.sniffed.names) == count else [""] * count
    return numbered([name.strip() or f"column_{number}" for number, name in enumerate(names, 1)])


def _units(survey: FolderSurvey, histories: Sequence[ColumnHistory]) -> tuple[str | None, ...]:
    texts = dict(zip(survey.heads[0].names, survey.sniffed.units, strict=False))
    found = [next((texts[name] for name in history.names if name in texts), "") for history in histories]
    return tuple(text.strip() or None for text in found)


def _are_quotes_doubtful(profile: Profile) -> bool:
    """Whether wrong quotes are the main reason why rows do not fit, and more than an accident."""
    share = profile.quote_faults / max(1, profile.rows + profile.ragged_rows)
    return profile.has_open_quote or (2 * profile.quote_faults > profile.ragged_rows and share > _FAULTS_SHARE)


def _quotes_note(usual: Profile, best: Profile) -> str:
    meaning = "no quotes" if best.dialect.quote is None else f"{best.dialect.escape!r} before a quote making it literal"
    more = best.rows - usual.rows
    return (
        f"read with {meaning}: the beginning of the data looks as if cells were quoted, but in this way"
        f" {more:,} more row{'s fit' if more != 1 else ' fits'}. Look at some cells with quotes."
    )


def _repeated_note(count: int) -> str:
    rows = "row equals" if count == 1 else "rows equal"
    return f"{count:,} {rows} the header and will be skipped (`dialect.skip_repeated_header`)."


def _as_declared(history: ColumnHistory, spec: DatasetSpec) -> ColumnHistory:
    """The history without what the dataset declares; the notes on the rest say what to declare."""
    for entry in spec.layout:
        names = headers_of(entry) if isinstance(entry, ColumnSpec) else entry.headers
        if set(history.names) & set(names):
            note, gaps = history.note, history.gaps
            if set(history.names) <= set(names):
                note = None
            elif note is not None:
                others = json.dumps([name for name in history.names if name != names[0]], ensure_ascii=False)
                note = f"{note}; else write names = {others} at {names[0]!r}"
            if entry.optional or spec.drift.missing_column != "error":
                gaps = None
            elif gaps is not None:
                gaps = f"{gaps.removesuffix(': null there')}: an error until you write optional = true"
            return replace(history, note=note, gaps=gaps)
    return history


def _order_notes(heads: Sequence[FileHead]) -> Iterator[str]:
    """A note on the files whose columns stand in another order than in the first file."""
    usual = {name: place for place, name in enumerate(heads[0].names)}
    moved = []
    for place, head in enumerate(heads):
        shared = [usual[name] for name in head.names if name in usual]
        if shared != sorted(shared):
            moved.append(place)
    if moved:
        files = files_text(moved, [head.source.name for head in heads])
        yield f"the columns stand in another order in {files}; each file is read by its own header"

"""Settles what a dataset's description is for its files of today, if it allows them to differ from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from data_convert.errors import SourceError
from data_convert.reading.header import headers_of, numbered
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source
from data_convert.reading.table_blocks import TableBlocks
from data_convert.spec.dataset_spec import DatasetSpec, Drift
from data_convert.spec.drift import spec_with_columns, tolerant_spec, undeclared_headers
from s3_access import StoreError
from terminal import count_text

_SHOWN_FILES: Final = 3


@dataclass(frozen=True, kw_only=True)
class SettledSpec:
    """The description by which all files are converted.

    Attributes:
        spec: It depends on the declared description and on the headers of all files, so all parts have one schema.
        notes: Which files differ from the declared description, and what to declare.
    """

    spec: DatasetSpec
    notes: tuple[str, ...] = ()


def settled_spec(spec: DatasetSpec, sources: Sequence[Source]) -> SettledSpec:
    """Apply `drift` to the description.

    The headers of all files are read if `drift` adds columns. A file that cannot be read is left to the conversion.
    """
    tolerant = tolerant_spec(spec)
    if "add" not in (spec.drift.new_column, spec.drift.missing_column) or not spec.dialect.header:
        return SettledSpec(spec=tolerant)
    headers = {source.name: names for source in sources if (names := _header(source, tolerant)) is not None}
    new: dict[str, list[str]] = {}
    if spec.drift.new_column == "add":
        for file, names in headers.items():
            for name in undeclared_headers(spec, names):
                new.setdefault(name, []).append(file)
    notes = [*_new_notes(new, spec), *_missing_notes(headers, spec)]
    return SettledSpec(spec=spec_with_columns(tolerant, new), notes=tuple(notes))


def _header(source: Source, spec: DatasetSpec) -> list[str] | None:
    """The columns of the header; None if the file has no header of this dataset."""
    probe = replace(
        spec,
        layout=tuple(replace(entry, optional=True) for entry in spec.layout),
        drift=Drift(new_column="ignore", missing_column="ignore"),
    )
    blocks = TableBlocks(spec=probe, source=source)
    try:
        with open_source(source) as stream:
            next(blocks.read(stream.read), None)
    except SourceError:
        return None
    except StoreError as error:
        # A server that cannot be reached now must not decide which columns all parts have.
        if error.kind != "denied":
            raise
        return None
    return numbered(blocks.header)


def _new_notes(new: Mapping[str, Sequence[str]], spec: DatasetSpec) -> Iterator[str]:
    for name, files in new.items():
        entry = f'{{ name = {json.dumps(name, ensure_ascii=False)}, type = "string", optional = true }}'
        yield (
            f'new column {name!r} in {_listed(files)}: kept as text in all parts (drift.new_column = "add"). To declare'
            f" it, add {entry} to `columns`; `invoke data.inspect {spec.name}` shows its type."
        )


def _missing_notes(headers: Mapping[str, Sequence[str]], spec: DatasetSpec) -> Iterator[str]:
    if spec.drift.missing_column != "add":
        return
    for column in spec.columns:
        files = [file for file, names in headers.items() if not set(headers_of(column)) & set(names)]
        if files and not column.optional:
            yield (
                f"column {column.header!r} is missing from {_listed(files)}: null there (drift.missing_column ="
                ' "add"). To declare it, write optional = true at this column.'
            )


def _listed(files: Sequence[str]) -> str:
    more = f" and {count_text(len(files) - _SHOWN_FILES, 'more file')}" if len(files) > _SHOWN_FILES else ""
    return ", ".join(files[:_SHOWN_FILES]) + more

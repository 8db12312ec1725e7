"""The columns of a dataset whose files may differ from its description, found by a second reading of all headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data_convert.reading.sources import Source
from data_convert.spec.dataset_spec import DatasetSpec, Drift
from data_convert.spec.drift import spec_with_columns, tolerant_spec, undeclared_headers
from data_convert.verification.raw.raw_text import opened
from data_convert.verification.raw.second_reading import UNREADABLE, SecondReading
from data_convert.verification.raw.table_search import numbered_names
from s3_access import StoreError


def settled_columns(spec: DatasetSpec, sources: Sequence[Source]) -> DatasetSpec:
    """The description that all parts should have, with the columns that `drift` adds."""
    tolerant = tolerant_spec(spec)
    if spec.drift.new_column != "add" or not spec.dialect.header:
        return tolerant
    layout = tuple(replace(entry, optional=True) for entry in tolerant.layout)
    probe = replace(tolerant, layout=layout, drift=Drift(new_column="ignore", missing_column="ignore"))
    new: dict[str, None] = {}
    for source in sources:
        new.update(dict.fromkeys(undeclared_headers(spec, _header(probe, source))))
    return spec_with_columns(tolerant, new)


def _header(spec: DatasetSpec, source: Source) -> list[str]:
    """The columns of the header; none if the file cannot be read."""
    try:
        with opened(source.file) as file:
            return numbered_names(SecondReading(spec, file.text).header)
    except UNREADABLE:
        return []
    except StoreError as error:
        # The same decision as that of the conversion.
        if error.kind != "denied":
            raise
        return []

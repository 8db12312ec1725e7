"""How much time a conversion spends on making files small: compression level, page length, encodings that are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from data_convert.spec.dataset_spec import DatasetSpec


@dataclass(frozen=True, kw_only=True)
class Effort:
    """The settings of a dataset's `effort`.

    Attributes:
        zstd_level: 1 to 22.
        text_level: The same for plain texts, which higher levels make a tenth smaller.
        page_rows: Most rows of a page. A reader that looks for a key reads complete pages; longer pages are smaller.
        sample_rows: Most rows that are encoded to choose the encodings.
        has_all_encodings: Whether encodings are used that fastparquet cannot read.
    """

    zstd_level: int
    text_level: int
    page_rows: int
    sample_rows: int
    has_all_encodings: bool = False


_EFFORTS: Final[Mapping[str, Effort]] = {
    "fast": Effort(zstd_level=1, text_level=1, page_rows=1 << 16, sample_rows=1 << 15),
    "balanced": Effort(zstd_level=5, text_level=7, page_rows=1 << 16, sample_rows=1 << 16),
    "max": Effort(zstd_level=19, text_level=19, page_rows=1 << 18, sample_rows=1 << 18, has_all_encodings=True),
}


def effort_of(spec: DatasetSpec) -> Effort:
    """The settings of the dataset. Its own `zstd_level` overrides the levels."""
    effort = _EFFORTS[spec.effort]
    if spec.decimals == "exact":
        # fastparquet rounds decimals wrongly, so there is no reason to spare it the other encodings.
        effort = replace(effort, has_all_encodings=True)
    if spec.zstd_level is not None:
        effort = replace(effort, zstd_level=spec.zstd_level, text_level=spec.zstd_level)
    return effort

"""Where the kept columns stand in the rows of a source."""

from __future__ import annotations

from dataclasses import dataclass

from data_convert.spec.dataset_spec import ColumnSpec


@dataclass(frozen=True, kw_only=True)
class RawLayout:
    """The places of the kept columns in the rows of one source.

    Attributes:
        width: Cells of a row.
        kept: Each kept column with its place; None for an optional column that is missing from the header.
        header: The cells of the header; empty without a header.
    """

    width: int
    kept: tuple[tuple[ColumnSpec, int | None], ...]
    header: tuple[str, ...] = ()

    @property
    def present(self) -> list[tuple[ColumnSpec, int]]:
        """The kept columns that the source has, with their places."""
        return [(column, place) for column, place in self.kept if place is not None]

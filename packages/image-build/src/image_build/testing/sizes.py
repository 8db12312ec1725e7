"""The sizes of an image's parts, as a table with bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from terminal import Column, size_text, table

if TYPE_CHECKING:
    from rich.table import Table

_BAR = 32


def size_table(parts: Mapping[str, int], *, total_bytes: int, rows: int = 20) -> Table:
    """A row with a bar for each of the largest parts, and one row for all smaller ones."""
    ordered = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    listed = ordered[:rows]
    if rest := ordered[rows:]:
        listed.append((f"{len(rest)} more", sum(size for _, size in rest)))
    largest = max((size for _, size in listed), default=1) or 1
    columns = [
        Column(heading="part"),
        Column(heading="size", align="right"),
        Column(heading="share", align="right"),
        Column(heading="", is_folded=False),
    ]
    return table(
        columns,
        [
            (name, size_text(size), f"{size / max(total_bytes, 1):.1%}", "█" * round(_BAR * size / largest))
            for name, size in listed
        ],
    )

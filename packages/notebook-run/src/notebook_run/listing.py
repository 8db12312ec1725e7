"""The notebooks of a project, and whether each could be worked with now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ListedNotebook:
    """One row.

    Attributes:
        missing: What of its datasets is not here.
        is_image_here: With the fingerprint of now; None where no Docker Engine answers.
        url: Where it runs, with its token; None if it does not.
    """

    name: str
    path: str
    image: str
    datasets: tuple[str, ...]
    missing: tuple[str, ...]
    is_image_here: bool | None
    url: str | None

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def shown_notebooks(rows: Sequence[ListedNotebook]) -> str:
    """As a person reads it: one table, and below it where something runs."""
    if not rows:
        return "no notebooks yet; `invoke notebook.new NAME --image I --dataset D` makes one\n"
    head = ("notebook", "image", "here", "datasets", "here")
    lines = [
        (
            row.name,
            row.image,
            {True: "yes", False: "no", None: "no Docker"}[row.is_image_here],
            ", ".join(row.datasets) or "none",
            "yes" if not row.missing else f"no: {', '.join(row.missing)}",
        )
        for row in rows
    ]
    running = [f"{row.name} runs at {row.url}\n" for row in rows if row.url]
    return table(head, lines) + "".join(running)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as what is in them."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "".join(f"{line.rstrip()}\n" for line in lines)

"""The one style of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        align: Numbers go right.
        is_folded: A text that is too long continues on the next line; otherwise the cell is never broken. By default,
            left columns are folded and right ones are not, so that a number keeps its unit.
        style: A rich style such as "bold" or "green".
    """

    heading: str
    align: Literal["left", "right"] = "left"
    is_folded: bool | None = None
    style: str | None = None


def table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[str | Text]],
    *,
    title: str | None = None,
    footer: Sequence[str | Text] | None = None,
) -> Table:
    """A table for `terminal.show` or `terminal.render`.

    Cells are plain text: square brackets are not markup.

    Args:
        columns: A bare string is the heading of a left column.
        footer: A last row, such as totals, separated by a space and bold.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        box=SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for column in (column if isinstance(column, Column) else Column(heading=column) for column in columns):
        is_folded = column.align == "left" if column.is_folded is None else column.is_folded
        made.add_column(
            column.heading, justify=column.align, no_wrap=not is_folded, overflow="fold", style=column.style or ""
        )
    for row in rows:
        made.add_row(*map(_cell, row))
    if footer is not None:
        made.add_section()
        made.add_row(*map(_cell, footer), style="bold")
    return made


def _cell(content: str | Text) -> Text:
    from rich.text import Text

    return Text(content) if isinstance(content, str) else content

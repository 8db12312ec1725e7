"""What a page cannot show, and the box that it shows in that place."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Final

_STYLE: Final = (
    "border:1px dashed #b35900;background:#fff7ed;color:#3d2200;padding:.6em .9em;margin:.4em 0;"
    "font-family:sans-serif;font-size:13px;"
)


@dataclass(frozen=True, kw_only=True)
class Lack:
    """An output, or a part of a cell, that the page does not show.

    Attributes:
        cell: The index of its cell.
        output: The number of the output in its cell, from 1; None for a part of a Markdown cell.
        what: It in words.
        reason: Why the page cannot show it.
    """

    cell: int
    output: int | None
    what: str
    reason: str


def box(lack: Lack, text: str = "") -> str:
    """A box in place of an output, with the plain text of that output below."""
    below = f'<pre style="margin:.5em 0 0">{html.escape(text)}</pre>' if text.strip() else ""
    sentence = html.escape(f"This page lacks {lack.what}: {lack.reason}.")
    return f'<div class="page-lacks" role="note" style="{_STYLE}">{sentence}{below}</div>'


def inline_box(reason: str) -> str:
    """A box in place of a part of a text."""
    style = f"display:inline-block;{_STYLE}"
    return f'<span class="page-lacks" role="note" style="{style}">Not in this page: {html.escape(reason)}.</span>'

"""HTML outputs as plain text: tables row by row with tabs between cells, without anything that only sets the style."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_SILENT: Final = frozenset({"style", "script", "template"})
_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_BLOCKS: Final = frozenset({"p", "div", "br", "tr", "table", "li", "pre", "h1", "h2", "h3", "h4", "summary", "label"})
# Their values are generated in each run.
_GENERATED: Final = frozenset({"id", "class", "style", "for", "href", "xlink:href", "clip-path", "fill-opacity"})


@dataclass(frozen=True, kw_only=True)
class MarkupText:
    """The text that a reader of the page sees."""

    text: str
    has_table: bool


def markup_text(html: str) -> MarkupText:
    """The text of a page or of a part of one.

    It contains the content of pictures, embedded or linked, and of drawings (SVG), but no ids, classes or styles.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_line()
    return MarkupText(text="".join(f"{line}\n" for line in reader.lines), has_table=reader.has_table)


@dataclass
class _Table:
    """A table while it is parsed; `pending` counts the rows that a cell above still spans, by column."""

    row: list[str] = field(default_factory=list)
    pending: dict[int, int] = field(default_factory=dict)
    cell: list[str] | None = None
    span: tuple[int, int] = (1, 1)

    def skip_pending(self) -> None:
        while self.pending.get(len(self.row), 0):
            self.pending[len(self.row)] -= 1
            self.row.append("")

    def end_cell(self) -> None:
        if self.cell is None:
            return
        self.skip_pending()
        rows, columns = self.span
        for extra in range(columns):
            if rows > 1:
                self.pending[len(self.row)] = rows - 1
            self.row.append(_collapsed("".join(self.cell)) if extra == 0 else "")
        self.cell = None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.has_table = False
        self._words: list[str] = []
        self._tables: list[_Table] = []
        self._silent = 0
        self._drawing = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if self._silent:
            return
        if tag == "svg" or self._drawing:
            self._drawing += tag not in _VOID
            kept = sorted(f"{name}={value}" for name, value in attrs if name not in _GENERATED)
            self._add(f"<{' '.join([tag, *kept])}>")
        facts = dict(attrs)
        if source := facts.get("src"):
            self._add(f"[{tag} {hashlib.sha256(source.encode()).hexdigest()[:16]}]")
        if tag == "table":
            self.end_line()
            self._tables.append(_Table())
            self.has_table = True
        elif tag == "tr" and self._tables:
            self._tables[-1].end_cell()
            self._end_row()
        elif tag in ("td", "th") and self._tables:
            table = self._tables[-1]
            table.end_cell()
            table.cell, table.span = [], (_span(facts.get("rowspan")), _span(facts.get("colspan")))
        elif tag in _BLOCKS:
            self.end_line()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
            return
        if self._silent:
            return
        if self._drawing and tag not in _VOID:
            self._drawing -= 1
        if tag in ("td", "th") and self._tables:
            self._tables[-1].end_cell()
        elif tag == "tr" and self._tables:
            self._tables[-1].end_cell()
            self._end_row()
        elif tag == "table" and self._tables:
            self._tables[-1].end_cell()
            self._end_row()
            self._tables.pop()
        elif tag in _BLOCKS:
            self.end_line()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._add(data)

    def end_line(self) -> None:
        if self._tables and self._tables[-1].cell is not None:
            self._tables[-1].cell.append(" ")
            return
        if words := _collapsed("".join(self._words)):
            self.lines.append(words)
        self._words.clear()

    def _add(self, text: str) -> None:
        if self._tables and self._tables[-1].cell is not None:
            self._tables[-1].cell.append(text)
        else:
            self._words.append(text)

    def _end_row(self) -> None:
        table = self._tables[-1]
        if table.row:
            table.skip_pending()
            self.lines.append("\t".join(table.row))
        table.row = []


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _span(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and 0 < int(text) < 1000 else 1

"""Limits of what a cell's outputs may hold; what is beyond them is cut with a note."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of each cell.

    Attributes:
        text_bytes: Of its printed text per stream, and of the plain text of one output.
        output_bytes: Of all its other outputs.
    """

    text_bytes: int = 1_000_000
    output_bytes: int = 10_000_000


def size_text(size_bytes: int) -> str:
    """A size in decimal units."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return (
                f"{size_bytes / factor:.3g} {unit}" if size_bytes < 1000 * factor else f"{size_bytes // factor} {unit}"
            )
    return f"{size_bytes} bytes"


@dataclass(kw_only=True)
class PrintedText:
    """What a cell prints to one stream: the first half and the last half of the limit are kept, in bounded memory.

    The result does not depend on the pieces in which the text arrives.
    """

    limit_bytes: int
    size: int = 0
    lines: int = 0
    _last: deque[bytes] = field(default_factory=deque)
    _last_size: int = 0

    def add(self, text: str) -> str:
        """Add a piece, and return what of it belongs to the first half."""
        piece = text.encode("utf-8", "replace")
        room = max(self.limit_bytes // 2 - self.size, 0)
        # A character that the limit divides belongs to the last half.
        while 0 < room < len(piece) and piece[room] & 0xC0 == 0x80:
            room -= 1
        self.size += len(piece)
        self.lines += text.count("\n")
        self._keep(piece[room:])
        return piece[:room].decode("utf-8", "replace")

    def rest(self) -> tuple[str, str]:
        """The last half, and the note that stands before it; empty if nothing is cut."""
        last = b"".join(self._last)
        cut_bytes = self.size - self.limit_bytes // 2 - self.limit_bytes // 2
        if cut_bytes <= 0:
            return "", last.decode("utf-8", "replace")
        last = last[-(self.limit_bytes // 2) :]
        _, newline, whole_lines = last.partition(b"\n")
        if newline:
            last = whole_lines
        note = (
            f"\n… cut here: this cell printed {size_text(self.size)} in {self.lines:,} lines, and max_text is"
            f" {size_text(self.limit_bytes)} …\n"
        )
        return note, last.decode("utf-8", "replace")

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._last.append(piece)
        self._last_size += len(piece)
        while self._last_size - len(self._last[0]) > self.limit_bytes // 2 + 4:
            self._last_size -= len(self._last.popleft())


class CellLimits:
    """What one cell has written so far.

    Attributes:
        notes: What was cut, for the user.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.clear()

    def clear(self) -> None:
        """Forget all outputs, as the cell does."""
        self._printed: dict[str, PrintedText] = {}
        self._shown_bytes = 0
        self._is_full = False
        self.notes: list[str] = []

    def printed(self, name: str, text: str) -> str:
        """The part of printed text that is shown where it was printed."""
        stream = self._printed.setdefault(name, PrintedText(limit_bytes=self._limits.text_bytes))
        return stream.add(text)

    def rests(self) -> list[tuple[str, str]]:
        """For each stream, the text that is shown at the end of the cell."""
        found = []
        for name, stream in sorted(self._printed.items(), reverse=True):
            note, rest = stream.rest()
            if note:
                self.notes.append(
                    f"printed {size_text(stream.size)} in {stream.lines:,} lines, and max_text is"
                    f" {size_text(self._limits.text_bytes)}; the middle is cut"
                )
            if note or rest:
                found.append((name, note + rest))
        return found

    def shown(self, data: Mapping[str, Any], *, is_update: bool = False) -> dict[str, Any] | None:
        """The content of an output, or a note in its place; None for each further one that does not fit."""
        kept = {form: self._cut_text(value) if form == "text/plain" else value for form, value in _valid(data).items()}
        size = bundle_size(kept)
        before = 0 if is_update else self._shown_bytes
        if before + size <= self._limits.output_bytes:
            self._shown_bytes = before + size if not is_update else self._shown_bytes
            return kept
        if self._is_full and not is_update:
            return None
        self._is_full = True
        limit = size_text(self._limits.output_bytes)
        self.notes.append(f"an output of {size_text(size)} is left out, and max_output of a cell is {limit}")
        return {
            "text/plain": f"… left out: an output of {size_text(size)}, and each further one that does not fit:"
            f" max_output of a cell is {limit} …"
        }

    def cut_error(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of an error, whose message may be long."""
        traceback = [self._cut_text(line) for line in content.get("traceback", [])]
        return {**content, "evalue": self._cut_text(content.get("evalue", "")), "traceback": traceback}

    def _cut_text(self, value: Any) -> Any:
        if not isinstance(value, str) or len(value) <= self._limits.text_bytes // 4:
            return value
        text = PrintedText(limit_bytes=self._limits.text_bytes)
        first = text.add(value)
        note, rest = text.rest()
        return first + note.replace("this cell printed", "this text has") + rest


def _valid(data: Mapping[str, Any]) -> dict[str, Any]:
    """The forms of an output as nbformat allows them, which ends a run otherwise: objects only in forms of JSON.

    Altair 6 has `application/vnd.vegalite.v6.json`.
    """
    found = {}
    for form, value in data.items():
        is_json = form == "application/json" or form.endswith("+json")
        if isinstance(value, str) or is_json:
            found[form] = value
        elif form.endswith(".json"):
            found[f"{form.removesuffix('.json')}+json"] = value
        else:
            found[form] = json.dumps(value)
    return found


def bundle_size(data: Mapping[str, Any]) -> int:
    """The size of an output in all its forms."""
    return sum(len(value) if isinstance(value, str) else len(json.dumps(value)) for value in data.values())

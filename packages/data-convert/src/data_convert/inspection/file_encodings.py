"""Finds the files of a folder that are in another encoding than the others."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from data_convert.errors import FileFault
from data_convert.inspection.sniffing.encodings import GuessedEncoding, encoding_by_letters
from data_convert.reading.sources import Source
from data_convert.reading.streams import open_source

_PIECE_BYTES: Final = 4 << 20


def mixed_encoding_faults(sources: Sequence[Source], other: str) -> list[FileFault]:
    """The files that are not UTF-8, if others have letters beyond ASCII in UTF-8; else none.

    Reading all files in one encoding would change letters in the others without any error.

    Args:
        other: The encoding that the files without UTF-8 probably have.
    """
    lines = {source.name: _first_line_without_utf8(source) for source in sources}
    modern = [source.name for source in sources if lines[source.name] == 0]
    broken = {name: line for name, line in lines.items() if line}
    if not modern:
        return []
    return [
        FileFault(
            file=name,
            problem=f"line {line} is not UTF-8, but {modern[0]} has letters that are. Convert this file:"
            f" iconv -f {other} -t utf-8 {name} > NEW, if its letters are {other}.",
        )
        for name, line in broken.items()
    ]


def late_encoding(source: Source) -> GuessedEncoding:
    """The encoding of a file that is known not to be UTF-8, from its lines with bytes beyond ASCII."""
    with open_source(source) as stream:
        return encoding_by_letters(_lines(stream.read))


def _lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    rest = b""
    while piece := read(_PIECE_BYTES):
        *lines, rest = (rest + piece).splitlines(keepends=True)
        yield from lines
    yield rest


def _first_line_without_utf8(source: Source) -> int | None:
    """The first line that is not UTF-8; 0 if all is UTF-8 with letters beyond ASCII; None if all is ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, has_letters = 1, False
    with open_source(source) as stream:
        while True:
            piece = stream.read(_PIECE_BYTES)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return line + error.object[: error.start].count(b"\n")
            if not piece:
                return 0 if has_letters else None
            has_letters = has_letters or not piece.isascii()
            line += piece.count(b"\n")

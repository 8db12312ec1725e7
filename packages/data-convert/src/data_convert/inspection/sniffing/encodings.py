"""Infers the encoding of a file from its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from data_convert.inspection.sniffing.letters import rating

FALLBACKS: Final = ("utf-8", "cp1252", "latin-1")
"""Encodings to try one after the other if nothing speaks for another one; the last accepts every byte."""

SURE: Final = 0.75
"""From this sureness on, an encoding is a finding; below it, it is a guess that a person has to check."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The likelier of two that explain a text equally well stands first. Python and charset-normalizer share these names.
_RIVALS: Final = (
    *("cp1252", "cp932", "gb18030", "big5", "cp949", "euc_jp", "cp1251", "koi8_r", "cp1250", "iso8859_2", "cp1253"),
    *("cp1254", "cp1255", "cp1256", "cp874", "iso8859_15", "iso8859_5", "iso8859_7", "iso8859_9", "cp866", "cp850"),
    *("cp437", "mac_roman"),
)
# What cp932 and cp949 are usually called; these two also have the signs that Windows adds.
_USUAL_NAMES: Final = {"koi8_r": "koi8-r", "cp932": "cp932", "cp949": "cp949"}
_EVIDENCE_BYTES: Final = 32 << 10
_HIGH: Final = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, kw_only=True)
class GuessedEncoding:
    """An encoding and what speaks for it.

    Attributes:
        sureness: 0 to 1; 1 if the bytes prove it.
        rival: The encoding that explains the bytes next best, as another text; None if there is none.
        word: A word with letters beyond ASCII in this encoding, and in the rival's.
    """

    name: str
    sureness: float = 1.0
    rival: str | None = None
    word: tuple[str, str] = ("", "")


def guessed_encoding(head: bytes, *, is_whole: bool) -> GuessedEncoding:
    """The encoding by the byte order mark, by the zero bytes of UTF-16, by UTF-8's form, or by the letters."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return GuessedEncoding(name=name)
    for name in ("utf-16-le", "utf-16-be"):
        if _is_utf_16(head, name):
            return GuessedEncoding(name=name)
    if decodes(head, "utf-8", is_whole=is_whole):
        return GuessedEncoding(name="utf-8")
    return encoding_by_letters(head.splitlines(keepends=True))


def decodes(data: bytes, encoding: str, *, is_whole: bool) -> bool:
    """Whether the bytes are valid; if they are not a complete file, the last character may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(data, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def encoding_by_letters(lines: Iterable[bytes]) -> GuessedEncoding:
    """The encoding in which the bytes beyond ASCII look most like writing. They are known not to be UTF-8."""
    evidence = _evidence(lines)
    if len({*_HIGH.findall(evidence)}) < 3:
        # Two or three bytes may be letters of any script by chance; most often they are those of Western Europe.
        name = next(name for name in FALLBACKS[1:] if decodes(evidence, name, is_whole=True))
        return GuessedEncoding(name=name, sureness=0.0)
    rated = sorted(_rated(evidence).items(), key=lambda entry: -entry[1][1])
    if not rated:
        return GuessedEncoding(name="latin-1", sureness=0.0)
    name, (text, points) = rated[0]
    others = [(other, words, less) for other, (words, less) in rated[1:] if words != text]
    if not others:
        return GuessedEncoding(name=_USUAL_NAMES.get(name, name), sureness=points)
    rival, words, less = others[0]
    # Few letters prove little, however well they fit.
    letters = len({*_HIGH.findall(evidence)})
    sureness = min(0.99, (0.5 + 2 * (points - less)) * min(1.0, letters / 4))
    return GuessedEncoding(
        name=_USUAL_NAMES.get(name, name),
        sureness=max(0.0, sureness),
        rival=_USUAL_NAMES.get(rival, rival),
        word=_first_difference(text, words),
    )


def _evidence(lines: Iterable[bytes]) -> bytes:
    kept = bytearray()
    for line in lines:
        if _HIGH.search(line):
            kept += line
        if len(kept) >= _EVIDENCE_BYTES:
            break
    return bytes(kept)


def _rated(evidence: bytes) -> dict[str, tuple[str, float]]:
    """Encoding -> the text and its points; of those that can decode it."""
    votes = {match.encoding: match for match in from_bytes(evidence, cp_isolation=list(_RIVALS))}
    rated = {}
    for place, name in enumerate(_RIVALS):
        try:
            text = evidence.decode(name)
        except UnicodeDecodeError:
            continue
        match = votes.get(name) or next((m for m in votes.values() if name in m.could_be_from_charset), None)
        # charset-normalizer knows how often letters follow each other; it finds nothing in some texts.
        vote = 0.1 * match.coherence - 0.5 * match.chaos if match is not None else -0.1
        rated[name] = (text, rating(text) + vote - 0.002 * place)
    return rated


def _first_difference(text: str, other: str) -> tuple[str, str]:
    pairs = zip(re.split(r"[\s,;\"]+", text), re.split(r"[\s,;\"]+", other), strict=False)
    return next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))


def _is_utf_16(head: bytes, name: str) -> bool:
    """Whether the bytes are UTF-16 without a byte order mark. Zero bytes alone do not prove it."""
    size = len(head) // 2 * 2
    zeros = head[1:size:2].count(0) if name == "utf-16-le" else head[0:size:2].count(0)
    if zeros * 6 < size // 2:
        return False
    text = codecs.getincrementaldecoder(name)(errors="replace").decode(head[:size])
    line_ends = text.count("\n") + text.count("\r")
    controls = sum(sign < " " and sign not in "\t\r\n" for sign in text) + text.count("\ufffd")
    # Bytes that are no UTF-16 make rare characters; in any table there are some delimiters or digits.
    usual = sum(" " <= sign <= "~" or sign == "\t" for sign in text)
    return controls == 0 and usual >= line_ends and line_ends * 2 > head.count(b"\n") + head.count(b"\r") > 0

"""Rates how much a decoded text looks like writing, to compare encodings."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_RUN: Final = re.compile(r"(?P<word>[^\W\d_]+)|[^\x00-\x7f]")
# Signs that people do write, alone or next to numbers and words.
_TYPOGRAPHY: Final = frozenset("–—‘’‚“”„…•°€£¥§©®™«»¿¡½¼¾²³µ±×º·\u00a0、。「」（），：；・％－～ー／！？【】《》")


def rating(text: str) -> float:
    """How much the characters beyond ASCII look like writing, 0 to 1. A text without any of them rates 1."""
    total = count = 0.0
    for match in _RUN.finditer(text):
        run = match[0]
        if run.isascii():
            continue
        size = sum(not sign.isascii() for sign in run)
        before, behind = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        total += size * (_word_rating(run) if match["word"] else _sign_rating(run, before, behind))
        count += size
    return total / count if count else 1.0


@lru_cache(maxsize=1 << 14)
def _word_rating(word: str) -> float:
    scripts = {_script(sign) for sign in word}
    if "CJK" in scripts or "HIRAGANA" in scripts or "KATAKANA" in scripts:
        return _east_asian_rating(word)
    if len(scripts) > 1 or "OTHER" in scripts:
        return 0.1
    if scripts == {"LATIN"} and _has_icelandic_letter_out_of_place(word):
        return 0.4
    has_case = word.lower() != word.upper()
    if has_case and not (word.islower() or word.isupper() or word[1:].islower()):
        return 0.3
    # One letter proves little.
    return 0.95 if len(word) > 2 else 0.75


def _east_asian_rating(word: str) -> float:
    common = sum("\u3041" <= sign <= "\u30ff" or "\u4e00" <= sign <= "\u9fff" for sign in word)
    half_width = sum("\uff61" <= sign <= "\uff9f" for sign in word)
    return max(0.0, (common - half_width) / len(word)) * (0.95 if len(word) > 1 else 0.6)


def _has_icelandic_letter_out_of_place(word: str) -> bool:
    """In Icelandic, thorn starts a word and eth does not; Turkish letters have the same bytes in other encodings."""
    lower = word.lower()
    return "þ" in lower[1:] or lower[:1] == "ð"


def _sign_rating(sign: str, before: str, behind: str) -> float:
    category = unicodedata.category(sign)
    if category.startswith("M"):
        return 0.9  # a vowel sign, as in Thai
    if category in ("Cc", "Cn", "Co", "Cs"):
        return 0.0
    if before.isalpha() or behind.isalpha():
        # An apostrophe or a dash may be inside of a word; £ or ¼ may not.
        return 0.8 if sign in "’–—‘“”„‚«»¿¡。、・ー（）「」\u00a0…°" else 0.1
    return 0.85 if sign in _TYPOGRAPHY else 0.3


@lru_cache(maxsize=1 << 14)
def _script(sign: str) -> str:
    name = unicodedata.name(sign, "OTHER").split(" ")[0]
    known = ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "CJK", "HIRAGANA", "KATAKANA", "HANGUL")
    return name if name in known else "CJK" if name in ("HALFWIDTH", "FULLWIDTH", "IDEOGRAPHIC") else "OTHER"

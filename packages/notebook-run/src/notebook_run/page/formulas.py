"""TeX formulas as MathML, which browsers show without a library."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Final

from latex2mathml.converter import convert

# These number or name a formula, and mean nothing without MathJax.
_NUMBERING: Final = re.compile(r"\\(?:label|tag\*?)\s*\{[^{}]*\}|\\(?:nonumber|notag)\b")
# latex2mathml knows these environments by other names.
_SAME: Final = {
    "equation": "",
    "equation*": "",
    "displaymath": "",
    "math": "",
    "multline": "gather",
    "eqnarray": "align",
}
_ENVIRONMENT: Final = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")
_UNKNOWN: Final = re.compile(r"\\[A-Za-z]+")


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A formula of a page.

    Attributes:
        markup: MathML; if a command is not known, its TeX.
        unknown: The first command that is not known.
    """

    markup: str
    unknown: str | None = None


def formula(tex: str, *, is_block: bool) -> Formula:
    """A formula as MathML, with its TeX as the text that is copied and searched."""
    cleaned = _ENVIRONMENT.sub(_renamed, _NUMBERING.sub("", tex)).strip()
    try:
        markup = str(convert(cleaned, display="block" if is_block else "inline"))
    except Exception as error:  # The parser raises errors of many classes, IndexError among them.
        return Formula(markup=_source(tex, is_block=is_block), unknown=f"{type(error).__name__} in {_short(tex)}")
    # A command that the parser does not know is left in the text.
    if unknown := _UNKNOWN.search(html.unescape(re.sub(r"<[^>]*>", " ", markup))):
        return Formula(markup=_source(tex, is_block=is_block), unknown=unknown[0])
    return Formula(markup=markup)


def _renamed(match: re.Match[str]) -> str:
    name = _SAME.get(match[2], _SAME.get(match[2].rstrip("*"), match[2]))
    return rf"\{match[1]}{{{name}}}" if name else ""


def _source(tex: str, *, is_block: bool) -> str:
    tag = "pre" if is_block else "code"
    return f"<{tag}>{html.escape(tex.strip())}</{tag}>"


def _short(tex: str) -> str:
    text = " ".join(tex.split())
    return text if len(text) <= 40 else f"{text[:39]}…"

"""Markers of a lock with the extras of the project decided."""

from __future__ import annotations

import re

from env_spec.declaration.tables import normalized_name

_EXTRA = re.compile(r"""extra == ["']([^"']+)["']""")
_TOKEN = re.compile(r"""[()]|"[^"]*"|'[^']*'|[^\s()"']+""")


def without_extras(marker: str, extras: frozenset[str]) -> str | None:
    """The marker with `extra == "X"` replaced by whether X is selected, and simplified.

    Returns:
        Empty if it is always true, None if it is never true.
    """
    if "extra ==" not in marker:
        return marker
    found = _either(_TOKEN.findall(marker), extras)
    return None if found is False else "" if found is True else found


def _either(tokens: list[str], extras: frozenset[str]) -> str | bool:
    """The alternatives at the start of the tokens, which are removed; `or` binds weakest."""
    found = [_both(tokens, extras)]
    while tokens and tokens[0] == "or":
        del tokens[0]
        found.append(_both(tokens, extras))
    texts = [text for text in found if isinstance(text, str)]
    return True if True in found else " or ".join(texts) or False


def _both(tokens: list[str], extras: frozenset[str]) -> str | bool:
    found = [_one(tokens, extras)]
    while tokens and tokens[0] == "and":
        del tokens[0]
        found.append(_one(tokens, extras))
    texts = [text for text in found if isinstance(text, str)]
    if False in found:
        return False
    if len(texts) > 1:
        texts = [f"({text})" if " or " in text else text for text in texts]
    return " and ".join(texts) or True


def _one(tokens: list[str], extras: frozenset[str]) -> str | bool:
    token = tokens.pop(0)
    if token == "(":
        inner = _either(tokens, extras)
        del tokens[0]  # The closing parenthesis.
        return inner
    words = [token]
    while tokens and tokens[0] not in ("and", "or", ")"):
        words.append(tokens.pop(0))
    comparison = " ".join(words)
    extra = _EXTRA.fullmatch(comparison)
    return normalized_name(extra[1]) in extras if extra else comparison

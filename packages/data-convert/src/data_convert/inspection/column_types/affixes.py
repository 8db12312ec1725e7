"""Finds the text before and behind a number, such as `$` or `%`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_CODES: Final = frozenset(
    (
        *("AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR", "GBP"),
        *("HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP"),
        *("PKR", "PLN", "RMB", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND"),
        "ZAR",
    )
)
_WORDS: Final = frozenset(
    ("kr", "kr.", "Kč", "zł", "Ft", "lei", "лв", "лв.", "руб", "руб.", "Fr.", "SFr.", "Rs", "Rs.")
)
_SHARES: Final = frozenset("%‰")

_PARTS: Final = re.compile(r"[+-]?(?P<prefix>[^\d+-]*)[+-]?(?P<number>\d(?:.*\d)?)(?P<suffix>\D*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Affixes:
    """What stands around a number, without blanks."""

    prefix: str = ""
    suffix: str = ""

    @property
    def are_known(self) -> bool:
        """Whether they surely are no part of an identifier: shares and currencies, also per unit (`€/MWh`)."""
        prefix = not self.prefix or _is_currency(self.prefix)
        return prefix and (not self.suffix or self.suffix in _SHARES or _is_currency(self.suffix.partition("/")[0]))

    @property
    def may_be_unit(self) -> bool:
        """Whether the suffix looks like a unit, such as `kg`, and there is no prefix."""
        return not self.prefix and len(self.suffix) <= 8 and " " not in self.suffix


def affixes_of(text: str) -> Affixes | None:
    """What stands around the number in the text; None if it has no digit, or a sign anywhere else."""
    match = _PARTS.fullmatch(text.strip())
    if match is None or len(match["prefix"]) > 16 or len(match["suffix"]) > 16:
        return None
    prefix, suffix = match["prefix"].strip(), match["suffix"].strip()
    # A point before the digits begins the fraction, unless it ends an abbreviation.
    if prefix.endswith((".", ",")) and not _is_currency(prefix):
        prefix = prefix[:-1].rstrip()
    # A point behind them is one that no digit follows.
    if suffix.startswith((".", ",")):
        suffix = suffix[1:].lstrip()
    return Affixes(prefix=prefix, suffix=suffix)


def _is_currency(text: str) -> bool:
    if text in _CODES or text in _WORDS:
        return True
    letters, sign = text[:-1], text[-1:]
    return bool(sign) and unicodedata.category(sign) == "Sc" and (not letters or letters.isalpha()) and len(letters) < 4

"""Which number a text spells, by the rules of data/README.md.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

import math
import re
import string
from decimal import Decimal, InvalidOperation
from typing import Final

from data_convert.spec.dataset_spec import DecimalShape, NumberMarks

_SPACE: Final = " \t\n\r\v\f"
_WIDE_BLANKS: Final = "\u00a0\u2009\u202f"
_PLAIN: Final = NumberMarks()
_FLAG_LETTERS: Final = frozenset(string.ascii_letters + "*#?!$")
_FLAG_LIMIT: Final = 8
_WORDS: Final = {
    "nan": math.nan,
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in ("inf", "infinity")},
}


def plain_number(text: str, marks: NumberMarks) -> str | None:
    """The number without its marks and without surrounding space; None if it does not carry exactly these marks."""
    if marks == _PLAIN:
        # int() and float() would read other digits than ASCII ones, too.
        text = text.strip(_SPACE)
        return text if text.isascii() and "_" not in text and text == text.strip() else None
    blanks = _SPACE + _WIDE_BLANKS
    rest = _with_sign(text, marks).strip(blanks)
    if not rest.endswith(marks.suffix):
        return None
    rest = rest[: len(rest) - len(marks.suffix)]
    rest = rest.rstrip(blanks) if marks.suffix else rest
    sign, rest = _sign(rest)
    if not rest.startswith(marks.prefix):
        return None
    if marks.prefix:
        rest = rest[len(marks.prefix) :].lstrip(blanks)
        sign, rest = (sign, rest) if sign else _sign(rest)
    number = _ungrouped(rest, marks)
    return None if number is None else sign + number


def _with_sign(text: str, marks: NumberMarks) -> str:
    """The text with an ASCII minus, where it is declared that negative numbers are written in another way."""
    if marks.minus == "\u2212":
        return "-".join(text.split("\u2212"))
    if marks.minus != "()" or text.count("(") != 1 or text.count(")") != 1:
        return text
    before, _, rest = text.partition("(")
    inside, closing, behind = rest.partition(")")
    # Outside of the parentheses, only a prefix and a suffix may stand.
    if not closing or set(before + behind) & set("+-" + string.digits) or set(inside) & set("+-"):
        return text
    blanks = _SPACE + _WIDE_BLANKS
    return "-" + before.lstrip(blanks) + inside.strip(blanks) + behind


def _sign(text: str) -> tuple[str, str]:
    return (text[0], text[1:]) if text.startswith(("+", "-")) else ("", text)


def _ungrouped(text: str, marks: NumberMarks) -> str | None:
    mantissa, letter, power = text.replace("E", "e").partition("e")
    whole, point, fraction = mantissa.partition(marks.decimal)
    groups = re.split(f"[{re.escape(_alike(marks.group))}]", whole) if marks.group else [whole]
    if len(groups) > 1:
        if not 1 <= len(groups[0]) <= 3 or groups[0].startswith("0") or {len(group) for group in groups[1:]} != {3}:
            return None
        whole = "".join(groups)
    digits = whole + fraction + (_sign(power)[1] if letter else "")
    is_number = digits.isascii() and digits.isdecimal() and (whole or fraction)
    if not is_number or (letter and not _sign(power)[1]):
        return None
    return whole + ("." if point else "") + fraction + letter + power


def _alike(mark: str) -> str:
    """The marks that look like this one, which programs mix."""
    if mark in (" ", *_WIDE_BLANKS):
        return " " + _WIDE_BLANKS
    return "'\u2019" if mark == "'" else mark


def integer(text: str, low: int, high: int, marks: NumberMarks) -> int | None:
    """The integer, if it is in the range."""
    number = plain_number(text, marks) or ""
    digits = number.removeprefix("-" if number.startswith("-") else "+")
    significant = digits.lstrip("0")
    if not digits.isdecimal() or len(significant) > len(str(high)):
        return None
    value = int(significant or "0") * (-1 if number.startswith("-") else 1)
    return value if low <= value <= high else None


def exact_float(text: str, marks: NumberMarks) -> float | None:
    """The float whose shortest form equals the number that the text spells; None if there is none."""
    number = plain_number(text, marks) or ""
    try:
        value = float(number)
        shortest = repr(value)
        is_exact = shortest == number or (math.isfinite(value) and Decimal(number) == Decimal(shortest))
        return value if is_exact and math.isfinite(value) else None
    except (ValueError, InvalidOperation):
        return None


def rounded_float(text: str, marks: NumberMarks) -> float | None:
    """The float that is nearest to the number."""
    try:
        value = float(plain_number(text, marks) or "")
        return value if math.isfinite(value) else None
    except ValueError:
        return None


def non_finite_float(text: str) -> float | None:
    """The value of a spelling of infinity or "not a number"."""
    return _WORDS.get(text.strip(" \t\n\r\f").lower())


def unscaled_decimal(text: str, shape: DecimalShape, marks: NumberMarks) -> int | None:
    """The number times 10**scale, if the decimal type holds it without rounding."""
    try:
        _, digits, exponent = (number := Decimal(plain_number(text, marks) or "")).as_tuple()
    except InvalidOperation:
        return None
    if not isinstance(exponent, int):
        return None
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    if not significant:
        return 0
    zeros = exponent + len(text) - len(significant) + shape.scale
    if zeros < 0 or len(significant) + zeros > shape.precision:
        return None
    return int(("-" if number.is_signed() else "") + significant + "0" * zeros)


def flagged_number(text: str, marks: NumberMarks) -> tuple[float | None, str | None] | None:
    """Number and flag; None if the text is not a number, a flag or both."""
    if (value := exact_float(text, marks)) is not None:
        return value, None
    text = _with_sign(text, marks)
    # The longest number wins: a suffix can consist of letters that a flag may have, too.
    for size in range(1, min(len(text), _FLAG_LIMIT) + 1):
        number, flag = text[:-size], text[-size:]
        if flag[0] not in _FLAG_LETTERS:
            return None
        if not number:
            return None, flag
        plain = plain_number(number, marks)
        if plain and "e" not in plain.lower() and number == number.strip(_SPACE + _WIDE_BLANKS):
            value = exact_float(number, marks)
            if value is not None:
                return value, flag
    return None

"""Rewrites numbers with marks, such as `-$1,234.50`, `1.234,5 %` or `(5)`, as plain ones: `-1234.50`, `1234.5`, `-5`.

A text that does not carry the declared marks exactly, or whose groups do not have three digits each, has no plain form.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.spec.dataset_spec import NumberMarks

PLAIN: Final = NumberMarks()

_BLANKS: Final = " \u00a0\u2009\u202f"
_LOOK_ALIKE: Final = {" ": _BLANKS, "\u00a0": _BLANKS, "\u2009": _BLANKS, "\u202f": _BLANKS, "'": "'\u2019"}
"""Marks that look alike to a reader; programs mix them."""

_SPACES: Final = rf"\t\n\v\f\r{_BLANKS}"
_SPACE: Final = f"[{_SPACES}]*"
_NO_NUMBER: Final = ""

_MINUS_SIGN: Final = "\u2212"
_AROUND: Final = "[^()0-9+-]*"
# Without space around them: if both could match it, a long cell of spaces would take very long.
_BEFORE: Final = rf"(?:[^()0-9+\-{_SPACES}]{_AROUND})?"
_INSIDE: Final = rf"[^()+\-{_SPACES}](?:[^()+-]*[^()+\-{_SPACES}])?"
_PARENTHESES: Final = rf"\A{_SPACE}({_BEFORE})\({_SPACE}(?:({_INSIDE}){_SPACE})?\)({_AROUND})\z"
"""A text that is completely or partly in parentheses; outside of them, it may have a prefix and a suffix."""


def plain_numbers(texts: pa.StringArray, marks: NumberMarks) -> pa.StringArray:
    """The texts as plain numbers; an empty text, which no number type accepts, where there is no plain form."""
    if marks == PLAIN:
        return texts
    texts = _with_hyphens(texts, marks)
    pattern = rf"\A(?:{_pattern(marks)})\z"
    plain = pc.replace_substring_regex(texts, pattern, r"\1\2\3")
    if marks.group is not None:
        plain = pc.replace_substring_regex(plain, mark_class(marks.group), "")
    if marks.decimal != ".":
        plain = pc.replace_substring(plain, marks.decimal, ".")
    return pc.if_else(pc.match_substring_regex(texts, pattern), plain, _NO_NUMBER)


def plain_number(text: str, marks: NumberMarks) -> str | None:
    """The text as a plain number; None if it has no plain form."""
    if marks == PLAIN:
        return text
    match = _compiled(marks).fullmatch(with_hyphen(text, marks))
    if match is None:
        return None
    number = match[3] if marks.group is None else re.sub(mark_class(marks.group), "", match[3])
    return (match[1] or "") + (match[2] or "") + number.replace(marks.decimal, ".")


def with_hyphen(text: str, marks: NumberMarks) -> str:
    """The text with "-" before it where it marks a number below zero in another way."""
    if marks.minus == _MINUS_SIGN:
        return text.replace(_MINUS_SIGN, "-")
    if marks.minus == "()" and (match := re.fullmatch(_PARENTHESES.removeprefix(r"\A").removesuffix(r"\z"), text)):
        return f"-{match[1]}{match[2] or ''}{match[3]}"
    return text


def _with_hyphens(texts: pa.StringArray, marks: NumberMarks) -> pa.StringArray:
    if marks.minus == _MINUS_SIGN:
        return pc.replace_substring(texts, _MINUS_SIGN, "-")
    return pc.replace_substring_regex(texts, _PARENTHESES, r"-\1\2\3") if marks.minus == "()" else texts


def example(marks: NumberMarks) -> str:
    """How a number with these marks looks."""
    return f"{marks.prefix}1{marks.group or ''}234{marks.decimal}5{marks.suffix}"


def mark_class(mark: str) -> str:
    """A pattern of one character: the mark, or one that looks like it."""
    return f"[{''.join(map(_literal, _LOOK_ALIKE.get(mark, mark)))}]"


@functools.lru_cache
def flagged_pattern(marks: NumberMarks) -> re.Pattern[str]:
    """A number without exponent, followed by a flag; one of the two may be missing."""
    prefix, suffix = _literal(marks.prefix), _literal(marks.suffix)
    between = _SPACE if marks.prefix else ""
    number = f"[+-]?{prefix}{between}[+-]?{_number(marks)}{_SPACE if marks.suffix else ''}{suffix}"
    return re.compile(f"(?P<number>{number})?(?P<flag>[A-Za-z*#?!$]{{1,8}})", re.ASCII)


@functools.lru_cache
def _compiled(marks: NumberMarks) -> re.Pattern[str]:
    return re.compile(_pattern(marks))


@functools.lru_cache
def _pattern(marks: NumberMarks) -> str:
    """A pattern with the groups: sign before the prefix, sign behind it, number. Arrow and Python read it alike."""
    sign = "([+-])?()"
    if marks.prefix:
        prefix = _literal(marks.prefix) + _SPACE
        sign = f"(?:([+-])?{prefix}|{prefix}([+-]))"
    suffix = f"{_SPACE}{_literal(marks.suffix)}" if marks.suffix else ""
    return f"{_SPACE}{sign}({_number(marks)}(?:[eE][+-]?[0-9]+)?){suffix}{_SPACE}"


def _number(marks: NumberMarks) -> str:
    digits = "[0-9]+"
    if marks.group is not None:
        # A first group of 0 would make 123 of `0,123`, which is rather a decimal comma.
        digits = f"(?:[1-9][0-9]{{0,2}}(?:{mark_class(marks.group)}[0-9]{{3}})+|[0-9]+)"
    decimal = _literal(marks.decimal)
    return f"(?:{digits}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)"


def _literal(text: str) -> str:
    """The text as a pattern of itself, for Python and Arrow (RE2 rejects an escaped blank)."""
    return "".join(f"\\{sign}" if sign.isascii() and sign.isprintable() and not sign.isalnum() and sign != " " else sign
                   for sign in text)  # fmt: skip

"""Says why a column stays text, and what a person should know about one that does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from data_convert.inspection.column_types.candidates import Sighting
from data_convert.inspection.column_types.day_order import DAY_ORDERS
from data_convert.inspection.column_types.format_census import FormatCensus
from data_convert.inspection.column_types.inference import ColumnEvidence

EXACT_INTEGER: Final = 2**53
"""From here on a float64, as in JavaScript, Excel and a pandas column with nulls, skips integers."""

_MIXED_SHARE: Final = 0.1
_UNIT_VALUES: Final = 2
"""Distinct values that make a common ending a unit."""

_NEGATIVE: Final = re.compile(r"\s*(?:\u2212\D{0,3}[0-9.,' ]+\D{0,3}|\(\D{0,3}[0-9.,' ]+\D{0,3}\)\D{0,3})\s*")
"""A number below zero with other signs than "-", and perhaps a currency or a unit."""

_HEXADECIMAL: Final = frozenset("abcdefABCDEF")


def rows_text(rows: int) -> str:
    """A number of rows, in words."""
    return f"{rows:,} row{'s' if rows != 1 else ''}"


def typed_warnings(evidence: ColumnEvidence, type_: str) -> Iterator[str]:
    """What a person should know about a column that is no text."""
    spelt = {text: rows for text, rows in evidence.nulls.items() if text}
    if spelt:
        listed = ", ".join(f"{text!r} ({rows_text(rows)})" for text, rows in sorted(spelt.items()))
        together = "; in Parquet they look like the empty cells" if "" in evidence.nulls else ""
        yield f"read as no value: {listed}{together}"
    for text, rows in evidence.sentinels.items():
        if rows and type_ not in ("date", "timestamp"):
            yield f'{text} in {rows_text(rows)}: if it means no value, add nulls = ["", "{text}"]'
    if type_ == "uint64" or (type_ == "int64" and _is_beyond_floats(evidence)):
        yield "integers over 2^53: exact here, but rounded by whatever reads them as floats (Excel, JSON)"
    if type_ == "flagged_number":
        flags = ", ".join(repr(flag) for flag in sorted(evidence.flags)[:8])
        flagged = evidence.present - evidence.numbers
        share = f"{flagged:,} of {evidence.present:,} values {'carries' if flagged == 1 else 'carry'} a flag"
        yield f"{share} ({flags}), the first {evidence.candidates['float64'].failed}"
    is_zoned = any(candidate.form and candidate.form.zone for candidate in evidence.forms)
    if type_ == "timestamp" and is_zoned and evidence.has_offsets is not None:
        yield f"becomes UTC; the offset itself is not kept, such as that of {evidence.has_offsets}"
    if (padded := evidence.candidates["unpadded"].failed) is not None:
        yield f"blanks around values are not kept, such as {padded}"


def _is_beyond_floats(evidence: ColumnEvidence) -> bool:
    numbers = evidence.candidates["int64"]
    return bool(max(-(numbers.low or 0), numbers.high or 0) > EXACT_INTEGER)


def string_warnings(evidence: ColumnEvidence, question: str | None) -> Iterator[str]:
    """Why a column with values stays text, unless it is plainly text.

    Args:
        question: What only a person can decide about its numbers.
    """
    if not evidence.present:
        if any(evidence.nulls.get(text) for text in evidence.nulls if text):
            yield f"has no other text than {', '.join(map(repr, evidence.nulls))}; kept as text"
        return
    reason = why_identifier(evidence) or question or _why_no_number(evidence) or _why_no_moment(evidence)
    reason = reason or _why_mixed(evidence)
    if reason is not None:
        yield reason


def why_identifier(evidence: ColumnEvidence) -> str | None:
    """Why numbers are rather identifiers; None if they are not, or the texts are no numbers."""
    signs = evidence.signs
    is_number = any(map(evidence.is_alive, ("int64", "float64", "whole number"))) or bool(evidence.styles.readings)
    if signs.leading_zero is not None and (is_number or evidence.is_alive("flagged_number")):
        return f"leading zeros, such as {signs.leading_zero}: text, since a number would lose them"
    if is_number and signs.exponent is not None:
        number = float(signs.exponent.text)
        return f"identifiers, such as {signs.exponent}: text, since a number would be {number!r}{_IF_NUMBERS}"
    if is_number and signs.phone is not None and not _has_negative(evidence):
        return f"long numbers with a plus sign, such as {signs.phone}: text, since a number would lose it"
    if evidence.is_alive("float64") and signs.twin is not None and not _has_negative(evidence):
        return (
            f"{signs.twin} differs from another value in zeros at its end only, as versions and sections do: text,"
            f" since both would be the same number{_IF_NUMBERS}"
        )
    has_letters = len(evidence.flags) > 1 and all(set(flag) <= _HEXADECIMAL for flag in evidence.flags)
    if evidence.is_alive("flagged_number") and signs.hexadecimal is not None and has_letters and not is_number:
        return f"hexadecimal numbers or other codes, such as {signs.hexadecimal}: text"
    return None


_IF_NUMBERS: Final = '; if they are numbers, declare type = "float64"'


def _has_negative(evidence: ColumnEvidence) -> bool:
    candidates = [evidence.candidates[name] for name in ("int64", "float64")]
    candidates += [style.candidate for style in evidence.styles.readings]
    return any(candidate.low is not None and candidate.low < 0 for candidate in candidates)


def _why_no_number(evidence: ColumnEvidence) -> str | None:
    if evidence.is_alive("whole number"):
        beyond = evidence.candidates["uint64"].failed
        if beyond is None or beyond.text.strip().startswith("-"):
            beyond = evidence.candidates["int64"].failed
        return (
            f'integers beyond 64 bits, such as {beyond}: text; declare type = "decimal(38, 0)" to hold up to 38 digits'
        )
    if evidence.is_alive("number"):
        return (
            f"numbers with more digits than a float64 holds, such as {evidence.candidates['float64'].failed}: text, to"
            ' keep them all; declare type = "float64", rounded = true to round them, or type = "decimal(p, s)"'
        )
    if evidence.is_alive("non-finite"):
        word = evidence.candidates["number"].failed
        return f'{word} among numbers: text; declare type = "float64", non_finite = true to keep it as a number'
    return _why_no_style(evidence)


def _why_no_style(evidence: ColumnEvidence) -> str | None:
    """Why numbers with marks are no numbers."""
    affixes, first = evidence.styles.affixes, evidence.styles.first
    if affixes is not None and affixes.suffix and not affixes.are_known and evidence.styles.readings:
        if len(evidence.seen) < _UNIT_VALUES:
            return None
        setting = f'type = "float64", suffix = "{affixes.suffix}"'
        return f"each value ends with {affixes.suffix!r}: text; if these are numbers, declare {setting}"
    if evidence.is_alive("written number"):
        other = evidence.styles.failed
        against = f", but {other}" if other is not None and first is not None and other.text != first.text else ""
        return (
            f"numbers written in more than one way, or with groups of other than three digits: {first}{against};"
            " text, since one column can declare one way (`decimal_mark`, `group_mark`, `prefix`, `suffix`)"
        )
    return None


def _why_no_moment(evidence: ColumnEvidence) -> str | None:
    forms = [candidate.form for candidate in evidence.forms if candidate.form]
    if len(forms) > 1:
        ways = " or ".join(f'formats = ["{candidate.used[0]}"]' for candidate in evidence.forms)
        return (
            f'day or month first? Both fit every value, so it stays text; declare type = "{forms[0].type}", {ways},'
            f" or inspect with --dates {' or --dates '.join(DAY_ORDERS)}"
        )
    if evidence.is_alive("two-digit year"):
        return "dates with two-digit years: text, since the century is not in it; declare formats with %y to settle it"
    if evidence.is_alive("week"):
        return f"weeks without a day, such as {evidence.styles.first}: text, since a date is a day"
    if evidence.is_alive("zone abbreviation"):
        return (
            f"times with an abbreviation of a zone, such as {evidence.styles.first}: text, since the abbreviation alone"
            ' has no fixed meaning; declare `zone_abbreviations` of the dataset, zone = "UTC", and formats with %Z'
        )
    return _why_formats(evidence.census, evidence.present) if evidence.census else None


def _why_formats(census: FormatCensus, present: int) -> str | None:
    """The formats of a column, how many rows have each, and where each starts."""
    rows: dict[str, int] = {}
    firsts: dict[str, Sighting] = {}
    for tally in census.tallies.values():
        formats = [candidate.used[0] if len(candidate.used) == 1 else " or ".join(candidate.used)
                   for candidate in tally.forms.values()]  # fmt: skip
        label = " or ".join(formats)
        rows[label] = rows.get(label, 0) + tally.rows
        firsts.setdefault(label, tally.first)
    others, other = rows.pop("", 0), firsts.pop("", None)
    if census.is_full or not rows:
        return None
    if len(rows) == 1 and other is None:
        return (
            f"nanoseconds, and years before 1678 or after 2261, in {next(iter(rows))}: text, since 64 bits hold either"
        )
    if len(rows) == 1:
        label, count = next(iter(rows.items()))
        return f"mixed: {count:,} of {present:,} values are like {label}; the first other one is {other}"
    listed = ", ".join(f"{label} in {rows_text(rows[label])} from {firsts[label]}" for label in rows)
    rest = f", no date in {rows_text(others)} from {other}" if others else ""
    return f"dates in several formats, so it stays text: {listed}{rest}{_declaration(census)}"


def _declaration(census: FormatCensus) -> str:
    """How to declare all formats, if each text has one meaning."""
    fitting = [list(tally.forms.values()) for tally in census.tallies.values() if tally.forms]
    forms = [candidates[0].form for candidates in fitting if len(candidates) == 1]
    zones = {form.zone for form in forms if form}
    if len(forms) != len(fitting) or len(zones) != 1:
        return ""
    formats = dict.fromkeys(format_ for (candidate,) in fitting for format_ in candidate.used)
    type_ = "date" if all(form.type == "date" for form in forms if form) else "timestamp"
    zone = ', zone = "UTC"' if zones == {"UTC"} else ""
    listed = ", ".join(f'"{format_}"' for format_ in formats)
    return f'; declare type = "{type_}"{zone}, formats = [{listed}] to read all of them'


def _why_mixed(evidence: ColumnEvidence) -> str | None:
    numbers, present = evidence.numbers, evidence.present
    word = evidence.first_word
    if word is not None and numbers < _MIXED_SHARE * present and _NEGATIVE.fullmatch(word.text):
        return f"texts such as {word}{_hint(word.text)}"
    if evidence.first_word is None or evidence.first_number is None or numbers < _MIXED_SHARE * present:
        return None
    if 2 * numbers > present:
        hint = _hint(evidence.first_word.text)
        return f"mixed: {_numbers_of(numbers, present)}; the first other one is {evidence.first_word}{hint}"
    return f"mixed: {_numbers_of(numbers, present)}, the first {evidence.first_number}"


def _hint(text: str) -> str:
    """Why a text that resembles a number is none."""
    if "\u2212" in text:
        return ", with the minus sign U+2212 in place of '-'; declare a number type and minus = \"\u2212\" to read it"
    if re.fullmatch(r"\s*\([^0-9]*[0-9].*\)\s*", text):
        return (
            ', whose parentheses may mark a negative number or an estimate; declare a number type and minus = "()" if'
            " it is negative"
        )
    if re.fullmatch(r"\s*[+-]?[0-9]+([,.'][0-9]+){2,}\s*", text):
        return ", whose groups have other than three digits"
    return ""


def _numbers_of(numbers: int, present: int) -> str:
    return f"{numbers:,} of {present:,} values {'are numbers' if numbers != 1 else 'is a number'}"

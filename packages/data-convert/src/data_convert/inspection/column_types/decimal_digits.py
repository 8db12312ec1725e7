"""Counts the digits of decimal numbers, to declare how a float64 column can be stored exactly as a decimal."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.spec.dataset_spec import EXACT_DIGITS, DecimalShape, NumberMarks


def either_mark() -> tuple[DecimalDigits, ...]:
    """Counts for a decimal point and for a decimal comma, because the mark is concluded at the end."""
    return DecimalDigits(mark="."), DecimalDigits(mark=",")


@dataclass(kw_only=True)
class DecimalDigits:
    """The most digits that the texts of a column have.

    Attributes:
        mark: The character before the fraction.
        whole: Digits before it, in any value.
        fraction: Digits behind it, in any value.
        has_exponent: Whether a text has an exponent; its digits are not counted.
    """

    mark: str
    whole: int = 0
    fraction: int = 0
    has_exponent: bool = False

    def look(self, values: pa.StringArray) -> None:
        """Count the digits of these texts."""
        if self.has_exponent or not len(values):
            return
        self.has_exponent = bool(pc.any(pc.match_substring(values, "e", ignore_case=True)).as_py())
        digits = pc.utf8_ltrim(pc.utf8_trim_whitespace(values), "+-")
        lengths, place = pc.binary_length(digits), pc.find_substring(digits, self.mark)
        whole = pc.if_else(pc.less(place, 0), lengths, place)
        self.whole = max(self.whole, pc.max(whole).as_py())
        self.fraction = max(self.fraction, pc.max(pc.subtract(pc.subtract(lengths, whole), 1)).as_py())

    def shape(self, marks: NumberMarks) -> DecimalShape | None:
        """The decimal on 32 or 64 bits that holds all values; None if there is none."""
        if self.has_exponent or marks.prefix or marks.suffix or marks.decimal != self.mark:
            return None
        needed = self.whole + self.fraction
        precision = next((digits for digits in (9, EXACT_DIGITS) if needed <= digits), None)
        return None if precision is None else DecimalShape(precision=precision, scale=self.fraction)

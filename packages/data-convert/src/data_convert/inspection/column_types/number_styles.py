"""Tests in which ways the numbers of a column can be read: which characters mark decimals and groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from data_convert.columns.number_marks import mark_class, plain_number, plain_numbers
from data_convert.inspection.column_types.affixes import Affixes, affixes_of
from data_convert.inspection.column_types.candidates import Candidate, Sighting, conversion_candidate, matching
from data_convert.spec.dataset_spec import NumberMarks

_STYLES: Final = ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))
"""Decimal mark and group mark."""

SightingOf = Callable[[str], Sighting]


@dataclass(kw_only=True)
class NumberStyle:
    """One way to read the numbers of a column, tested until a text does not fit.

    Attributes:
        first: The first text of the column.
        decimal_at: The first text with a decimal mark.
        group_at: The first text with a group mark.
    """

    marks: NumberMarks
    first: Sighting
    integers: Candidate = field(default_factory=lambda: conversion_candidate("int64"))
    floats: Candidate = field(default_factory=lambda: conversion_candidate("float64"))
    decimal_at: Sighting | None = None
    group_at: Sighting | None = None

    @property
    def is_alive(self) -> bool:
        """Whether all texts so far fit."""
        return self.integers.is_alive or self.floats.is_alive

    @property
    def is_affixed(self) -> bool:
        """Whether its numbers have a prefix or a suffix."""
        return bool(self.marks.prefix or self.marks.suffix)

    @property
    def candidate(self) -> Candidate:
        """The type that holds all numbers: integers, or else floats."""
        return self.integers if self.integers.is_alive else self.floats

    @property
    def marks_in_use(self) -> NumberMarks:
        """The marks that some text has."""
        group = self.marks.group if self.group_at else None
        decimal = self.marks.decimal if self.decimal_at or group == "." else "."
        return replace(self.marks, decimal=decimal, group=group)

    def test(self, texts: pa.StringArray, sighting: SightingOf) -> None:
        """Test more texts (at least one)."""
        if plain_number(texts[0].as_py(), self.marks) is None:
            self.integers.failed = self.integers.failed or sighting(texts[0].as_py())
            self.floats.failed = self.floats.failed or sighting(texts[0].as_py())
            return
        plain = plain_numbers(texts, self.marks)
        for candidate in (self.integers, self.floats):
            if candidate.is_alive and (index := candidate.test(plain)) is not None:
                candidate.failed = sighting(texts[index].as_py())
        if self.is_alive:
            self.decimal_at = self.decimal_at or _first(texts, matching(plain, r"\."), sighting)
            if self.marks.group is not None and self.group_at is None:
                grouped = matching(texts, f"[0-9]{mark_class(self.marks.group)}[0-9]")
                self.group_at = _first(texts, grouped, sighting)

    def take_over(self, integers: Candidate, floats: Candidate) -> None:
        """Start behind texts without marks, of which the candidates know whether they are integers and floats."""
        for mine, plain in ((self.integers, integers), (self.floats, floats)):
            mine.take_over(plain)
            mine.failed = plain.failed
        if self.marks.decimal == ".":
            self.decimal_at = integers.failed if integers.failed and "." in integers.failed.text else None


@dataclass(frozen=True, kw_only=True)
class PlainNumbers:
    """The candidates of numbers without marks, before and after some texts were tested."""

    integers: Candidate
    floats: Candidate
    are_whole: bool
    are_plain: bool

    def are_without(self, marks: NumberMarks) -> bool:
        """Whether no text can have the decimal mark or the group mark."""
        return self.are_plain if marks.decimal == "." else self.are_whole


@dataclass(kw_only=True)
class NumberStyles:
    """All ways to read the numbers of a column.

    Attributes:
        affixes: What stands around the first number; None if the first text is no number.
        first: The first text.
    """

    affixes: Affixes | None = None
    first: Sighting | None = None
    _styles: dict[NumberMarks, NumberStyle] = field(default_factory=dict)
    _is_started: set[NumberMarks] = field(default_factory=set)

    def add(self, texts: pa.StringArray, plain: PlainNumbers, sighting: SightingOf) -> None:
        """Test more texts (at least one).

        A style is not tested while no text has any of its marks: the plain types know all about such texts.
        """
        if self.first is None:
            self._start(texts[0].as_py(), sighting)
        for style in self.tested(plain):
            if style.marks not in self._is_started:
                self._is_started.add(style.marks)
                if not style.is_affixed:
                    style.take_over(plain.integers, plain.floats)
            if style.is_alive:
                style.test(texts, sighting)

    def tested(self, plain: PlainNumbers) -> list[NumberStyle]:
        """The styles to test."""
        return [
            style
            for style in self._styles.values()
            if style.is_alive and (style.is_affixed or not plain.are_without(style.marks))
        ]

    def _start(self, text: str, sighting: SightingOf) -> None:
        self.first = sighting(text)
        self.affixes = affixes_of(text)
        if self.affixes is not None and (self.affixes.are_known or self.affixes.may_be_unit):
            around = NumberMarks(prefix=self.affixes.prefix, suffix=self.affixes.suffix)
            styles = [replace(around, decimal=decimal, group=group) for decimal, group in _STYLES]
            self._styles = {marks: NumberStyle(marks=marks, first=self.first) for marks in styles}

    @property
    def readings(self) -> list[NumberStyle]:
        """The styles that fit all texts and differ in what they make of them."""
        alive = [self._styles[marks] for marks in self._styles if marks in self._is_started]
        return list({style.marks_in_use: style for style in reversed(alive) if style.is_alive}.values())[::-1]

    @property
    def failed(self) -> Sighting | None:
        """The text at which the last style failed."""
        failures = [style.floats.failed for style in self._styles.values() if style.floats.failed]
        return max(failures, key=lambda sighting: (sighting.place.source, sighting.place.line), default=None)


def _first(texts: pa.StringArray, mask: object, sighting: SightingOf) -> Sighting | None:
    index = pc.index(pa.array(mask), True).as_py()
    return sighting(texts[index].as_py()) if index >= 0 else None

"""Decides which columns of several headers are one column that was renamed, and in which files each name was used."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from data_convert.series.column_samples import ColumnSample
from terminal import count_text

_CLOSE_NAMES: Final = 0.82
_UNIT_LETTERS: Final = 4
_SHORTEST_PREFIX: Final = 3
_SHOWN_FILES: Final = 3
_SAMPLES: Final = 3
"""Samples of a column that are compared with others."""

_MANY_HEADERS: Final = 20
_MANY_PAIRS: Final = 40_000
"""Beyond these, comparing all of them would take too long, and hardly anything would be found."""


@dataclass(frozen=True, kw_only=True)
class HeaderVariant:
    """A header, and the files that have it.

    Attributes:
        names: Its columns in order; the second `X` is `X#2`.
        files: Places of these files in the order of time.
        samples: Column -> some of its values.
    """

    names: tuple[str, ...]
    files: frozenset[int]
    samples: Mapping[str, ColumnSample]


@dataclass(frozen=True, kw_only=True)
class ColumnHistory:
    """One column over time.

    Attributes:
        names: Its headers, the newest first.
        note: From which file to which each name was used; None if it always had the same name.
        is_optional: Whether some files do not have the column.
        gaps: Which files these are; None if the user knows.
    """

    names: tuple[str, ...]
    note: str | None = None
    is_optional: bool = False
    gaps: str | None = None

    @property
    def warnings(self) -> list[str]:
        """What the user should check."""
        return [text for text in (self.note, self.gaps) if text is not None]


def column_histories(
    variants: Sequence[HeaderVariant], files: Sequence[str], *, declared: Iterable[Sequence[str]] = ()
) -> list[ColumnHistory]:
    """The columns of the table, in the order of the most frequent header, with the others where they stood.

    Args:
        files: Names of all files in the order of time.
        declared: The names of each column of a described dataset.
    """
    groups = _Groups(variants)
    for names in declared:
        groups.join(names)
    groups.join_renamed()
    users = _users(variants)
    histories = []
    for members in _in_order(variants, groups):
        names = sorted(members, key=lambda name: max(users[name]), reverse=True)
        absent = set(range(len(files))) - set().union(*(users[name] for name in names))
        histories.append(
            ColumnHistory(
                names=tuple(names),
                is_optional=bool(absent),
                note=_renaming_text(names, users, files) if len(names) > 1 else None,
                gaps=_gaps_text(absent, files) if absent else None,
            )
        )
    return histories


def files_text(places: Iterable[int], files: Sequence[str]) -> str:
    """`a.csv`, `a.csv to d.csv` or `a.csv to d.csv, k.csv and 12 more files` for places in the order of time."""
    runs: list[list[int]] = []
    for place in sorted(places):
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    shown = [files[run[0]] + (f" to {files[run[-1]]}" if len(run) > 1 else "") for run in runs[:_SHOWN_FILES]]
    left = sum(map(len, runs[_SHOWN_FILES:]))
    return ", ".join(shown) + (f" and {count_text(left, 'more file')}" if left else "")


@dataclass(kw_only=True)
class _Group:
    """Headers that are one column, and the files that have any of them."""

    names: list[str]
    files: set[int]
    samples: list[ColumnSample]


@dataclass
class _Groups:
    """Which headers are one column. No file has two headers of one group."""

    variants: Sequence[HeaderVariant]
    of: dict[str, _Group] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for variant in self.variants:
            for name in variant.names:
                group = self.of.setdefault(name, _Group(names=[name], files=set(), samples=[]))
                group.files |= variant.files
                group.samples = [*group.samples, variant.samples[name]][:_SAMPLES]

    def join(self, names: Sequence[str]) -> None:
        """Make these headers one column, where the files have them."""
        present = [name for name in names if name in self.of]
        for name in present[1:]:
            self._merge(present[0], name)

    def join_renamed(self) -> None:
        """Join the headers of renamed columns, those with the strongest evidence first."""
        for before, after in self._transitions():
            self._join_same_letters(before, after)
        for before, after in self._transitions():
            self._join_close_names(before, after)
        for before, after in self._transitions():
            self._join_by_place(before, after)

    def _transitions(self) -> Iterator[tuple[HeaderVariant, HeaderVariant]]:
        """Pairs of headers, the ones that follow each other in time first."""
        order = sorted(self.variants, key=lambda variant: min(variant.files))
        for distance in range(1, len(order) if len(order) <= _MANY_HEADERS else 2):
            yield from zip(order, order[distance:], strict=False)

    def _join_same_letters(self, before: HeaderVariant, after: HeaderVariant) -> None:
        gone, new = self._changed(before, after)
        by_letters: dict[str, list[str]] = {}
        for name in (*gone, *new):
            by_letters.setdefault(plain_name(name), []).append(name)
        for letters, names in by_letters.items():
            # With two possible partners, there is no reason to prefer one.
            if letters and len(names) == 2 and self._may_join(*names):
                self._merge(*names)

    def _join_close_names(self, before: HeaderVariant, after: HeaderVariant) -> None:
        gone, new = self._changed(before, after)
        if len(gone) * len(new) > _MANY_PAIRS:
            return
        pairs = [(a, b) for a in gone for b in new if _close_names(a, b) and self._may_join(a, b)]
        pairs = [(a, b) for a, b in pairs if self._is_near(a, b) or self._is_empty(a) or self._is_empty(b)]
        for name, other in pairs:
            if sum(name in pair or other in pair for pair in pairs) == 1:
                self._merge(name, other)

    def _join_by_place(self, before: HeaderVariant, after: HeaderVariant) -> None:
        """Join columns between the same neighbours, if most columns are the same and the contents are similar."""
        left = [id(self.of[name]) for name in before.names]
        right = [id(self.of[name]) for name in after.names]
        if 2 * len(set(left) & set(right)) < min(len(left), len(right)):
            return
        pairs = []
        for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
            if kind == "replace" and i2 - i1 == j2 - j1:
                pairs += list(zip(before.names[i1:i2], after.names[j1:j2], strict=True))
        for name, other in pairs:
            is_plain = not re.search(r"\d", name + other) and not _differ_in_unit(name, other)
            if is_plain and self._may_join(name, other) and self._is_similar(name, other):
                self._merge(name, other)

    def _changed(self, before: HeaderVariant, after: HeaderVariant) -> tuple[list[str], list[str]]:
        left, right = ({id(self.of[name]) for name in variant.names} for variant in (before, after))
        gone = [name for name in before.names if id(self.of[name]) not in right]
        return gone, [name for name in after.names if id(self.of[name]) not in left]

    def _may_join(self, name: str, other: str) -> bool:
        one, two = self.of[name], self.of[other]
        is_apart = one is not two and not one.files & two.files
        return is_apart and all(sample.is_like(twin) for sample in one.samples for twin in two.samples)

    def _is_similar(self, name: str, other: str) -> bool:
        pairs = [(one, two) for one in self.of[name].samples for two in self.of[other].samples]
        return any(one.has_similar_content(two) for one, two in pairs)

    def _is_near(self, name: str, other: str) -> bool:
        pairs = [(one, two) for one in self.of[name].samples for two in self.of[other].samples]
        return any(one.has_near_content(two) for one, two in pairs)

    def _is_empty(self, name: str) -> bool:
        return all(sample.kind == "empty" for sample in self.of[name].samples)

    def _merge(self, name: str, other: str) -> None:
        one, two = self.of[name], self.of[other]
        if one is two:
            return
        one.names += two.names
        one.files |= two.files
        one.samples = [*one.samples[:_SAMPLES], *two.samples[:_SAMPLES]]
        for member in two.names:
            self.of[member] = one


def _close_names(name: str, other: str) -> bool:
    """Whether one name abbreviates the other, or both differ in few letters and in no digit."""
    one, two = sorted((plain_name(name), plain_name(other)), key=len)
    digits, more_digits = re.findall(r"\d+", one), re.findall(r"\d+", two)
    if bool(digits) != bool(more_digits) or _differ_in_unit(name, other):
        return False
    if len(one) >= _SHORTEST_PREFIX and two.startswith(one):
        return digits == more_digits[: len(digits)]
    return digits == more_digits and difflib.SequenceMatcher(a=one, b=two).ratio() >= _CLOSE_NAMES


def _differ_in_unit(name: str, other: str) -> bool:
    """Whether names differ in short words alone, such as units or `min` and `max`: they are other columns."""
    one, two = (re.findall(r"[^\W_]+|[°%µ$€£]", text.casefold()) for text in (name, other))
    if len(one) != len(two) or len(one) < 2:
        return False
    return all(a == b or max(len(a), len(b)) <= _UNIT_LETTERS for a, b in zip(one, two, strict=True))


def plain_name(name: str) -> str:
    """The letters and digits of a column's name: `Country/Region` and `country_region` have the same ones."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _users(variants: Sequence[HeaderVariant]) -> dict[str, set[int]]:
    """Column -> the files that have it."""
    users: dict[str, set[int]] = {}
    for variant in variants:
        for name in variant.names:
            users.setdefault(name, set()).update(variant.files)
    return users


def _in_order(variants: Sequence[HeaderVariant], groups: _Groups) -> list[list[str]]:
    """The columns in the order of the most frequent header; each other column follows its neighbour in another."""
    ordered: list[_Group] = []
    for variant in sorted(variants, key=lambda variant: (-len(variant.files), min(variant.files))):
        places = {id(group): place for place, group in enumerate(ordered)}
        new: dict[int, list[_Group]] = {}  # place -> the columns to insert there
        place = 0
        for name in variant.names:
            group = groups.of[name]
            if id(group) in places:
                place = places[id(group)] + 1
            else:
                new.setdefault(place, []).append(group)
        if new:
            spaced = [[*new.get(place, []), *ordered[place : place + 1]] for place in range(len(ordered) + 1)]
            ordered = list(itertools.chain.from_iterable(spaced))
    return [group.names for group in ordered]


def _renaming_text(names: Sequence[str], users: Mapping[str, set[int]], files: Sequence[str]) -> str:
    uses = [f"{name!r} in {files_text(users[name], files)}" for name in reversed(names)]
    return f"taken for one column, renamed over time: {'; '.join(uses)}; if these are two columns, declare both"


def _gaps_text(absent: set[int], files: Sequence[str]) -> str:
    return f"missing from {len(absent):,} of {len(files):,} files ({files_text(absent, files)}): null there"

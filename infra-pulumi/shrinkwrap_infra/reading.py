"""Reads a tree of settings: checks each value, and collects every problem with its key path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .errors import Problem, unknown_name_text

# A regular expression that must match the complete text, and its description in words.
Form = tuple[str, str]


class Reader:
    """One table of the settings.

    An invalid value is recorded as a problem and replaced by a harmless one, so that one pass finds all problems.
    """

    def __init__(self, raw: object, path: str, problems: list[Problem]) -> None:
        self._path = path
        self._problems = problems
        self._known: list[str] = []
        self._values: Mapping[str, object] = {}
        self._is_readable = isinstance(raw, Mapping)
        if isinstance(raw, Mapping):
            self._values = {str(key): value for key, value in raw.items()}
        else:
            problems.append(Problem(path=path, message=f"must be a table, not {_kind(raw)}"))

    def problem(self, key: str, message: str) -> None:
        """Record a problem with the value at this key."""
        self._problems.append(Problem(path=f"{self._path}.{key}", message=message))

    def finish(self) -> None:
        """Record every key that was never read as unknown."""
        for key in self._values:
            if key not in self._known:
                self.problem(key, unknown_name_text("setting", key, self._known))

    def text(self, key: str, form: Form) -> str:
        value = self._required(key)
        return "" if value is None else self._text(key, value, form)

    def optional_text(self, key: str, form: Form) -> str | None:
        value = self._optional(key)
        return None if value is None else self._text(key, value, form)

    def texts(self, key: str, form: Form) -> tuple[str, ...]:
        """A list of at least one text, in which no text is twice; upper and lower case count as equal."""
        found: dict[str, str] = {}
        for place, item in self._items(key):
            text = self._text(place, item, form)
            if text and text.lower() in found:
                self.problem(place, f"{text!r} is in the list twice; remove one")
            found.setdefault(text.lower(), text)
        return tuple(found.values())

    def number(self, key: str, lowest: int, highest: int) -> int:
        value = self._required(key)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        if value is not None:
            self.problem(key, f"must be a whole number from {lowest} to {highest}, not {value!r}")
        return lowest

    def flag(self, key: str) -> bool:
        """An optional `true` or `false`; false if it is missing."""
        value = self._optional(key)
        if value is not None and not isinstance(value, bool):
            self.problem(key, f"must be true or false, not {value!r}")
        return value is True

    def github_id(self, key: str, repository: str) -> int:
        """The number by which GitHub identifies an owner or a repository."""
        value = self._optional(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        found = "is missing" if value is None else f"must be the number that GitHub gave it, not {value!r}"
        query = "{repository: .full_name, owner_id: .owner.id, repository_id: .id}"
        self.problem(key, f"{found}; fix: read both ids with: gh api repos/{repository} --jq '{query}'")
        return 1

    def optional_choice(self, key: str, kind: str, known: Iterable[str]) -> str | None:
        """One of the known names of a kind; None if it is missing."""
        value = self._optional(key)
        return None if value is None else self._choice(key, value, kind, list(known))

    def choice(self, key: str, kind: str, known: Iterable[str]) -> str:
        """One of the known names of a kind."""
        value = self._required(key)
        return "" if value is None else self._choice(key, value, kind, list(known))

    def choices(self, key: str, kind: str, known: Iterable[str]) -> tuple[str, ...]:
        """A list of at least one known name; unknown ones become problems and are left out."""
        names = list(known)
        chosen = [self._choice(place, item, kind, names) for place, item in self._items(key)]
        return tuple(name for name in dict.fromkeys(chosen) if name)

    def table(self, key: str) -> Reader:
        value = self._required(key)
        if value is None:
            # The missing table is a problem already; its missing keys are not reported as well.
            return Reader({}, f"{self._path}.{key}", [])
        return Reader(value, f"{self._path}.{key}", self._problems)

    def optional_table(self, key: str) -> Reader | None:
        value = self._optional(key)
        return None if value is None else Reader(value, f"{self._path}.{key}", self._problems)

    def named_tables(self, key: str, form: Form, *, is_required: bool = False) -> Iterator[tuple[str, Reader]]:
        """The tables in a table, each with its name, which must have this form."""
        value = self._required(key) if is_required else self._optional(key)
        if value is None:
            return
        if not isinstance(value, Mapping) or (is_required and not value):
            self.problem(key, f"must be a table with at least one entry, not {_kind(value)}")
            return
        for name, entry in value.items():
            if isinstance(name, str) and re.fullmatch(form[0], name):
                yield name, Reader({} if entry is None else entry, f"{self._path}.{key}.{name}", self._problems)
            else:
                self.problem(f"{key}.{name}", f"the key must be {form[1]}")

    def _required(self, key: str) -> object:
        value = self._optional(key)
        if value is None and self._is_readable:
            self.problem(key, "is missing")
        return value

    def _optional(self, key: str) -> object:
        self._known.append(key)
        return self._values.get(key)

    def _items(self, key: str) -> list[tuple[str, object]]:
        value = self._required(key)
        if isinstance(value, list) and value:
            return [(f"{key}[{index}]", item) for index, item in enumerate(value)]
        if value is not None:
            self.problem(key, f"must be a list with at least one entry, not {_kind(value)}")
        return []

    def _text(self, key: str, value: object, form: Form) -> str:
        if isinstance(value, str) and re.fullmatch(form[0], value):
            return value
        self.problem(key, f"must be {form[1]}, not {value!r}")
        return ""

    def _choice(self, key: str, value: object, kind: str, known: list[str]) -> str:
        if isinstance(value, str) and value in known:
            return value
        self.problem(key, unknown_name_text(kind, str(value), known))
        return ""


def _kind(value: object) -> str:
    if value is None or value in ({}, [], ""):
        return "nothing"
    kinds: dict[type, str] = {dict: "a table", list: "a list", str: "a text"}
    return kinds.get(type(value), repr(value))

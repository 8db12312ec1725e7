"""Reading a tree of settings: each value checked, every problem kept with its key path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from .errors import Problem, nearest

# A regular expression the whole text must match, and how to say it in words.
Form = tuple[str, str]


class Reader:
    """One table of the settings.

    What cannot be read becomes a problem and a harmless value, so that reading goes on and finds all problems.
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
        """Keep a problem with the value at this key."""
        self._problems.append(Problem(path=f"{self._path}.{key}", message=message))

    def finish(self) -> None:
        """Every key that was not asked for is unknown."""
        for key in self._values:
            if key not in self._known:
                self.problem(key, "is not a setting" + nearest(key, self._known))

    def text(self, key: str, form: Form) -> str:
        value = self._required(key)
        return "" if value is None else self._text(key, value, form)

    def optional_text(self, key: str, form: Form) -> str | None:
        value = self._optional(key)
        return None if value is None else self._text(key, value, form)

    def texts(self, key: str, form: Form) -> tuple[str, ...]:
        """A list of at least one text."""
        return tuple(self._text(place, item, form) for place, item in self._items(key))

    def number(self, key: str, lowest: int, highest: int) -> int:
        value = self._required(key)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        if value is not None:
            self.problem(key, f"must be a whole number from {lowest} to {highest}, not {value!r}")
        return lowest

    def choice(self, key: str, known: Iterable[str]) -> str:
        value = self._required(key)
        return "" if value is None else self._choice(key, value, list(known))

    def choices(self, key: str, known: Iterable[str]) -> tuple[str, ...]:
        """A list of at least one of the known names; unknown ones are problems and left out."""
        names = list(known)
        chosen = [self._choice(place, item, names) for place, item in self._items(key)]
        return tuple(name for name in dict.fromkeys(chosen) if name)

    def table(self, key: str) -> Reader:
        value = self._required(key)
        if value is None:
            return Reader({}, f"{self._path}.{key}", [])  # Its absence is told already.
        return Reader(value, f"{self._path}.{key}", self._problems)

    def optional_table(self, key: str) -> Reader | None:
        value = self._optional(key)
        return None if value is None else Reader(value, f"{self._path}.{key}", self._problems)

    def named_tables(self, key: str, form: Form, *, is_required: bool = False) -> Iterator[tuple[str, Reader]]:
        """The tables of a table, each under a name that must have this form."""
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

    def _choice(self, key: str, value: object, known: list[str]) -> str:
        if isinstance(value, str) and value in known:
            return value
        self.problem(key, f"there is no {value!r}" + nearest(str(value), known))
        return ""


def _kind(value: object) -> str:
    if value is None or value in ({}, [], ""):
        return "nothing"
    kinds: dict[type, str] = {dict: "a table", list: "a list", str: "a text"}
    return kinds.get(type(value), repr(value))

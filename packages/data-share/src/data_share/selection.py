"""Which part of the recorded data is meant: `NAME` or `NAME/GLOB`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_share.errors import SelectionError, UnknownDatasetsError
from data_share.objects import Entry, is_inside
from data_share.records import Output


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """An output of which all files are meant, or (`patterns`) those whose path below it matches one."""

    output: Output
    patterns: tuple[str, ...] | None

    def entries(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """Those of the folder's files that are meant.

        Raises:
            SelectionError: A pattern matches none.
        """
        entries = tuple(entries)
        if self.patterns is None:
            return entries
        for pattern in self.patterns:
            if not any(fnmatchcase(entry.path, pattern) for entry in entries):
                there = ", ".join(entry.path for entry in entries[:5])
                raise SelectionError(
                    f"no file of {self.output.dataset} matches '{pattern}'. There is: {there or 'none'}"
                )
        return tuple(entry for entry in entries if any(fnmatchcase(entry.path, pattern) for pattern in self.patterns))


def chosen(outputs: Sequence[Output], selections: Iterable[str]) -> tuple[Chosen, ...]:
    """The outputs that selections mean; all, if there is no selection.

    Raises:
        SelectionError: A selection leads out of its dataset.
        UnknownDatasetsError: One names no recorded dataset.
    """
    patterns: dict[str, tuple[str, ...] | None] = {}
    names = {output.dataset for output in outputs}
    unknown = []
    for selection in dict.fromkeys(selections):
        # A name with a slash is the path of an output that no dataset's stage made.
        name, pattern = (selection, "") if selection in names else _split(selection)
        if name not in names:
            unknown.append(name)
        elif not pattern or (name in patterns and patterns[name] is None):
            patterns[name] = None
        else:
            patterns[name] = (*(patterns.get(name) or ()), pattern)
    if unknown:
        raise UnknownDatasetsError(unknown, names)
    return tuple(
        Chosen(output=output, patterns=patterns.get(output.dataset))
        for output in outputs
        if not patterns or output.dataset in patterns
    )


def _split(selection: str) -> tuple[str, str]:
    name, _, pattern = selection.partition("/")
    if not name or (pattern and not is_inside(pattern)) or name in (".", ".."):
        raise SelectionError(
            f"{selection!r} is outside of the datasets; write NAME or NAME/GLOB, such as climate/2024*"
        )
    return name, pattern

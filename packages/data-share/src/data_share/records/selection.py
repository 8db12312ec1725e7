"""Selections of recorded data, as the user types them: `NAME` or `NAME/GLOB`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_share.errors import DataShareError
from data_share.records.objects import Entry, is_inside
from data_share.records.outputs import RecordedOutput
from terminal import unknown_name_text


@dataclass(frozen=True, kw_only=True)
class SelectedOutput:
    """An output and the part of it that is selected.

    Attributes:
        patterns: Globs for paths below the output; None selects all its files.
    """

    output: RecordedOutput
    patterns: tuple[str, ...] | None = None

    def selected_entries(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        """The selected files of all files of the folder.

        Raises:
            DataShareError: A pattern matches no file.
        """
        entries = tuple(entries)
        if self.patterns is None:
            return entries
        for pattern in self.patterns:
            if not any(fnmatchcase(entry.path, pattern) for entry in entries):
                known = ", ".join(entry.path for entry in entries[:5])
                raise DataShareError(
                    f"no file of {self.output.dataset} matches '{pattern}'. Known files: {known or 'none'}"
                )
        return tuple(entry for entry in entries if any(fnmatchcase(entry.path, pattern) for pattern in self.patterns))


def select_outputs(outputs: Sequence[RecordedOutput], selections: Iterable[str]) -> tuple[SelectedOutput, ...]:
    """The selected outputs; all of them, if there is no selection.

    Raises:
        DataShareError: A selection leads out of its dataset, or names a dataset that is not recorded.
    """
    patterns: dict[str, tuple[str, ...] | None] = {}
    names = {output.dataset for output in outputs}
    unknown = []
    for selection in dict.fromkeys(selections):
        # A name with a slash is the path of an output that no stage of a dataset produces.
        name, pattern = (selection, "") if selection in names else _split(selection)
        if name not in names:
            unknown.append(name)
        elif not pattern or (name in patterns and patterns[name] is None):
            patterns[name] = None
        else:
            patterns[name] = (*(patterns.get(name) or ()), pattern)
    if unknown:
        raise unknown_datasets(unknown, names)
    return tuple(
        SelectedOutput(output=output, patterns=patterns.get(output.dataset))
        for output in outputs
        if not patterns or output.dataset in patterns
    )


def unknown_datasets(unknown: Iterable[str], known: Iterable[str]) -> DataShareError:
    """The error for datasets that no record has."""
    known = tuple(known)
    lines = [unknown_name_text("dataset", name, known, plural="recorded datasets") for name in unknown]
    advice = "Create it from raw files with `invoke data.compress`, or pull the commit in which a colleague did."
    return DataShareError("\n  ".join([*lines, advice]))


def _split(selection: str) -> tuple[str, str]:
    name, _, pattern = selection.partition("/")
    if not name or (pattern and not is_inside(pattern)) or name in (".", ".."):
        raise DataShareError(
            f"{selection!r} is outside of the datasets; write NAME or NAME/GLOB, such as climate/2024*"
        )
    return name, pattern

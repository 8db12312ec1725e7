"""Every error of this package, written for whoever runs the notebook."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path


class ExperimentError(Exception):
    """Base of every error this package raises on purpose."""


class DatasetsFileError(ExperimentError):
    """The file that describes the datasets is not there, or is no TOML."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: {problem}. It describes the datasets; SHRINKWRAP_DATA can name another folder that holds it."
        )


class UnknownNameError(ExperimentError):
    """A dataset or column that does not exist."""

    def __init__(self, kind: str, name: str, known: Sequence[str], *, where: str) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
        super().__init__(f"there is no {kind} '{name}' in {where}.{hint} There are: {', '.join(known) or 'none'}.")


class MissingPartsError(ExperimentError):
    """Parts that were asked for are not on this machine."""

    def __init__(self, dataset: str, folder: Path, *, pattern: str | None, there: Sequence[str], pull: str) -> None:
        self.dataset, self.folder, self.pattern, self.there = dataset, folder, pattern, tuple(there)
        which = f"part '{pattern}'" if pattern else "part"
        nearest = difflib.get_close_matches(pattern or "", there, n=1, cutoff=0.5)
        hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
        shown = ", ".join([*there[:6], *(["…"] if len(there) > 6 else [])])
        found = f" There are {len(there)}: {shown}." if there else ""
        super().__init__(
            f"there is no {which} of dataset '{dataset}' in {folder}.{hint}{found} Get what a colleague pushed with"
            f" `{pull}`, or make it from raw files with `invoke data.compress --dataset {dataset}`."
        )


class StalePartError(ExperimentError):
    """A part that was made before the dataset got the column."""

    def __init__(self, part: Path, column: str, dataset: str) -> None:
        self.part, self.column = part, column
        super().__init__(
            f"{part} has no column '{column}', though other parts of '{dataset}' have it: it was made from an older"
            f" description. Make it anew with `invoke data.compress --dataset {dataset}`."
        )


class ResultPathError(ExperimentError):
    """A name for a result that would land outside of the folder for results."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"'{name}' is no name for a result: write one like 'worst.csv' or 'figures/flow.png'")

"""Every error of this package, each written for the person who must act on it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path


class DataSampleError(Exception):
    """Base of all errors that a user of this package can cause.

    Attributes:
        exit_code: 2 for wrong input, 1 for work that could not be done.
    """

    exit_code = 1


class SizeError(DataSampleError):
    """A size that cannot be read, or is not positive."""

    exit_code = 2

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"size {text!r} is not understood. Write a positive number and a unit, such as 64MB, 1.5GB or 64MiB "
            "(B, kB, MB, GB in thousands; KiB, MiB, GiB in 1024)."
        )


class SeedError(DataSampleError):
    """A seed that is no whole number of at least 0."""

    exit_code = 2

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"seed {text!r} is not a whole number of at least 0. Write for example 0.")


class UnknownDatasetError(DataSampleError):
    """A dataset of which there is no sample."""

    exit_code = 2

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"there is no sample of dataset {name!r}.{hint} There are: {', '.join(known)}.")


class FolderNotOursError(DataSampleError):
    """A folder that holds data which this package did not write, or which was changed since."""

    def __init__(self, folder: Path, *, foreign: Sequence[str], changed: Sequence[str]) -> None:
        self.folder, self.foreign, self.changed = folder, tuple(foreign), tuple(changed)
        found = [f"{_named(foreign)} not written by data.sample"] if foreign else []
        found += [f"{_named(changed)} changed since data.sample wrote them"] if changed else []
        super().__init__(
            f"no sample was written to {folder}: it holds {' and '.join(found)}. "
            "Raw data is never overwritten. Move these files to another folder and run data.sample again, "
            "or skip data.sample and work with them as they are."
        )


class MarkerError(DataSampleError):
    """A marker file that does not say what data.sample wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be read ({reason}), so it is not known which files beside it are samples. "
            "Move the folder away and run data.sample again."
        )


class FolderWriteError(DataSampleError):
    """A folder that cannot be written to, or a full disk."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder, self.reason = folder, reason
        super().__init__(
            f"the sample could not be written to {folder}: {reason}. "
            "Make room or permit writing there, then run the same command again: it heals what is half written."
        )


def _named(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

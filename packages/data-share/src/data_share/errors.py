"""Errors of data_share: caused by user input, by the repository, or by the remote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from terminal import ShrinkwrapError, count_text

_MAX_NAMED_FILES = 5


class DataShareError(ShrinkwrapError):
    """Wrong input, and the base class of every error of this package."""


class RecordError(DataShareError):
    """A record of DVC that cannot be read, or that leads out of the repository.

    Attributes:
        source: The file or object.
    """

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


class RevisionError(DataShareError):
    """A commit that git does not find, or a folder without git."""

    def __init__(self, revision: str, problem: str) -> None:
        super().__init__(f"revision '{revision}': {problem}")


class FailedError(DataShareError):
    """Work that failed although the input was right."""

    exit_code = 1


def nothing_recorded() -> DataShareError:
    """The error for a repository without any recorded data."""
    return DataShareError(
        "data/dvc.lock records no dataset."
        " Create it from raw files with `invoke data.compress`, or pull the commit in which a colleague did."
    )


def files_text(files: Mapping[str, Sequence[str]]) -> str:
    """The first files of each dataset and the number of the others, one per line; each line starts a new one."""
    lines = []
    for dataset, paths in files.items():
        lines.append(f"{dataset}: {count_text(len(paths), 'file')}")
        lines += [f"  {path}" for path in paths[:_MAX_NAMED_FILES]]
        if len(paths) > _MAX_NAMED_FILES:
            lines.append(f"  … and {len(paths) - _MAX_NAMED_FILES:,} more")
    return "".join(f"\n  {line}" for line in lines)

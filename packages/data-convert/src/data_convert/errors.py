"""Every error that data_convert raises for something a user can cause or mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name closest to `name`, or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {match[0]!r}?" if match else ""


class DataConvertError(Exception):
    """Base of all errors of this package; `exit_code` is 2 for wrong input, 1 for failed work."""

    exit_code = 2


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing wrong in datasets.toml: where (key path) and what."""

    key: str
    says: str

    def __str__(self) -> str:
        return f"{self.key}: {self.says}"


class SpecErrors(DataConvertError):
    """The dataset description is wrong; every mistake is in `mistakes`."""

    def __init__(self, path: Path | str, mistakes: Sequence[Mistake]) -> None:
        self.path = path
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) != 1 else ''}"
        super().__init__("\n".join([f"{path}: {count}", *(f"  {mistake}" for mistake in self.mistakes)]))


class UnknownDatasetError(DataConvertError):
    """A dataset was asked for that datasets.toml does not describe."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(
            f"there is no dataset {name!r} in data/datasets.toml{nearest(name, self.known) or '.'}"
            f" Datasets: {', '.join(self.known) or 'none'}."
        )


class NoRawDataError(DataConvertError):
    """A dataset has no input file."""

    def __init__(self, dataset: str, folder: Path, pattern: str, *, others: Sequence[str] = ()) -> None:
        self.dataset = dataset
        self.folder = folder
        self.others = tuple(others)
        found = f" (it holds {len(others)} that do not match, such as {others[0]})" if others else ""
        super().__init__(
            f"{dataset}: no raw data: no file matches {pattern} in {folder}{found}."
            f" Put the raw files there, get the Parquet with `invoke data.pull --dataset {dataset}`,"
            f" or make a sample with `invoke data.sample --dataset {dataset}`."
        )


class NoRawDataAtAllError(DataConvertError):
    """Several datasets have no input file."""

    def __init__(self, missing: Sequence[NoRawDataError]) -> None:
        self.missing = tuple(missing)
        folders = "\n".join(f"  {error.dataset}: {error.folder}" for error in missing)
        super().__init__(
            f"no raw data in any of these folders:\n{folders}\n"
            "Put raw files there, get the Parquet with `invoke data.pull`, or make samples with `invoke data.sample`."
        )


class PartNameClashError(DataConvertError):
    """Two inputs would be written to one part."""

    def __init__(self, dataset: str, part: str, sources: Sequence[str]) -> None:
        self.part = part
        self.sources = tuple(sources)
        super().__init__(
            f"{dataset}: {' and '.join(sources)} would both become {part}."
            " Remove one of them, or group them on purpose with `parts` in data/datasets.toml."
        )


class UnmatchedSourceError(DataConvertError):
    """A file name does not fit the pattern from which the part's name is made."""

    def __init__(self, dataset: str, source: str, pattern: str) -> None:
        super().__init__(
            f"{dataset}: the file name {source!r} does not match `pattern` = {pattern!r},"
            " from which its part's name is made. Rename it, or mend the pattern in data/datasets.toml."
        )


class SourceError(DataConvertError):
    """An input file cannot be read as what it claims to be."""

    def __init__(self, source: Path | str, says: str) -> None:
        self.source = source
        super().__init__(f"{source}: {says}")


class SourceChangedError(SourceError):
    """An input file changed while it was read; what was read of it was thrown away."""

    exit_code = 1

    def __init__(self, source: Path | str) -> None:
        super().__init__(source, "the file changed while it was read. Run again when nothing writes to it any more.")


class HeaderError(SourceError):
    """The header line does not fit the declared columns."""


@dataclass(frozen=True, kw_only=True)
class Reject:
    """One input row that does not fit the spec.

    Attributes:
        source: The input file, relative to the dataset's folder.
        line: Physical line on which the row starts, from 1.
        column: Name of the first column that does not fit; None if the row as a whole does not.
        value: The text that does not fit.
        says: Why.
        raw: The row as it stands in the file, decoded, without its line end.
    """

    source: str
    line: int
    column: str | None
    value: str
    says: str
    raw: str

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}"
        if self.column is None:
            return f"{where}: {self.says}"
        return f"{where}: column {self.column!r}: {self.value!r} {self.says}"


class RejectedRowsError(DataConvertError):
    """Rows that do not fit, in a dataset whose `on_reject` is "error": the part was not written."""

    def __init__(self, dataset: str, rejects: Sequence[Reject], *, advice: str = "") -> None:
        self.dataset = dataset
        self.rejects = tuple(rejects)
        lines = [f"  {reject}" for reject in self.rejects]
        super().__init__(
            "\n".join(
                [
                    f"{dataset}: {len(lines)} row{'s do' if len(lines) != 1 else ' does'} not fit the spec"
                    " (the first ones found; nothing was written for this part):",
                    *lines,
                    advice
                    or f'  Mend the rows or the type in data/datasets.toml, or set `on_reject = "keep"` for'
                    f" {dataset} to keep such rows in a rejects file beside the part.",
                ]
            )
        )


class FailedPartsError(DataConvertError):
    """Several parts of a dataset failed; each one's error is in `failures`."""

    def __init__(self, failures: Sequence[DataConvertError], total: int) -> None:
        self.failures = tuple(failures)
        self.exit_code = max(failure.exit_code for failure in failures)
        shown = [str(failure) for failure in failures[:5]]
        if len(failures) > len(shown):
            shown.append(f"and {len(failures) - len(shown)} parts more.")
        super().__init__("\n".join([f"{len(failures)} of {total} parts failed; the others are finished.", *shown]))


class OutputError(DataConvertError):
    """The output folder cannot take what is to be written."""

    exit_code = 1

    def __init__(self, path: Path | str, error: OSError) -> None:
        self.path = path
        super().__init__(
            f"cannot write {path}: {error.strerror or error}."
            " What was finished stays; run the same command again once this is mended."
        )


class InterruptedConversionError(DataConvertError):
    """Ctrl-C."""

    exit_code = 130

    def __init__(self, finished: int, total: int) -> None:
        super().__init__(
            f"interrupted: {finished} of {total} parts are finished and stay; no partial file is left."
            " Run the same command again to do the rest."
        )


class NotATableError(SourceError):
    """A file that is to be inspected is no text with rows of cells."""


class NothingToInspectError(DataConvertError):
    """There is no raw file at the path that is to be inspected."""

    def __init__(self, path: Path, *, endings: str, others: Sequence[str] = ()) -> None:
        self.path = path
        self.others = tuple(others)
        if path.exists():
            found = (
                f" It holds {len(others)} other file{'s' if len(others) != 1 else ''}, such as {others[0]}."
                if others
                else ""
            )
            super().__init__(f"{path}: no raw file there. Raw files end with {endings}.{found}")
            return
        parent = next(folder for folder in (path.parent, *path.parents, Path()) if folder.exists())
        siblings = (
            sorted(entry.name for entry in parent.iterdir() if not entry.name.startswith("."))
            if parent.is_dir()
            else []
        )
        holds = f" (it holds {', '.join(siblings[:8])}{' …' if len(siblings) > 8 else ''})" if siblings else ""
        super().__init__(
            f"there is no {path}{nearest(path.name, siblings) or '.'}"
            f" The nearest folder that exists is {parent}{holds}."
        )


class UnlikeFilesError(SourceError):
    """A file has other columns than the first one; one dataset has one set of columns."""

    def __init__(self, source: Path | str, first: Path | str, *, lacks: Sequence[str], has: Sequence[str]) -> None:
        self.lacks = tuple(lacks)
        self.has = tuple(has)
        differences = [
            f"{what} {', '.join(repr(name[:40]) for name in names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            for what, names in (("lacks", lacks), ("has besides", has))
            if names
        ]
        super().__init__(
            source,
            f"its header is not that of {first}: it {' and '.join(differences)}."
            " Put each kind of file into a folder of its own and inspect the folders one by one.",
        )


class TableError(DataConvertError):
    """The table that is to be written to datasets.toml cannot be written there."""


class LostWorkerError(DataConvertError):
    """A process that read data for us ended before it was done."""

    exit_code = 1

    def __init__(self) -> None:
        super().__init__(
            "a worker process was ended from outside, probably because memory ran out. Run again with `--jobs 1`."
        )


class RateError(DataConvertError):
    """A link's rate is not written as a number and a unit, or is not above zero."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is not a rate. Write a number above zero and a unit, such as 4.056Mbps, 800kbps or 1Gbps"
            " (bits per second), 5MB/s or 5MiB/s (bytes per second)."
        )

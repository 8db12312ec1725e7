"""The errors of this package: caused by the user's input or by the environment, reported without a traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from s3_access import is_s3_url
from terminal import EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError, count_text, nearest_name

_SHOWN_FILES: Final = 10
"""Files of one fault that an error names; it counts the others."""


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name closest to `name`; empty if none is close."""
    nearest = nearest_name(name, known)
    return f"; did you mean {nearest!r}?" if nearest else ""


class DataConvertError(ShrinkwrapError):
    """Base of all errors of this package."""


class FailedWorkError(DataConvertError):
    """The input may be right, but the work could not be completed."""

    exit_code = EXIT_FAILED


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake in datasets.toml.

    Attributes:
        key: Where it is, as a path of keys such as `datasets.climate.columns[3].type`.
        problem: What is wrong, as the end of a sentence about the key.
    """

    key: str
    problem: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}"


class SpecErrors(DataConvertError):
    """A dataset is described wrongly; `mistakes` has every mistake of the file."""

    def __init__(self, path: Path | str, mistakes: Sequence[Mistake]) -> None:
        self.path = path
        self.mistakes = tuple(mistakes)
        count = count_text(len(self.mistakes), "mistake")
        super().__init__("\n".join([f"{path}: {count}", *(f"  {mistake}" for mistake in self.mistakes)]))


class NoRawDataError(DataConvertError):
    """A dataset has no raw file.

    Attributes:
        others: Names of files in the folder that are not raw files of the dataset.
        hints: What to do with those that could be.
    """

    def __init__(
        self, dataset: str, folder: Path | str, pattern: str, *, others: Sequence[str] = (), hints: Sequence[str] = ()
    ) -> None:
        self.dataset = dataset
        self.folder = folder
        self.others = tuple(others)
        self.hints = tuple(hints)
        found = f" (found {count_text(len(others), 'other file')}, such as {others[0]})" if others else ""
        advice = (
            "Upload the raw files there, or correct `source` in data/datasets.toml."
            if is_s3_url(str(folder))
            else f"Put the raw files there, get the Parquet with `invoke data.pull --dataset {dataset}`,"
            f" or make a sample with `invoke data.sample --dataset {dataset}`."
        )
        super().__init__(
            f"{dataset}: no raw data: no file matches {pattern} in {folder}{found}.{_joined(self.hints)} {advice}"
        )


def _joined(hints: Sequence[str]) -> str:
    return "".join(f" {hint}" for hint in hints[:_SHOWN_FILES])


class SourceError(DataConvertError):
    """A raw file cannot be read as what its name and its dataset declare it to be."""

    def __init__(self, source: Path | str, problem: str) -> None:
        self.source = source
        super().__init__(f"{source}: {problem}")


class SourceChangedError(SourceError):
    """A raw file changed while it was read, so everything read from it was discarded."""

    exit_code = EXIT_FAILED

    def __init__(self, source: Path | str) -> None:
        super().__init__(source, "the file changed while it was read. Run again once no program writes to it.")


class HeaderError(SourceError):
    """The header does not match the declared columns."""


class NotATableError(SourceError):
    """A file to be inspected is not text with rows of cells."""


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """Why a file does not belong to the table of its folder.

    Attributes:
        file: Its name below the folder.
        problem: What was found and what to do, as sentences.
    """

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


class UnlikeFilesError(DataConvertError):
    """Some files of a folder cannot be read together with the others; `faults` has every one of them."""

    def __init__(self, folder: Path | str, faults: Sequence[FileFault], total: int) -> None:
        self.faults = tuple(faults)
        files = len({fault.file for fault in faults})
        does = "does" if files == 1 else "do"
        lines = [
            f"{folder}: {files:,} of {count_text(total, 'file')} {does} not fit the others:",
            *(f"  {_listed(names)}: {problem}" for problem, names in _files_by_problem(faults).items()),
            "Fix these files or move them away, and inspect the folder again.",
        ]
        super().__init__("\n".join(lines))


def _files_by_problem(faults: Sequence[FileFault]) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for fault in faults:
        files.setdefault(fault.problem, []).append(fault.file)
    return files


def _listed(files: Sequence[str]) -> str:
    more = f" and {count_text(len(files) - _SHOWN_FILES, 'more file')}" if len(files) > _SHOWN_FILES else ""
    return ", ".join(files[:_SHOWN_FILES]) + more


class RejectedRowsError(DataConvertError):
    """Rows do not fit and the dataset has `on_reject = "error"`, so the part was not written.

    Attributes:
        rejects: The first rows that do not fit; each prints as its place and the reason.
    """

    def __init__(self, dataset: str, rejects: Sequence[object], *, where: str) -> None:
        self.dataset = dataset
        self.rejects = tuple(rejects)
        verb = "does" if len(rejects) == 1 else "do"
        lines = [
            f"{dataset}: {count_text(len(rejects), 'row')} {verb} not fit the dataset's description"
            " (the first ones found; nothing was written for this part):",
            *(f"  {reject}" for reject in rejects),
            f'  Fix the rows or the type in data/datasets.toml, or set `on_reject = "keep"` for {dataset} to write'
            f" these rows to {where}.",
        ]
        super().__init__("\n".join(lines))


class TooManyRejectsError(DataConvertError):
    """More rows of a part do not fit than the dataset's `max_rejects` allows, so the part was not written.

    Attributes:
        reasons: The rejects by reason, with what to declare.
    """

    exit_code = EXIT_FAILED

    def __init__(self, dataset: str, problem: str, reasons: Sequence[str], enough: float, *, where: str) -> None:
        self.reasons = tuple(reasons)
        lines = [
            f"{dataset}: {problem} (nothing was written for this part):",
            *(f"  {reason}" for reason in reasons),
            "  Fix the rows or the description in data/datasets.toml. To keep this many rows in"
            f" {where}, set `max_rejects = {enough:g}` for {dataset}.",
        ]
        super().__init__("\n".join(lines))


class ExpectationError(DataConvertError):
    """Values of a part are not what its dataset expects, so the part was not written.

    Attributes:
        violations: Each prints as the expectation, the number of values and examples.
    """

    exit_code = EXIT_FAILED

    def __init__(self, dataset: str, part: str, violations: Sequence[object]) -> None:
        self.dataset = dataset
        self.violations = tuple(violations)
        lines = [
            f"{dataset}: {part} is not what data/datasets.toml expects (nothing was written for this part):",
            *(f"  {violation}" for violation in violations),
            "  Fix the raw files, or change what is expected.",
        ]
        super().__init__("\n".join(lines))


class FailedPartsError(DataConvertError):
    """Several parts of a dataset failed, at least one of them because of wrong input."""


class OutputError(FailedWorkError):
    """The output cannot be written."""

    def __init__(self, path: Path | str, error: OSError) -> None:
        self.path = path
        super().__init__(
            f"cannot write {path}: {error.strerror or error}."
            " Finished parts stay; run the same command again once this is fixed."
        )


class UnreadableDeltaError(DataConvertError):
    """Values in the middle of a part do not allow the encoding that its first rows suggest.

    It never reaches the user: the part is converted again without this encoding.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        super().__init__(f"the steps of {', '.join(columns)} are too large for a delta encoding")


class InterruptedConversionError(DataConvertError):
    """Ctrl-C or SIGTERM stopped a conversion."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, finished: int, total: int) -> None:
        super().__init__(
            f"interrupted: {finished} of {total} parts are finished and stay; no partial file is left."
            " Run the same command again to convert the others."
        )


class TableError(DataConvertError):
    """The table that an inspection suggests cannot be added to datasets.toml."""


def no_raw_data_error(missing: Sequence[NoRawDataError]) -> DataConvertError:
    """The error for datasets of which none has raw files; that of the dataset if it is only one."""
    if len(missing) == 1:
        return missing[0]
    folders = "\n".join(f"  {error.dataset}: {error.folder}" for error in missing)
    return DataConvertError(
        f"no raw data in any of these folders:\n{folders}\n"
        "Put raw files there, get the Parquet with `invoke data.pull`, or make samples with `invoke data.sample`."
    )


def failed_parts_error(failures: Sequence[ShrinkwrapError], total: int) -> ShrinkwrapError:
    """The error for one or more failed parts; its exit code is the highest of theirs."""
    if len(failures) == 1:
        return failures[0]
    shown = [str(failure) for failure in failures[:5]]
    if len(failures) > len(shown):
        shown.append(f"and {count_text(len(failures) - len(shown), 'more part')}.")
    text = "\n".join([f"{len(failures)} of {total} parts failed; the others are finished.", *shown])
    is_input_wrong = any(failure.exit_code != EXIT_FAILED for failure in failures)
    return FailedPartsError(text) if is_input_wrong else FailedWorkError(text)


def nothing_to_inspect_error(
    path: Path, *, endings: str, others: Sequence[str] = (), hints: Sequence[str] = ()
) -> DataConvertError:
    """The error for a path without raw files: what is there, or the nearest name that exists."""
    if path.exists():
        found = f" It has {count_text(len(others), 'other file')}, such as {others[0]}." if others else ""
        return DataConvertError(f"{path}: no raw file found. Raw files end with {endings}.{found}{_joined(hints)}")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    siblings = (
        sorted(entry.name for entry in parent.iterdir() if not entry.name.startswith(".")) if parent.is_dir() else []
    )
    content = f" (it has {', '.join(siblings[:8])}{' …' if len(siblings) > 8 else ''})" if siblings else ""
    return DataConvertError(
        f"{path} does not exist{nearest_hint(path.name, siblings) or '.'}"
        f" The nearest folder that exists is {parent}{content}."
    )

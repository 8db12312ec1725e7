"""Brings the datasets of `invoke run` up to date, and says what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shrinkwrap.bucket_settings import use_settings_of_datasets
from terminal import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, ShrinkwrapError, note

if TYPE_CHECKING:
    from dataset_spec import DatasetTable


@dataclass(frozen=True, kw_only=True)
class DatasetOutcome:
    """What became of a dataset.

    Attributes:
        state: converted, up to date, no raw files (its Parquet is used as it is recorded), or failed.
        error: Why it failed.
    """

    name: str
    state: str
    error: str | None = None

    @property
    def text(self) -> str:
        """One line; what is wrong was reported when it failed."""
        lines = {
            "converted": "brought up to date",
            "up to date": "up to date; no raw file has changed",
            "no raw files": "it has no raw files here; its Parquet is used as it is recorded",
        }
        return f"{self.name}: {lines.get(self.state, self.state)}"

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def bring_datasets_up_to_date(
    root: Path, names: Iterable[str], *, is_quiet: bool
) -> tuple[int, tuple[DatasetOutcome, ...]]:
    """Convert the datasets that changed and that have raw files here. One that fails does not stop the others.

    Args:
        names: Datasets whose output is in a folder.
        is_quiet: Print nothing on standard output.

    Returns:
        The exit code, and the outcome of each dataset in the order of data/datasets.toml.

    Raises:
        ShrinkwrapError: data/datasets.toml has mistakes.
    """
    from data_convert import load_specs
    from dataset_spec import DATASETS_FILE, read_datasets

    tables = {name: table for name, table in read_datasets(root).items() if name in set(names)}
    if not tables:
        return EXIT_DONE, ()
    # A mistake of the description concerns all of its datasets.
    load_specs(root / DATASETS_FILE)
    use_settings_of_datasets(root, list(tables))
    found = {outcome.name: outcome for outcome in _without_conversion(root, tables)}
    with_raw = [name for name in tables if name not in found]
    code = EXIT_FAILED if any(outcome.state == "failed" for outcome in found.values()) else EXIT_DONE
    if with_raw:
        conversion_code, outcomes = _converted(root, with_raw, is_quiet=is_quiet)
        code = max(code, conversion_code)
        found.update({outcome.name: outcome for outcome in outcomes})
    return code, tuple(found[name] for name in tables)


def _without_conversion(root: Path, tables: Mapping[str, DatasetTable]) -> Iterator[DatasetOutcome]:
    """The outcomes of datasets that have no raw files here, or whose raw files cannot be listed."""
    from data_convert import datasets_with_raw_data

    for name, table in tables.items():
        if not _has_raw(root, table):
            yield DatasetOutcome(name=name, state="no raw files")
            continue
        try:
            datasets_with_raw_data(root, [name])
        except ShrinkwrapError as error:
            note(f"error: {error}")
            yield DatasetOutcome(name=name, state="failed", error=str(error))


def _converted(root: Path, names: Sequence[str], *, is_quiet: bool) -> tuple[int, list[DatasetOutcome]]:
    from shrinkwrap.compression import compress_datasets

    compressed = compress_datasets(root, names, is_quiet=is_quiet)
    exit_code, failures = compressed.outcome.exit_code, compressed.outcome.failures
    errors = {name: str(failure["error"]) for failure in failures for name in failure["datasets"]}
    if exit_code != EXIT_DONE and (not errors or exit_code == EXIT_INTERRUPTED):
        # DVC itself failed or was stopped, so it is unknown which of the stages it has finished.
        reason = "interrupted" if exit_code == EXIT_INTERRUPTED else "DVC failed"
        errors = dict.fromkeys(compressed.stale, reason) | errors
    outcomes = []
    for name in names:
        state = "failed" if name in errors else "converted" if name in compressed.stale else "up to date"
        outcomes.append(DatasetOutcome(name=name, state=state, error=errors.get(name)))
    code = exit_code if exit_code in (EXIT_DONE, EXIT_INTERRUPTED) else EXIT_FAILED
    return code, outcomes


def _has_raw(root: Path, table: DatasetTable) -> bool:
    if table.is_source_in_bucket:
        return True
    return any(path.is_file() and not path.name.startswith(".") for path in (root / table.source_path).rglob("*"))

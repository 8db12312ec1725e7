"""What commands around DVC say of datasets that are in a bucket, which DVC does not transfer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_spec import read_datasets
from terminal import ShrinkwrapError, note


def note_datasets_in_buckets(root: Path, names: Sequence[str] | None) -> list[str]:
    """Print what the status does not cover of the named datasets, or of all; return the named ones that it covers."""
    tables = read_datasets(root)
    for name in names or tables:
        table = tables.get(name)
        command = f"`invoke data.compress --dataset {name} --dry-run`"
        if table is not None and table.is_output_in_bucket:
            note(f"{name}: not covered, because its Parquet is in {table.output}: {command} compares it")
        elif table is not None and table.is_source_in_bucket:
            note(f"{name}: its raw files in {table.source} are not compared here: {command} does that")
    return [name for name in names or () if name not in tables or not tables[name].is_output_in_bucket]


def refuse_datasets_in_buckets(root: Path, selections: Sequence[str]) -> None:
    """Check that DVC transfers all selected datasets.

    Args:
        selections: Names of datasets, each perhaps with a pattern of its parts behind a slash.

    Raises:
        ShrinkwrapError: The Parquet of one is in a bucket.
    """
    tables = read_datasets(root)
    for name in dict.fromkeys(selection.partition("/")[0] for selection in selections):
        if name in tables and tables[name].is_output_in_bucket:
            raise ShrinkwrapError(
                f"{name}: its Parquet is in {tables[name].output}, which every clone reads, so it is neither pushed nor"
                " pulled. Name the other datasets with --dataset."
            )

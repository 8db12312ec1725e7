"""The places of a dataset, by what its description says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from data_convert.storage.output_bucket import OutputBucket
from data_convert.storage.output_folder import OutputFolder
from data_convert.storage.output_place import OutputPlace
from s3_access import is_s3_url

REJECTS_FOLDER: Final = "rejects"
"""Below the folder of datasets.toml; git ignores the files in it."""

BUCKET_REJECTS: Final = "_rejects"
"""Below the output of a dataset in a bucket. Engines that read a folder of Parquet ignore names with an underscore."""


def part_place(data_folder: Path, output: str) -> OutputPlace:
    """Where the parts of a dataset are.

    Args:
        data_folder: Folder of datasets.toml.
        output: `output` of the dataset: a folder below `data_folder`, or an URL.
    """
    if is_s3_url(output):
        return OutputBucket(url=output.rstrip("/"), suffix=".parquet")
    return OutputFolder(folder=data_folder / output, suffix=".parquet", temporary_prefix=".part-")


def rejects_place(data_folder: Path, dataset: str, output: str) -> OutputPlace:
    """Where the rejects files of a dataset are: in the place of the parts only if that is a bucket.

    A folder of parts has no other files, because DVC would push the raw rows with it.
    """
    if is_s3_url(output):
        return OutputBucket(url=f"{output.rstrip('/')}/{BUCKET_REJECTS}", suffix=".csv")
    folder = data_folder / REJECTS_FOLDER / dataset
    return OutputFolder(folder=folder, suffix=".csv", temporary_prefix=".rejects-")


def shown_rejects_place(dataset: str, output: str) -> str:
    """Where the rejects files of a dataset are, for messages: relative to the project, or an URL."""
    if is_s3_url(output):
        return rejects_place(Path(), dataset, output).where
    return f"data/{REJECTS_FOLDER}/{dataset}"


def rejects_name(part: str) -> str:
    """The name of the rejects file of a part."""
    return f"{part.removesuffix('.parquet')}.csv"

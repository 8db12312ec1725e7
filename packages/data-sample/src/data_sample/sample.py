"""Sample data by dataset: which there are, where each belongs, and writing one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from data_sample.climate import climate_files
from data_sample.detector import detector_files
from data_sample.errors import FolderWriteError, SeedError, SizeError, UnknownDatasetError
from data_sample.file import Maker
from data_sample.folder import Progress, checked_marker, is_answered, replace_samples
from data_sample.incident import incident_files
from data_sample.marker import Request

# More would give incidents the same ids, and nobody needs it to try things.
MOST_BYTES = 8_000_000_000

_MAKERS: dict[str, tuple[str, Maker]] = {
    "pems-detector": ("raw/csv/pems/detector", detector_files),
    "pems-incident": ("raw/csv/pems/incident", incident_files),
    "climate": ("raw/csv/climate", climate_files),
}
SAMPLES = tuple(_MAKERS)


@dataclass(frozen=True, kw_only=True)
class SampleReport:
    """What a call of `write_sample` left behind.

    Attributes:
        folder: where the files are.
        files: their names, in order.
        size_bytes: what they hold together.
        wrote: False if the very same sample was there already.
        seconds: how long it took.
    """

    dataset: str
    folder: Path
    files: tuple[str, ...]
    size_bytes: int
    wrote: bool
    seconds: float


def write_sample(
    root: Path, *, dataset: str, size_bytes: int, seed: int = 0, progress: Progress | None = None
) -> SampleReport:
    """Write a sample of a dataset into its raw folder, unless the very same one is there.

    Args:
        root: the `data/` folder.
        dataset: one of SAMPLES.
        size_bytes: wanted total; from 1 MB on it is met within 5 percent.
        seed: another seed gives other stations, days and weather.
        progress: called with bytes done and bytes wanted while writing.

    Raises:
        DataSampleError: if the dataset is unknown, the size or seed unusable, the folder holds anything that
            this function did not write, or it cannot be written to.
    """
    if dataset not in _MAKERS:
        raise UnknownDatasetError(dataset, SAMPLES)
    if not 1 <= size_bytes <= MOST_BYTES:
        raise SizeError(f"{size_bytes}")
    if seed < 0:
        raise SeedError(f"{seed}")
    start = time.perf_counter()
    path, maker = _MAKERS[dataset]
    folder = root / path
    request = Request(dataset=dataset, seed=seed, size_bytes=size_bytes, version=version("shrinkwrap-data-sample"))
    try:
        marker = checked_marker(folder)
        answered = is_answered(folder, marker, request)
        if marker is None or not answered:
            marker = replace_samples(folder, marker, request, maker(size_bytes, seed), progress)
    except OSError as error:
        raise FolderWriteError(folder, error.strerror or str(error)) from error
    return SampleReport(
        dataset=dataset,
        folder=folder,
        files=marker.planned,
        size_bytes=sum(written.size_bytes for written in marker.files.values()),
        wrote=not answered,
        seconds=time.perf_counter() - start,
    )

"""Writes samples: which datasets have one, where its files belong, and what a call wrote."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from data_sample.climate import climate_files
from data_sample.errors import DataSampleError, FolderError
from data_sample.folder import checked_marker, is_complete, replace_samples
from data_sample.marker import Request
from data_sample.pems import detector_files, incident_files
from data_sample.sample_file import FilePlan
from terminal import OnBytes, progress, size_text, unknown_name_text

# Larger samples would repeat the ids of incidents.
MOST_BYTES = 8_000_000_000

_PLANS: dict[str, tuple[str, FilePlan]] = {
    "pems-detector": ("data/raw/csv/pems/detector", detector_files),
    "pems-incident": ("data/raw/csv/pems/incident", incident_files),
    "climate": ("data/raw/csv/climate", climate_files),
}
SAMPLES = tuple(_PLANS)


@dataclass(frozen=True, kw_only=True)
class SampleReport:
    """The sample of one dataset.

    Attributes:
        folder: The folder with the files.
        files: Their names, in order.
        size_bytes: Their total size.
        wrote: False if the same sample existed already.
        seconds: How long it took to write them, or to check them.
    """

    dataset: str
    folder: Path
    files: tuple[str, ...]
    size_bytes: int
    wrote: bool
    seconds: float


def write_samples(
    root: Path,
    datasets: Sequence[str] | None = None,
    *,
    size_bytes: int = 64_000_000,
    seed: int = 0,
    on_bytes: OnBytes | None = None,
) -> list[SampleReport]:
    """Write a sample of each dataset into its folder, unless the same sample exists.

    The same size and seed give the same bytes on every machine.

    Args:
        root: The root of the repository.
        datasets: Some of SAMPLES; all if it is None or empty.
        size_bytes: Size of each dataset's sample; from 1 MB on it is met within 5 percent.
        seed: At least 0; another seed gives other stations, days and weather.
        on_bytes: Called with the bytes written since the previous call; by default, progress is shown on standard
            error.

    Raises:
        DataSampleError: A dataset is unknown, or the size or the seed is out of range. Nothing is written then.
        FolderError: A folder holds files that this function did not write, or cannot be written to.
    """
    requests = [_request(dataset, size_bytes, seed) for dataset in datasets or SAMPLES]
    return [_write_sample(root, request, on_bytes) for request in requests]


def _request(dataset: str, size_bytes: int, seed: int) -> Request:
    if dataset not in _PLANS:
        raise DataSampleError(unknown_name_text("sample", dataset, SAMPLES))
    if not 1 <= size_bytes <= MOST_BYTES:
        raise DataSampleError(
            f"a sample of {size_bytes:,} bytes is not possible; choose a size from 1 B to {size_text(MOST_BYTES)}"
        )
    if seed < 0:
        raise DataSampleError(f"seed {seed} is not a whole number of at least 0; write for example 0")
    return Request(dataset=dataset, seed=seed, size_bytes=size_bytes, version=version("shrinkwrap-data-sample"))


def _write_sample(root: Path, request: Request, on_bytes: OnBytes | None) -> SampleReport:
    started_s = time.perf_counter()
    path, plan = _PLANS[request.dataset]
    folder = root / path
    try:
        marker = checked_marker(folder)
        exists = is_complete(folder, marker, request)
        if marker is None or not exists:
            files = plan(request.size_bytes, request.seed)
            with _progress(request, on_bytes) as report_bytes:
                marker = replace_samples(folder, marker, request, files, report_bytes)
    except OSError as error:
        raise FolderError(
            f"could not write the sample to {folder}: {error.strerror or error}. Make room or allow writing there, then"
            " run the same command again; it replaces incomplete files."
        ) from error
    return SampleReport(
        dataset=request.dataset,
        folder=folder,
        files=marker.planned,
        size_bytes=sum(written.size_bytes for written in marker.files.values()),
        wrote=not exists,
        seconds=time.perf_counter() - started_s,
    )


def _progress(request: Request, on_bytes: OnBytes | None) -> AbstractContextManager[OnBytes]:
    return nullcontext(on_bytes) if on_bytes else progress(request.dataset, request.size_bytes)

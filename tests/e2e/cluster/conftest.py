"""Fixtures for conversions on clusters."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from data_convert.cluster import cluster_run, connection
from data_convert.cluster.tasks import Batch

from .cluster_scene import DASK, DaskProcess, Deployed, Trees, with_expected, write_rows


@pytest.fixture(scope="session")
def made_trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """Twelve files of about a megabyte, and forty small ones."""
    folder = tmp_path_factory.mktemp("cluster")
    for number in range(12):
        write_rows(folder / f"raw/large{number:02}.csv{'.gz' if number % 4 == 3 else ''}", 30_000, seed=number)
    for number in range(40):
        write_rows(folder / f"raw/small{number:02}.csv", 20, seed=number)
    return with_expected(folder)


@pytest.fixture
def trees(made_trees: Trees) -> Trees:
    """The same files without any output."""
    made_trees.remove_output()
    return made_trees


@pytest.fixture
def split_parts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Receives the names of the parts whose files are parsed in ranges."""
    names: list[str] = []
    original = cluster_run.batches

    def batches(*arguments: Any, **options: Any) -> list[Batch]:
        found = original(*arguments, **options)
        names.extend(job.name for batch in found if batch.ahead for job in batch.jobs)
        return found

    monkeypatch.setattr(cluster_run, "batches", batches)
    return names


@pytest.fixture
def peaks(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Receives the most bytes of memory of each worker at the end of a conversion."""
    used: dict[str, int] = {}
    original = connection.connected

    def peak_bytes() -> int:  # A local function is sent to the workers whole; they cannot import this module.
        status = Path("/proc/self/status")
        if not status.exists():
            return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return 1024 * int(lines["VmHWM"].removesuffix("kB"))

    @contextmanager
    def connected(scheduler: str) -> Iterator[Any]:
        with original(scheduler) as client:
            yield client
            used.update(client.run(peak_bytes))

    monkeypatch.setattr("data_convert.cluster.conversion.connected", connected)
    return used


@pytest.fixture
def deploy() -> Iterator[Callable[[int], Deployed]]:
    """Starts a scheduler with that many workers."""
    running: list[Deployed] = []

    def deploy(workers: int) -> Deployed:
        scheduler = DaskProcess(*DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = scheduler.wait_for_line("Scheduler at:").split()[-1]
        deployed = Deployed(scheduler=scheduler, address=address, workers=[])
        running.append(deployed)
        for _ in range(workers):
            deployed.add_worker()
        return deployed

    yield deploy
    for deployed in running:
        deployed.stop()

"""Connects to a scheduler, or starts one with workers on this machine."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, Final

from data_convert.cluster.errors import ClusterError
from data_convert.errors import DataConvertError
from data_convert.kernels.compiled import kernel

CONNECT_TIMEOUT_S: Final = 15
WORKER_TIMEOUT_S: Final = 60
_LOCAL: Final = re.compile(r"local(?::(?P<workers>[1-9]\d*))?")
_ADDRESS: Final = re.compile(r"(tcp|tls|ws|wss)://\S+:\d+")


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler, which has at least one worker.

    Args:
        scheduler: `tcp://HOST:PORT`; or `local` or `local:N` for N workers of this machine, one per core by default.

    Raises:
        DataConvertError: The text is neither of these, or the group `cluster` is not installed.
        ClusterError: There is no scheduler, or it has no worker.
    """
    check_scheduler(scheduler)
    local = _LOCAL.fullmatch(scheduler)
    if local is None:
        with _client(scheduler) as client:
            yield client
        return
    count = int(local["workers"] or os.cpu_count() or 1)
    with _local_cluster(count) as address, _client(address) as client:
        yield client


def check_scheduler(scheduler: str) -> None:
    """Check what can be checked without a connection.

    Raises:
        DataConvertError: The text is no address, or the group `cluster` is not installed.
    """
    if not _LOCAL.fullmatch(scheduler) and not _ADDRESS.fullmatch(scheduler):
        raise DataConvertError(
            f"--scheduler {scheduler}: this is no address of a scheduler. Write tcp://HOST:8786, or local or local:N"
            " for workers on this machine."
        )
    if find_spec("distributed") is None:
        raise DataConvertError(
            "--scheduler needs Dask, which is not installed in this environment. Run the command with"
            " `./run --with cluster invoke …`, which has the group `cluster` of pyproject.toml."
        )


@contextmanager
def _local_cluster(workers: int) -> Iterator[str]:
    import dask
    from distributed import LocalCluster

    # Compiled once if the cache of this machine is empty: each worker would do so at the same time.
    kernel("scan_text")
    settings = {
        # A part whose worker died is converted once more, on another worker.
        "distributed.scheduler.allowed-failures": 1,
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.admin.large-graph-warning-threshold": "1GB",
    }
    with (
        _quiet(),
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster.scheduler_address


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    with _quiet():
        try:
            client = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False, name="shrinkwrap")
        except (OSError, TimeoutError) as error:
            raise ClusterError(
                f"no scheduler answers at {address} ({type(error).__name__} after {CONNECT_TIMEOUT_S} s). Start one"
                " with `./run --with cluster dask scheduler`, or use --scheduler local."
            ) from error
        try:
            _await_worker(client, address)
            yield client
        finally:
            # The scheduler may be gone.
            with suppress(Exception):
                client.close(timeout=5)


def _await_worker(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_TIMEOUT_S)
    except TimeoutError:
        raise ClusterError(
            f"the scheduler at {address} has no worker. Start some with `./run --with cluster dask worker {address}`."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the log of Dask: what matters to the user is in our errors."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)

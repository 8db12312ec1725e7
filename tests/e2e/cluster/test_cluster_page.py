"""docs/cluster.md: its commands work in a fresh clone."""

from __future__ import annotations

import json
import shlex
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..conftest import Run
from ..seaweed import ADMIN, SeaweedFS
from .cluster_page import blocks, describe_in_bucket
from .cluster_scene import DaskProcess


def free_port() -> int:
    """A port that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _replaced(words: list[str], values: dict[str, str]) -> list[str]:
    text = shlex.join(words)
    for old, new in values.items():
        text = text.replace(old, new)
    return shlex.split(text)


@contextmanager
def started_cluster(clone: Path, environment: dict[str, str]) -> Iterator[Callable[[list[str]], list[str]]]:
    """Start the scheduler and the workers of the page; yields what replaces their address in other commands."""
    # A machine for tests has two cores.
    here = {"HOST": "127.0.0.1", "8786": str(free_port()), "--nworkers 8": "--nworkers 2"}
    scheduler, worker, _ = (_replaced(words, here) for words in blocks()[1])
    running: list[DaskProcess] = []
    try:
        for words, text in ((scheduler, "Scheduler at:"), (worker, "Registered to:")):
            running.append(DaskProcess(*words, cwd=clone, env=environment))
            running[-1].wait_for_line(text)
        yield lambda words: _replaced(words, here)
    finally:
        for process in reversed(running):
            process.stop()


def test_the_commands_of_the_page(clone: Path, environment: dict[str, str], run: Run) -> None:
    """The first block converts and verifies the sample; the second starts a cluster, which makes the same bytes."""
    on_one_machine, (_, _, compress), *_ = blocks()
    for words in on_one_machine:
        assert words[0] == "./run"
        run(*words[1:])
    parts = sorted((clone / "data/raw/parquet").rglob("*.parquet"))
    expected = [part.read_bytes() for part in parts]
    assert len(expected) > 2
    for part in parts:
        part.unlink()
    shutil.rmtree(clone / ".dvc/cache", ignore_errors=True)
    (clone / "data/dvc.lock").unlink()
    with started_cluster(clone, environment) as at_cluster:
        run(*at_cluster(compress)[1:])
    assert [part.read_bytes() for part in parts] == expected


def test_the_commands_from_bucket_to_bucket(clone: Path, environment: dict[str, str], run: Run, tmp_path: Path) -> None:
    """The sample goes into a bucket, workers convert it to the same bucket, and the parts equal the raw files.

    SeaweedFS stands in for the bucket of a team, and its address and keys for the two exports of the page.
    """
    (*exports, sample, upload), (compress, verify) = blocks()[2:4]
    with SeaweedFS(tmp_path / "weed") as server:
        server.make_bucket("lake")
        access = ADMIN.environment | {"AWS_ENDPOINT_URL_S3": server.url}
        assert [words[1].partition("=")[0] for words in exports] == ["AWS_ENDPOINT_URL_S3", "AWS_PROFILE"]
        environment.update(access)
        run(*sample[1:])
        run(*upload[1:])
        files = [path for path in (clone / "data/raw/csv/pems/detector").rglob("*") if path.is_file()]
        sizes = sorted(path.stat().st_size for path in files)
        assert sorted(server.objects("lake", "raw/detector/").values()) == sizes
        describe_in_bucket(clone)
        with started_cluster(clone, environment) as at_cluster:
            run(*at_cluster(compress)[1:])
        answer = run(*verify[1:])
        # The sample has a file of another kind, too, which the dataset does not read.
        read = [path for path in files if "_text_station_5min_" in path.name]
        parts = server.objects("lake", "parquet/detector/")
        assert sorted(parts) == sorted(f"parquet/detector/{path.name.partition('.')[0]}.parquet" for path in read)
        assert server.uploads("lake") == []
    assert answer.stdout.startswith("pems-detector: every value is in the Parquet: ")
    assert f" in {len(parts)} parts, 0 rejects" in answer.stdout
    assert "pems-detector" in json.loads((clone / "data/buckets.lock").read_text("utf-8"))["datasets"]

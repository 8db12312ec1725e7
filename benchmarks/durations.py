"""Compare the planned duration of data.push and data.pull with the real one, for many small files and for one.

The server is SeaweedFS on this machine, behind a proxy that holds every byte for half of the round trip. Each case
starts with a new server and a new project, and pulls into a new clone, so that nothing is remembered: plans use a first
measurement of the link, of the work on an object and of the disk, and a first guess of how long DVC starts.

Each line has the medians of some runs, and the smallest and the largest ratio: other work on this machine, or on the
host of a virtual one, changes what an object costs between the trial and the transfer.

Run it as `./run nox -s bench_durations`; with 20,000 files it takes about twenty minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/e2e"), str(ROOT / "packages/data-share/tests")]
# The tests use the same server and the same kind of project.
from seaweed import ADMIN, SeaweedFS  # noqa: E402
from tracked import Project  # noqa: E402

BUCKET = "bench"
# A process of its own, so that it does not wait for the lock of this Python.
HELD_LINK = """
import asyncio, sys

port, delay_s = int(sys.argv[1]), float(sys.argv[2])

async def carry(reader, writer):
    loop = asyncio.get_running_loop()
    while chunk := await reader.read(65536):
        loop.call_later(delay_s, writer.write, chunk)
    loop.call_later(delay_s, writer.close)

async def serve(reader, writer):
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(carry(reader, server_writer), carry(server_reader, writer), return_exceptions=True)

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, nargs="+", default=[1, 200, 2000, 20_000], help="numbers of files")
    parser.add_argument("--round-trips", type=int, nargs="+", default=[0, 30], help="in ms (%(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each case (%(default)s)")
    parser.add_argument("--bytes", type=int, default=1000, help="size of each file (%(default)s)")
    options = parser.parse_args()
    # All folders are deleted at the end: Linux creates files more slowly where others were deleted a moment ago.
    with tempfile.TemporaryDirectory(prefix="shrinkwrap-bench-") as folder:
        _measure(Path(folder), options)


def _measure(parent: Path, options: argparse.Namespace) -> None:
    print(
        f"{'files':>7}{'round trip':>12}{'step':>6}{'planned':>10}{'real':>10}"
        f"{'planned/real':>14}{'smallest':>10}{'largest':>9}"
    )
    for files in options.files:
        for round_trip_ms in options.round_trips:
            seconds: dict[str, list[tuple[float, float]]] = {}
            for run in range(options.runs):
                name = f"{files}-{round_trip_ms}-{run}"
                for step, document in _steps(parent / name, files, round_trip_ms, options.bytes).items():
                    both = (document["plan"]["seconds"], document["moved"]["seconds"])
                    seconds.setdefault(step, []).append(both)
            for step, runs in seconds.items():
                planned_s, real_s = (statistics.median(column) for column in zip(*runs, strict=True))
                ratios = [planned / real for planned, real in runs]
                print(
                    f"{files:>7,}{round_trip_ms:>9} ms{step:>6}{planned_s:>8.2f} s{real_s:>8.2f} s"
                    f"{statistics.median(ratios):>14.2f}{min(ratios):>10.2f}{max(ratios):>9.2f}",
                    flush=True,
                )


def _steps(folder: Path, files: int, round_trip_ms: int, size_bytes: int) -> dict[str, dict[str, Any]]:
    """What a push and a pull report, on a new server and in a new project."""
    with SeaweedFS(folder / "server") as server, _held_link(server.url, round_trip_ms / 2000) as url:
        server.make_bucket(BUCKET)
        project = Project(folder / "project")
        project.configure(
            f"['remote \"team\"']\n    url = s3://{BUCKET}/data\n    endpointurl = {url}\n", default="team"
        )
        numbers = random.Random(files)
        project.write("detectors", {f"part_{at:05}.parquet": numbers.randbytes(size_bytes) for at in range(files)})
        project.commit()
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(project.root), str(clone)], check=True)
        return {"push": _transfer("push", project.root), "pull": _transfer("pull", clone)}


@contextlib.contextmanager
def _held_link(url: str, delay_s: float) -> Iterator[str]:
    """The URL of a proxy that holds each byte; without a delay, that of the server."""
    if not delay_s:
        yield url
        return
    command = [sys.executable, "-c", HELD_LINK, url.rpartition(":")[2], str(delay_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _transfer(direction: str, root: Path) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("shrinkwrap")), f"data.{direction}", "--json"]
    environment = {**os.environ, **ADMIN.environment}
    result = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


if __name__ == "__main__":
    main()

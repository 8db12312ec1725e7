"""Compare data.push and data.pull with `dvc push` and `dvc pull`, on one S3 server, in one run.

The server is SeaweedFS on this machine, so the tools are compared and not a link: starting, listing, hashing, streams,
placing files. Ours plans first, measures the rate for that (as the first push and pull of an hour do), and hashes every
object before it is sent and before it is kept. DVC trusts its cache and the remote.

Run it as `./run nox -s bench_transfers`; it takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/e2e"), str(ROOT / "packages/data-share/tests")]
# The tests use the same server and the same kind of project.
from seaweed import ADMIN, SeaweedFS  # noqa: E402
from tracked import Project  # noqa: E402

BUCKET = "bench"
# Number of files, and bytes of each.
CASES = {"many small parts": (400, 50_000), "few large parts": (4, 50_000_000)}
STEPS = ("push", "push again", "pull", "pull again")
TOOLS = {
    "ours": lambda direction: [str(Path(sys.executable).with_name("shrinkwrap")), f"data.{direction}"],
    "dvc": lambda direction: [sys.executable, "-m", "dvc", direction, "--quiet"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--runs", type=int, default=3, help="runs of each tool, in turns; medians are shown (%(default)s)"
    )
    options = parser.parse_args()
    print(f"{'data':20}{'step':14}{'ours':>10}{'dvc':>10}{'dvc/ours':>10}")
    for case, (files, size_bytes) in CASES.items():
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(options.runs):
            for tool in TOOLS:
                with tempfile.TemporaryDirectory(prefix="shrinkwrap-bench-") as folder:
                    for step, duration_s in _steps(Path(folder), TOOLS[tool], files, size_bytes).items():
                        seconds.setdefault((step, tool), []).append(duration_s)
        for step in STEPS:
            ours, dvc = (statistics.median(seconds[step, tool]) for tool in TOOLS)
            print(f"{case:20}{step:14}{ours:8.1f} s{dvc:8.1f} s{dvc / ours:9.2f}×", flush=True)


def _steps(folder: Path, tool: Callable[[str], list[str]], files: int, size_bytes: int) -> dict[str, float]:
    """Seconds of each step, on a new server and in a new project."""
    with SeaweedFS(folder / "server") as server:
        server.make_bucket(BUCKET)
        project = Project(folder / "project")
        remote = f"['remote \"team\"']\n    url = s3://{BUCKET}/data\n    endpointurl = {server.url}\n"
        project.configure(remote, default="team")
        numbers = random.Random(files)
        contents = {f"part_{at:03}.parquet": numbers.randbytes(size_bytes) for at in range(files)}
        project.write("detectors", contents)
        project.commit()
        seconds = {step: _timed(tool("push"), project) for step in STEPS[:2]}
        project.forget()
        seconds |= {step: _timed(tool("pull"), project) for step in STEPS[2:]}
        if sorted(project.data().values()) != sorted(contents.values()):
            sys.exit("other data were pulled than were pushed")
    return seconds


def _timed(command: list[str], project: Project) -> float:
    started_s = time.perf_counter()
    environment = {**os.environ, **ADMIN.environment}
    result = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return time.perf_counter() - started_s


if __name__ == "__main__":
    main()

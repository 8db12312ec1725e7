"""A dataset, what one thread makes of it, and schedulers with workers that are processes."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from data_convert import ConversionReport, DatasetSpec, convert_dataset, load_specs, plan_conversion
from data_convert.cluster.conversion import convert_on_cluster

TABLE = """
[datasets.trees]
source = "raw"
output = "parts"
on_reject = "keep"
max_rejects = 0.5
sort = ["kind"]
columns = [
    { name = "id", type = "int32" },
    { name = "kind", type = "string" },
    { name = "note", type = "string" },
    { name = "height", type = "float64", nulls = [""] },
]
"""


def write_rows(path: Path, rows: int, *, seed: int, reject_every: int = 1000) -> None:
    """Write rows with quotes, with line ends in cells, and some that do not fit."""
    choice = random.Random(seed)
    lines = ["id,kind,note,height\n"]
    for number in range(rows):
        identifier = "x" if number % reject_every == 777 else str(number)
        note = f'"says ""{choice.randrange(10**6)}"",\nand more"' if number % 3 else f"plain {number}"
        lines.append(f"{identifier},kind {choice.randrange(50)},{note},{choice.random():.3f}\n")
    text = "".join(lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text, 1, mtime=0) if path.suffix == ".gz" else text)


@dataclass(frozen=True, kw_only=True)
class Trees:
    """A data folder with raw files, and the files that one thread makes of them."""

    folder: Path
    expected: dict[str, bytes]
    report: ConversionReport

    @property
    def spec(self) -> DatasetSpec:
        return load_specs(self.folder / "datasets.toml")["trees"]

    def remove_output(self) -> None:
        """Remove parts and rejects."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.parent.name in ("parts", "trees"):
                path.unlink()

    def output(self) -> dict[str, bytes]:
        """All files of the output and of the rejects."""
        return output_of(self.folder)

    def convert(self, scheduler: str) -> ConversionReport:
        """Convert on a cluster."""
        return convert_on_cluster(plan_conversion(self.spec, self.folder), scheduler, data_folder=self.folder)


def output_of(folder: Path) -> dict[str, bytes]:
    """All files of the output and of the rejects of a data folder."""
    files = sorted([*folder.glob("parts/**/*"), *folder.glob("rejects/**/*")])
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


def with_expected(folder: Path) -> Trees:
    """Convert with one thread."""
    (folder / "datasets.toml").write_text(TABLE, "utf-8")
    spec = load_specs(folder / "datasets.toml")["trees"]
    report = convert_dataset(spec, data_folder=folder, jobs=1)
    trees = Trees(folder=folder, expected=output_of(folder), report=report)
    trees.remove_output()
    return trees


DASK: Final = (sys.executable, "-m", "dask")


class DaskProcess:
    """`dask scheduler` or `dask worker`, as a user starts them."""

    def __init__(self, *command: str, **options: Any) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options
        )
        self._log = iter(self.process.stderr or ())
        self._reader = threading.Thread(target=lambda: list(self._log))

    def wait_for_line(self, text: str) -> str:
        """The first line of the log with the text; the rest of the log is dropped."""
        for line in self._log:
            if text in line:
                self._reader.start()
                return line
        raise AssertionError(f"the log ended without {text!r}")

    def kill_with_children(self) -> None:
        """Kill a nanny and its worker at once, as a machine that loses power does."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """End it with SIGTERM."""
        self.process.terminate()
        self.process.wait(60)
        if self._reader.ident is not None:
            self._reader.join()
        if self.process.stderr is not None:
            self.process.stderr.close()


@dataclass
class Deployed:
    """A scheduler and its workers."""

    scheduler: DaskProcess
    address: str
    workers: list[DaskProcess]

    def add_worker(self, *options: str) -> None:
        """Start another worker, and wait until it is registered."""
        worker = DaskProcess(*DASK, "worker", self.address, "--nthreads", "1", "--no-dashboard", *options)
        self.workers.append(worker)
        worker.wait_for_line("Registered to:")

    def add_machines(self, count: int) -> None:
        """Start workers with addresses of different machines."""
        for number in range(1, count + 1):
            self.add_worker("--host", f"127.0.0.{number}")

    def stop(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.stop()

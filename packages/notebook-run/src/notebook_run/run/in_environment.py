"""A notebook run in a local environment, without a browser."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from notebook_run.container import mounts
from notebook_run.local.environment import LocalEnvironment
from notebook_run.local.process import MemoryLimit, end_processes, home_folder, sandboxed, variables
from notebook_run.place import PlaceName, ProgramExit
from notebook_run.processes import Process, signals_blocked, start_process
from notebook_run.project import missing_file
from notebook_run.run.order import encoded
from notebook_run.run.place import Program
from notebook_run.run.request import RunRequest


@dataclass(frozen=True, kw_only=True)
class LocalPlace:
    """A new process for each run, which can write to its results and to the temporary folder only."""

    environment: LocalEnvironment

    @property
    def name(self) -> PlaceName:
        """Local."""
        return "local"

    @property
    def title(self) -> str:
        """The environment, for messages."""
        return self.environment.title

    def check(self, request: RunRequest) -> None:
        """Check that the notebook's file, the shared code and the data exist."""
        path = request.root / request.notebook.path
        if not path.is_file():
            raise missing_file(path, f"the file of {request.notebook.name}", "Correct its table.")
        mounts(request.root, request.notebook, data=request.data)

    def remove_runs(self, out: Path) -> int:
        """None: the processes of a run end with the one that started it."""
        return 0

    def run(self, request: RunRequest, program: Program, on_line: Callable[[str], None]) -> ProgramExit:
        """Run a program in a new process, which is killed if this function does not reach its end."""
        notebook, out = request.notebook, request.out_folder.resolve()
        root, home = request.root.resolve(), home_folder(request.root, notebook.name)
        order = {**program.order, "path": str(root / notebook.path), "out": str(out)}
        command = sandboxed(
            self.environment,
            ["-P", "-c", program.text, encoded(order)],
            root=root,
            writable=(out, home),
            ends=True,
        )
        data = (request.data or root / "data").resolve()
        process = None
        try:
            process = start_process(
                command,
                folder=out,
                variables=variables(self.environment, notebook, root=root, data=data, out=out, home=home),
            )
            with MemoryLimit(process.pid, notebook.memory_bytes) as memory:
                _pass_lines(process, on_line)
                exit_code = process.wait()
            return ProgramExit(exit_code=exit_code, is_out_of_memory=memory.was_exceeded)
        finally:
            if process:
                with signals_blocked():
                    end_processes(process.pid)
                    process.wait()


def _pass_lines(process: Process, on_line: Callable[[str], None]) -> None:
    """Pass on complete lines of standard output and standard error until both end."""
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read(stream: IO[bytes]) -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    assert process.stdout is not None and process.stderr is not None
    streams = (process.stdout, process.stderr)
    for stream in streams:
        threading.Thread(target=read, args=(stream,), daemon=True).start()
    ended = 0
    while ended < len(streams):
        line = lines.get()
        if line is None:
            ended += 1
        else:
            on_line(line.decode("utf-8", "replace").rstrip("\n"))

"""Jupyter of a local notebook: a process that outlives the command that started it, and the record of it."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from env_spec import NotebookSpec
from notebook_run.local.environment import LocalEnvironment
from notebook_run.local.process import end_processes, home_folder, sandboxed, variables
from notebook_run.processes import start_process
from notebook_run.project import build_folder, out_folder

RECORD: Final = "local.json"
LOG: Final = "jupyter.log"
# The clock of processes has steps of a hundredth of a second.
_SAME_START_S: Final = 1.0
_END_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class LocalServer:
    """A Jupyter process that was started for a notebook; it may have ended by itself.

    Attributes:
        pid: Its number, which another process may have later.
        created: When it was created, in seconds since 1970: with the number it is unique.
        fingerprint: Of its environment.
    """

    notebook: str
    pid: int
    created: float
    port: int
    token: str
    fingerprint: str
    image: str

    @property
    def is_running(self) -> bool:
        """Whether this very process runs."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < _SAME_START_S
            return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
        return False

    def stop(self) -> None:
        """End it and its kernels: first as Jupyter ends by itself, then by force."""
        if not self.is_running:
            return
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            kernels = process.children(recursive=True)
            process.terminate()
            with suppress(psutil.TimeoutExpired):
                process.wait(_END_TIMEOUT_S)
            end_processes(self.pid)
            for kernel in kernels:
                with suppress(psutil.Error):
                    kernel.kill()

    def wait(self) -> None:
        """Wait until it ends."""
        while self.is_running:
            time.sleep(0.2)


def log_file(root: Path, name: str) -> Path:
    """The file with the output of a notebook's Jupyter."""
    return build_folder(root, name) / LOG


def read_server(root: Path, name: str) -> LocalServer | None:
    """The recorded process of a notebook; None if there is none."""
    try:
        return LocalServer(**json.loads((build_folder(root, name) / RECORD).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def running_servers(root: Path) -> dict[str, LocalServer]:
    """The local notebooks that run, by name."""
    names = sorted(path.parent.name for path in build_folder(root, "any").parent.glob(f"*/{RECORD}"))
    servers = {name: server for name in names if (server := read_server(root, name))}
    return {name: server for name, server in servers.items() if server.is_running}


def forget_server(root: Path, name: str) -> None:
    """Remove the record of a process that ended."""
    (build_folder(root, name) / RECORD).unlink(missing_ok=True)


def start_server(
    root: Path, notebook: NotebookSpec, environment: LocalEnvironment, *, port: int, token: str
) -> LocalServer:
    """Start Jupyter on a port of 127.0.0.1, and record the process."""
    home, out, root = home_folder(root, notebook.name), out_folder(root, notebook.name).resolve(), root.resolve()
    command = sandboxed(
        environment,
        [
            *("-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={root / 'notebooks'}"),
            *(
                "--ServerApp.allow_root=True",
                f"--LabApp.default_url=/lab/tree/{notebook.path.removeprefix('notebooks/')}",
            ),
        ],
        root=root,
        writable=(root / "notebooks", home),
        ends=False,
    )
    settings = variables(environment, notebook, root=root, data=root / "data", out=out, home=home)
    process = start_process(
        command,
        folder=root / "notebooks",
        variables={**settings, "JUPYTER_TOKEN": token},
        log=log_file(root, notebook.name),
    )
    server = LocalServer(
        notebook=notebook.name,
        pid=process.pid,
        created=psutil.Process(process.pid).create_time(),
        port=port,
        token=token,
        fingerprint=environment.fingerprint,
        image=environment.image,
    )
    _write(build_folder(root, notebook.name) / RECORD, server)
    return server


def _write(file: Path, server: LocalServer) -> None:
    """Write the record, which has the token, so that only its owner can read it."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump(asdict(server), stream)

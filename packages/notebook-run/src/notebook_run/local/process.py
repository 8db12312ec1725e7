"""The process of a local notebook: its command in the sandbox, its variables, and its memory."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import psutil

from env_spec import OWN_FOLDER, NotebookSpec
from notebook_run.container import environment as container_environment
from notebook_run.local.environment import LocalEnvironment
from notebook_run.project import LIB, build_folder

# Both are in the containers too.
KERNEL_SETTINGS: Final = Path("images/ipython_kernel_config.py")
PAGE_SETTINGS: Final = Path("images/page_config.json")
_SANDBOX: Final = Path(__file__).with_name("sandbox.py")
_POLL_S: Final = 0.2
# Everything else of the user's environment stays outside: credentials above all.
_PASSED: Final = ("LC_ALL", "LOGNAME", "TERM", "USER")
_PASSED_WITH_NETWORK: Final = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")


def home_folder(root: Path, notebook: str) -> Path:
    """The home of a notebook's processes: without settings of the user, with those that containers have too."""
    folder = build_folder(root, notebook).resolve() / "home"
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    profile, settings = folder / ".ipython/profile_default", folder / "config/labconfig"
    for place, file in ((profile, KERNEL_SETTINGS), (settings, PAGE_SETTINGS)):
        place.mkdir(parents=True, exist_ok=True)
        (place / file.name).write_bytes((root / file).read_bytes())
    return folder


def sandboxed(
    environment: LocalEnvironment, command: Iterable[str], *, root: Path, writable: Iterable[Path], ends: bool
) -> list[str]:
    """A command of an environment that can write to these folders, the temporary one and devices only.

    Args:
        root: The project.
        ends: Whether it ends with this process.
    """
    places = [*writable, Path("/dev"), Path("/proc/self")]
    temporary = Path(tempfile.gettempdir()).resolve()
    # A project in the temporary folder would be writable with it; the home has a temporary folder of its own.
    if not root.is_relative_to(temporary):
        places.append(temporary)
    order = json.dumps({"writable": [str(path) for path in places], "parent": ends})
    interpreter = str(environment.interpreter)
    return [interpreter, "-P", str(_SANDBOX), order, interpreter, *command]


def variables(
    environment: LocalEnvironment, notebook: NotebookSpec, *, root: Path, data: Path, out: Path, home: Path
) -> dict[str, str]:
    """The environment variables of a notebook's processes: those of its container, with the paths of this machine."""
    passed = (*_PASSED, *(_PASSED_WITH_NETWORK if notebook.network else ()))
    return {
        "LANG": "C.UTF-8",
        # As in a container.
        "TZ": "UTC",
        **container_environment(notebook),
        **{name: os.environ[name] for name in passed if name in os.environ},
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PATH": os.pathsep.join([str(environment.folder / "bin"), os.defpath]),
        "PYTHONPATH": os.pathsep.join(str(root / folder) for folder in (LIB, *([OWN_FOLDER] if notebook.own else []))),
        "SHRINKWRAP_DATA": str(data),
        "SHRINKWRAP_OUT": str(out),
        "JUPYTER_CONFIG_PATH": str(home / "config"),
    }


class MemoryLimit:
    """Kills the largest process below another one as soon as all of them use more memory than a limit.

    Attributes:
        was_exceeded: Whether that happened.
    """

    def __init__(self, pid: int, limit: int | None) -> None:
        self.was_exceeded = False
        self._pid = pid
        self._limit = limit
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryLimit:
        if self._limit:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()

    def _watch(self) -> None:
        while not self._is_over.wait(_POLL_S):
            used = _used(self._pid)
            if sum(used.values()) > (self._limit or 0):
                self.was_exceeded = True
                with contextlib.suppress(psutil.Error):
                    max(used, key=lambda process: used[process]).kill()


def _used(pid: int) -> Mapping[psutil.Process, int]:
    """The memory of a process and of those below it, without what they share."""
    found: dict[psutil.Process, int] = {}
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                memory = each.memory_info()
                found[each] = memory.rss - getattr(memory, "shared", 0)
    return found


def end_processes(pid: int) -> None:
    """Kill a process and those below it. A kernel has a session of its own, so a signal to the group would miss it."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                each.kill()

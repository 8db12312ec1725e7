"""Starts a notebook in a local Jupyter: environment, process; waits until its page answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from env_spec import NotebookSpec
from notebook_run.container import mounts
from notebook_run.errors import NotWrittenError
from notebook_run.local.environment import LocalEnvironment
from notebook_run.local.server import LocalServer, forget_server, log_file, read_server, start_server
from notebook_run.project import check_in_notebooks, make_out_folder, out_folder
from notebook_run.session.ports import chosen_port
from notebook_run.session.waiting import StartingNotebook


class LocalStart:
    """One start of a notebook without Docker."""

    def __init__(
        self, root: Path, notebook: NotebookSpec, environment: LocalEnvironment, on_line: Callable[[str], None]
    ) -> None:
        self._root = root
        self._notebook = notebook
        self._environment = environment
        self._on_line = on_line

    def run(self, requested_port: int | None) -> tuple[LocalServer, bool]:
        """Start the notebook and wait for its page; whether it was already running.

        A notebook that runs in the same environment keeps running; otherwise it is restarted. If the start fails,
        nothing is left running.
        """
        name = self._notebook.name
        self._check()
        running = read_server(self._root, name)
        if running and not running.is_running:
            running = None
        if running and requested_port in (None, running.port) and running.fingerprint == self._environment.fingerprint:
            self._wait(running)
            return running, True
        if running:
            self._on_line(f"{name}: restarting, because its settings changed")
            running.stop()
        port = chosen_port(requested_port, lambda port: None)
        self._on_line(f"{name}: starting {self._environment.title}")
        server = self._started(port)
        try:
            self._wait(server)
        except BaseException:
            server.stop()
            forget_server(self._root, name)
            raise
        return server, False

    def _check(self) -> None:
        check_in_notebooks(self._root, self._notebook)
        mounts(self._root, self._notebook)
        make_out_folder(out_folder(self._root, self._notebook.name))

    def _started(self, port: int) -> LocalServer:
        try:
            return start_server(
                self._root, self._notebook, self._environment, port=port, token=secrets.token_urlsafe(24)
            )
        except OSError as error:
            raise NotWrittenError(str(error.filename or "the record of the notebook"), error) from None

    def _wait(self, server: LocalServer) -> None:
        """Wait until the page answers."""
        StartingNotebook(
            name=server.notebook,
            path=self._notebook.path,
            port=server.port,
            token=server.token,
            end=lambda: None if server.is_running else "Jupyter ended",
            last_lines=self._last_lines,
        ).wait(self._on_line)

    def _last_lines(self) -> list[str]:
        return log_file(self._root, self._notebook.name).read_text("utf-8", "replace").splitlines()[-8:]
